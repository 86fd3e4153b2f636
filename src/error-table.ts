/** All error codes of the package. `npm run docs` copies this table to docs/errors.md. */

/** One row of the table. */
export interface ErrorEntry {
  readonly party: 'client' | 'application' | 'upstream' | 'nobody';
  /** The status of the response, if the head has not been sent yet. */
  readonly statusCode: number;
  readonly source: string;
  readonly message: string;
}

/** All error codes of the package. `{detail}` in a message is replaced by the detail that the thrower passes. */
export const ERRORS = {
  // The client broke HTTP.
  WSGI_ERR_FIELD_REPEATED: {
    party: 'client',
    statusCode: 400,
    source: 'RFC 9110 §5.3',
    message: 'Request repeats a field that may appear only once: {detail}',
  },
  WSGI_ERR_FIELD_UNDERSCORE: {
    party: 'client',
    statusCode: 400,
    source: 'CVE-2015-0219',
    message: 'Field name contains an underscore: {detail}',
  },
  WSGI_ERR_HEAD_INCOMPLETE: {
    party: 'client',
    statusCode: 400,
    source: 'RFC 9112 §8',
    message: 'Client closed its half of the connection before the head of a request was complete',
  },
  WSGI_ERR_CONTENT_INCOMPLETE: {
    party: 'client',
    statusCode: 400,
    source: 'RFC 9112 §8',
    message: 'Client closed its half of the connection before the content of a request was complete',
  },
  WSGI_ERR_REQUEST_TIMEOUT: {
    party: 'client',
    statusCode: 408,
    source: 'RFC 9110 §15.5.9',
    message: 'Request did not arrive in time',
  },
  WSGI_ERR_EXPECTATION_UNKNOWN: {
    party: 'client',
    statusCode: 417,
    source: 'RFC 9110 §10.1.1',
    message: 'Expect has a value other than 100-continue',
  },
  WSGI_ERR_CONTENT_TOO_LARGE: {
    party: 'client',
    statusCode: 413,
    source: 'RFC 9110 §15.5.14',
    message: 'Request content exceeds {detail} octets',
  },
  WSGI_ERR_CONTENT_MALFORMED: {
    party: 'client',
    statusCode: 400,
    source: 'RFC 9110 §15.5.1',
    message: 'Request content is not valid {detail}',
  },
  WSGI_ERR_CONTENT_UNSUPPORTED: {
    party: 'client',
    statusCode: 415,
    source: 'RFC 9110 §15.5.16',
    message: 'Request content cannot be read: {detail}',
  },
  WSGI_ERR_LINE_END_INVALID: {
    party: 'client',
    statusCode: 400,
    source: 'RFC 9112 §2.2',
    message: 'Line contains a bare CR or LF',
  },
  WSGI_ERR_OCTET_FORBIDDEN: {
    party: 'client',
    statusCode: 400,
    source: 'RFC 9110 §5.5',
    message: 'Line contains a forbidden octet: {detail}',
  },
  WSGI_ERR_REQUEST_LINE_INVALID: {
    party: 'client',
    statusCode: 400,
    source: 'RFC 9112 §3',
    message: 'Request line must be method, target and HTTP version, separated by single spaces: {detail}',
  },
  WSGI_ERR_REQUEST_LINE_TOO_LONG: {
    party: 'client',
    statusCode: 414,
    source: 'RFC 9110 §15.5.15',
    message: 'Request line exceeds its limit',
  },
  WSGI_ERR_METHOD_INVALID: {
    party: 'client',
    statusCode: 400,
    source: 'RFC 9110 §9.1',
    message: 'Method is not a token: {detail}',
  },
  WSGI_ERR_METHOD_UNKNOWN: {
    party: 'client',
    statusCode: 501,
    source: 'RFC 9110 §9.1',
    message: 'Method is unknown to node:http: {detail}',
  },
  WSGI_ERR_REQUESTS_TOO_MANY: {
    party: 'client',
    statusCode: 503,
    source: 'RFC 9112 §9.6',
    message: 'Connection has reached its maximum number of requests',
  },
  WSGI_ERR_CONNECT_REFUSED: {
    party: 'client',
    statusCode: 501,
    source: 'RFC 9110 §9.3.6',
    message: 'Server does not support CONNECT',
  },
  WSGI_ERR_TARGET_INVALID: {
    party: 'client',
    statusCode: 400,
    source: 'RFC 9112 §3.2',
    message: 'Request target is malformed, or its form does not fit the method: {detail}',
  },
  WSGI_ERR_VERSION_UNSUPPORTED: {
    party: 'client',
    statusCode: 505,
    source: 'RFC 9110 §15.6.6',
    message: 'HTTP version is not supported: {detail}',
  },
  WSGI_ERR_FIELD_LINE_INVALID: {
    party: 'client',
    statusCode: 400,
    source: 'RFC 9112 §5',
    message: 'Field line must be a token, a colon and a value: {detail}',
  },
  WSGI_ERR_FIELD_FOLDED: {
    party: 'client',
    statusCode: 400,
    source: 'RFC 9112 §5.2',
    message: 'Field line begins with whitespace',
  },
  WSGI_ERR_FIELDS_TOO_LARGE: {
    party: 'client',
    statusCode: 431,
    source: 'RFC 6585 §5',
    message: 'Field section exceeds its limit',
  },
  WSGI_ERR_FIELDS_TOO_MANY: {
    party: 'client',
    statusCode: 431,
    source: 'RFC 6585 §5',
    message: 'Field section has too many fields',
  },
  WSGI_ERR_HOST_MISSING: {
    party: 'client',
    statusCode: 400,
    source: 'RFC 9112 §3.2',
    message: 'Request has no Host',
  },
  WSGI_ERR_HOST_INVALID: {
    party: 'client',
    statusCode: 400,
    source: 'RFC 9110 §7.2',
    message: 'Host must be a host name or an address, with an optional port: {detail}',
  },
  WSGI_ERR_LENGTH_INVALID: {
    party: 'client',
    statusCode: 400,
    source: 'RFC 9110 §8.6',
    message: 'Content-Length of the request must consist of digits: {detail}',
  },
  WSGI_ERR_FRAMING_AMBIGUOUS: {
    party: 'client',
    statusCode: 400,
    source: 'RFC 9112 §6.1',
    message: 'Request framing is ambiguous: {detail}',
  },
  WSGI_ERR_CODING_INVALID: {
    party: 'client',
    statusCode: 400,
    source: 'RFC 9112 §6.3',
    message: 'Transfer-Encoding must end with chunked and contain it only once: {detail}',
  },
  WSGI_ERR_CODING_UNSUPPORTED: {
    party: 'client',
    statusCode: 501,
    source: 'RFC 9112 §6.1',
    message: 'Transfer coding is not supported: {detail}',
  },
  WSGI_ERR_CONNECTION_INVALID: {
    party: 'client',
    statusCode: 400,
    source: 'RFC 9110 §7.6.1',
    message: 'Connection contains an invalid option: {detail}',
  },
  WSGI_ERR_CHUNK_MALFORMED: {
    party: 'client',
    statusCode: 400,
    source: 'RFC 9112 §7.1',
    message: 'Chunked content is malformed: {detail}',
  },
  WSGI_ERR_CHUNK_EXTENSIONS_TOO_LARGE: {
    party: 'client',
    statusCode: 413,
    source: 'RFC 9112 §7.1.1',
    message: 'Chunk extensions exceed their limit',
  },
  WSGI_ERR_REQUEST_TRAILER_FORBIDDEN: {
    party: 'client',
    statusCode: 400,
    source: 'RFC 9110 §6.5.1',
    message: 'Field is not allowed in a trailer section: {detail}',
  },
  WSGI_ERR_PROXY_HEADER_MISSING: {
    party: 'client',
    statusCode: 400,
    source: 'PROXY protocol §2',
    message: 'Connection of a trusted proxy does not begin with a PROXY protocol header',
  },
  WSGI_ERR_PROXY_HEADER_INVALID: {
    party: 'client',
    statusCode: 400,
    source: 'PROXY protocol §2.1, §2.2',
    message: 'PROXY protocol header is malformed: {detail}',
  },
  // The application broke PEP 3333.
  WSGI_ERR_START_RESPONSE_REPEATED: {
    party: 'application',
    statusCode: 500,
    source: 'PEP 3333, The start_response() Callable',
    message: 'startResponse was called again; to replace the head, pass the error as third argument',
  },
  WSGI_ERR_START_RESPONSE_MISSING: {
    party: 'application',
    statusCode: 500,
    source: 'PEP 3333, The start_response() Callable',
    message: 'Application did not call startResponse before {detail}',
  },
  WSGI_ERR_START_RESPONSE_LATE: {
    party: 'application',
    statusCode: 500,
    source: 'PEP 3333, The start_response() Callable',
    message: 'startResponse was called after the response ended',
  },
  WSGI_ERR_STATUS_INVALID: {
    party: 'application',
    statusCode: 500,
    source: 'PEP 3333, The start_response() Callable; RFC 9112 §4',
    message: "Status must be a string such as '200 OK', from 200 to 999: {detail}",
  },
  WSGI_ERR_HEADERS_INVALID: {
    party: 'application',
    statusCode: 500,
    source: 'PEP 3333, The start_response() Callable',
    message: 'Headers must be an array of [name, value] pairs of strings: {detail}',
  },
  WSGI_ERR_HEADER_NAME_INVALID: {
    party: 'application',
    statusCode: 500,
    source: 'RFC 9110 §5.1',
    message: 'Header name is not a token: {detail}',
  },
  WSGI_ERR_HEADER_VALUE_INVALID: {
    party: 'application',
    statusCode: 500,
    source: 'RFC 9110 §5.5',
    message: 'Header value contains a control character or a character above U+00FF: {detail}',
  },
  WSGI_ERR_HEADER_HOP_BY_HOP: {
    party: 'application',
    statusCode: 500,
    source: 'PEP 3333, Other HTTP Features',
    message: 'Application set a hop-by-hop header; remove it or set the option hopByHop to drop: {detail}',
  },
  WSGI_ERR_RESPONSE_INVALID: {
    party: 'application',
    statusCode: 500,
    source: 'Fetch Standard §5.5',
    message: 'Fetch handler must give a Response that can be sent: {detail}',
  },
  WSGI_ERR_HEADER_STATUS: {
    party: 'application',
    statusCode: 500,
    source: 'PEP 3333, The start_response() Callable',
    message: "Header 'Status' is reserved for CGI; pass the status as first argument",
  },
  WSGI_ERR_CONTENT_LENGTH_INVALID: {
    party: 'application',
    statusCode: 500,
    source: 'RFC 9110 §8.6',
    message: 'Content-Length cannot be sent: {detail}',
  },
  WSGI_ERR_CONTENT_LENGTH_EXCEEDED: {
    party: 'application',
    statusCode: 500,
    source: 'PEP 3333, Handling the Content-Length Header',
    message: 'Application sent more than the {detail} octets that its Content-Length declares',
  },
  WSGI_ERR_CONTENT_LENGTH_SHORT: {
    party: 'application',
    statusCode: 500,
    source: 'PEP 3333, Handling the Content-Length Header',
    message: 'Application sent less than its Content-Length declares: {detail}',
  },
  WSGI_ERR_BODY_INVALID: {
    party: 'application',
    statusCode: 500,
    source: 'PEP 3333, Specification Details',
    message: 'Application must return an iterable of Uint8Array, such as [chunk]: {detail}',
  },
  WSGI_ERR_CHUNK_INVALID: {
    party: 'application',
    statusCode: 500,
    source: 'PEP 3333, Specification Details',
    message: 'A chunk of the body must be a Uint8Array: {detail}',
  },
  WSGI_ERR_CONTENT_FORBIDDEN: {
    party: 'application',
    statusCode: 500,
    source: 'RFC 9110 §6.4.1',
    message: 'Application sent content where the status has none: {detail}',
  },
  WSGI_ERR_TRAILER_FORBIDDEN: {
    party: 'application',
    statusCode: 500,
    source: 'RFC 9110 §6.5.1',
    message: 'Field must not be sent in a trailer section: {detail}',
  },
  WSGI_ERR_WRITE_AFTER_END: {
    party: 'application',
    statusCode: 500,
    source: 'PEP 3333, The write() Callable',
    message: 'write was called after the response ended',
  },
  WSGI_ERR_THROWN_VALUE: {
    party: 'application',
    statusCode: 500,
    source: 'PEP 3333, Error Handling',
    message: 'Application threw a value that the host does not treat as an error: {detail}',
  },
  WSGI_ERR_RESPONSE_TAKEN: {
    party: 'application',
    statusCode: 500,
    source: 'PEP 3333, The Server/Gateway Side',
    message: 'Host answered the request before the application did',
  },
  WSGI_ERR_RESPONSE_TOO_LARGE: {
    party: 'application',
    statusCode: 500,
    source: 'RFC 9110 §15.6.1',
    message: 'Response is larger than what the host passes on: {detail}',
  },
  WSGI_ERR_BODY_CONSUMED: {
    party: 'application',
    statusCode: 500,
    source: 'PEP 3333, Input and Error Streams',
    message: 'Request content was consumed before the application could read it: {detail}',
  },
  WSGI_ERR_RULE_BROKEN: {
    party: 'application',
    statusCode: 500,
    source: 'PEP 3333, or the source that the error cites',
    message: 'Broken rule: {detail}',
  },
  // The program behind a from-bridge failed.
  WSGI_ERR_UPSTREAM_UNAVAILABLE: {
    party: 'upstream',
    statusCode: 502,
    source: 'RFC 9110 §15.6.3',
    message: 'Program cannot be started or reached: {detail}',
  },
  WSGI_ERR_UPSTREAM_MALFORMED: {
    party: 'upstream',
    statusCode: 502,
    source: 'RFC 3875 §6, or the section that the error cites',
    message: 'Response of the program is malformed: {detail}',
  },
  WSGI_ERR_UPSTREAM_ENDED: {
    party: 'upstream',
    statusCode: 502,
    source: 'RFC 9110 §15.6.3',
    message: 'Program ended before its response was complete: {detail}',
  },
  WSGI_ERR_UPSTREAM_TIMEOUT: {
    party: 'upstream',
    statusCode: 504,
    source: 'RFC 9110 §15.6.5',
    message: 'Program did not respond in time: {detail}',
  },
  WSGI_ERR_UPSTREAM_BUSY: {
    party: 'upstream',
    statusCode: 503,
    source: 'RFC 9110 §15.6.4',
    message: 'Program is busy with other requests: {detail}',
  },
  // Nobody is to blame.
  WSGI_ERR_DISCONNECTED: {
    party: 'nobody',
    statusCode: 499,
    source: 'PEP 3333, Error Handling',
    message: 'Client closed the connection before the {detail} was complete',
  },
} as const;

/** A code of the table. */
export type ErrorCode = keyof typeof ERRORS;
