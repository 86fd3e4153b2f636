/**
 * Makes the errors for listeners of `clientError` and of a socket's 'error': those that node's server makes of the
 * same fault of a client.
 *
 * Where node's parser finds a fault too, the error is the parser's (parse-error.ts). Where ours is stricter, it has the
 * code of node's that is nearest (llhttp of Node 20 to 26), or ours if node has none. Our error is the `cause`.
 */
import type { ErrorCode, ProtocolError } from '../errors.ts';
import { nodeError } from './node-errors.ts';
import { type ClientOctets, parseErrorOf } from './parse-error.ts';

/** The error of a client. */
export interface ClientError extends Error {
  /** node's code: `HPE_…` or `ERR_HTTP_REQUEST_TIMEOUT`; ours if node has none. */
  readonly code?: string;
  /** node's words for a fault of the octets. */
  readonly reason?: string;
  /** Octets of the packet that were parsed. Missing for a time-out. */
  readonly bytesParsed?: number;
  /** The octets that came last. */
  readonly rawPacket?: Buffer;
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

/** node's server answers these itself, and emits no `clientError`. */
const ANSWERED: ReadonlySet<ErrorCode> = new Set([
  'WSGI_ERR_HOST_MISSING',
  'WSGI_ERR_EXPECTATION_UNKNOWN',
  'WSGI_ERR_CONNECT_REFUSED',
]);

const INCOMPLETE: ReadonlySet<ErrorCode> = new Set([
  'WSGI_ERR_HEAD_INCOMPLETE',
  'WSGI_ERR_CONTENT_INCOMPLETE',
]);

/** The circumstances of a fault. */
interface ClientFault {
  /** The octets that came last. */
  readonly packet: Buffer;
  /** For node's parser; undefined if nobody looks at its error, or no octet is at fault. */
  readonly octets?: Omit<ClientOctets, 'packet'> | undefined;
  /** node's option. */
  readonly maxHeaderSize?: number;
  /** The fault is in content. node has fewer of these than of others, and no limit for content. */
  readonly isContent?: boolean;
}

const NOTHING = Buffer.alloc(0);

/** Makes the error that node would have made, for those who need no packet. */
export function createClientError(cause: ProtocolError): ClientError {
  return withCause(makeError(cause, NOTHING), cause);
}

/**
 * Finds the error that node's server emits as `clientError`, or would emit if it had our rules.
 *
 * @returns undefined if node's server emits none
 */
export function findClientError(cause: ProtocolError, fault: ClientFault): ClientError | undefined {
  const { packet, octets, maxHeaderSize = 0, isContent = false } = fault;
  const found = octets && parseErrorOf({ ...octets, packet }, maxHeaderSize);
  if (found !== undefined) return withCause(found, cause);
  if (ANSWERED.has(cause.code) || (isContent && !(cause.code in NODE_CODES))) return undefined;
  return withCause(makeError(cause, packet), cause);
}

function withCause(error: ClientError, cause: ProtocolError): ClientError {
  return Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true });
}

function makeError(cause: ProtocolError, packet: Buffer): ClientError {
  const code = NODE_CODES[cause.code] ?? cause.code;
  // node leaves the packet of these two out.
  const rawPacket = packet;
  if (cause.code === 'WSGI_ERR_REQUEST_TIMEOUT') {
    return Object.assign(nodeError(code, 'Request timeout'), { code, rawPacket });
  }
  if (INCOMPLETE.has(cause.code)) {
    // Without the reason in the message, as on node.
    const reason = 'Invalid EOF state';
    return Object.assign(nodeError(code, 'Parse Error'), { code, reason, bytesParsed: 0, rawPacket });
  }
  const text = code.startsWith('HPE_') ? `Parse Error: ${cause.message}` : cause.message;
  return Object.assign(nodeError(code, text), {
    code,
    reason: cause.message,
    bytesParsed: rawPacket.length,
    rawPacket,
  });
}
