/** Name and version of the package, for SERVER_SOFTWARE and `Server`. A test compares them with package.json. */

/** The product token (RFC 9110 §10.2.4). */
export const SOFTWARE = 'gatebridge/0.1.0';
