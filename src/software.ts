/** Name and version, as SERVER_SOFTWARE and the `Server` field have them. A test holds them against package.json. */

/** The product token (RFC 9110 §10.2.4). */
export const SOFTWARE = 'gatebridge/0.1.0';
