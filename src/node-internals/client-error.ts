/**
 * Makes the errors for listeners of `clientError` and of a socket's 'error': those that node's server makes of the
 * same fault of a client (codes of llhttp as Node 20 to 26 have them).
 *
 * Our error is the `cause`. If node has no such error, because it lacks the limit, `code` is ours.
 */
import type { ErrorCode, ProtocolError } from '../errors.ts';

/** The error of a client. */
export interface ClientError extends Error {
  /** node's code: `HPE_…` or `ERR_HTTP_REQUEST_TIMEOUT`; ours if node has none. */
  readonly code: string;
  /** Octets of the packet that were parsed. */
  readonly bytesParsed: number;
  /** The octets that came last. */
  readonly rawPacket: Buffer;
}

const NODE_CODES: Partial<Record<ErrorCode, string>> = {
  WSGI_ERR_REQUEST_TIMEOUT: 'ERR_HTTP_REQUEST_TIMEOUT',
  WSGI_ERR_HEAD_INCOMPLETE: 'HPE_INVALID_EOF_STATE',
  WSGI_ERR_CONTENT_INCOMPLETE: 'HPE_INVALID_EOF_STATE',
  WSGI_ERR_REQUEST_LINE_INVALID: 'HPE_INVALID_METHOD',
  WSGI_ERR_METHOD_INVALID: 'HPE_INVALID_METHOD',
  WSGI_ERR_METHOD_UNKNOWN: 'HPE_INVALID_METHOD',
  WSGI_ERR_TARGET_INVALID: 'HPE_INVALID_URL',
  WSGI_ERR_VERSION_UNSUPPORTED: 'HPE_INVALID_VERSION',
  WSGI_ERR_LINE_END_INVALID: 'HPE_CR_EXPECTED',
  WSGI_ERR_OCTET_FORBIDDEN: 'HPE_INVALID_HEADER_TOKEN',
  WSGI_ERR_FIELD_LINE_INVALID: 'HPE_INVALID_HEADER_TOKEN',
  WSGI_ERR_FIELD_FOLDED: 'HPE_INVALID_HEADER_TOKEN',
  WSGI_ERR_REQUEST_LINE_TOO_LONG: 'HPE_HEADER_OVERFLOW',
  WSGI_ERR_FIELDS_TOO_LARGE: 'HPE_HEADER_OVERFLOW',
  WSGI_ERR_FIELDS_TOO_MANY: 'HPE_HEADER_OVERFLOW',
  WSGI_ERR_LENGTH_INVALID: 'HPE_INVALID_CONTENT_LENGTH',
  WSGI_ERR_FRAMING_AMBIGUOUS: 'HPE_INVALID_TRANSFER_ENCODING',
  WSGI_ERR_CODING_INVALID: 'HPE_INVALID_TRANSFER_ENCODING',
  WSGI_ERR_CODING_UNSUPPORTED: 'HPE_INVALID_TRANSFER_ENCODING',
  WSGI_ERR_CHUNK_MALFORMED: 'HPE_INVALID_CHUNK_SIZE',
  WSGI_ERR_CHUNK_EXTENSIONS_TOO_LARGE: 'HPE_CHUNK_EXTENSIONS_OVERFLOW',
};

/**
 * Makes the error that node would have made.
 *
 * @param rawPacket The octets that came last
 */
export function createClientError(error: ProtocolError, rawPacket: Buffer): ClientError {
  const code = NODE_CODES[error.code] ?? error.code;
  const text = code.startsWith('HPE_') ? `Parse Error: ${error.message}` : error.message;
  return Object.assign(new Error(text, { cause: error }), {
    code,
    bytesParsed: rawPacket.length,
    rawPacket,
  });
}
