/**
 * The table of all error codes, which `npm run docs` copies to docs/errors.md. The rows of clients that broke HTTP are in
 * client-error-table.ts.
 */
import { CLIENT_ERRORS } from './client-error-table.ts';

/** One row of the table. */
export interface ErrorEntry {
  readonly party: 'client' | 'application' | 'upstream' | 'nobody';
  /** The status of the response, if the head has not been sent yet. */
  readonly statusCode: number;
  readonly source: string;
  readonly message: string;
}

const OTHER_ERRORS = {
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
  WSGI_ERR_UPGRADE_LATE: {
    party: 'application',
    statusCode: 500,
    source: 'RFC 9110 §7.8',
    message: 'Socket must be taken by gateway.upgrade once, before startResponse: {detail}',
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

/** All error codes of the package. `{detail}` in a message is replaced by the detail that the thrower passes. */
export const ERRORS: typeof CLIENT_ERRORS & typeof OTHER_ERRORS = { ...CLIENT_ERRORS, ...OTHER_ERRORS };

/** A code of the table. */
export type ErrorCode = keyof typeof ERRORS;
