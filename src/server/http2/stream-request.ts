/**
 * Reads the fields of a request of HTTP/2: what they say about the message, and what becomes of them in the environ.
 *
 * node:http2 has refused, by a reset of the stream, what RFC 9113 calls malformed: missing and repeated pseudo-header fields,
 * upper-case names, fields of the connection (§8.2.2), TE but for `trailers`, a wrong Content-Length. What HTTP/1.1 refuses
 * besides is refused here with the same status, as RFC 9113 §8.1.1 allows.
 *
 * Rule: strings are native strings. No pseudo-header field is passed on.
 */
import { ProtocolError } from '../../errors.ts';
import { type HttpLimits, isAuthority, quote, TARGET, TOKEN } from '../../http/index.ts';

/** The fields of a request. */
export interface StreamRequest {
  readonly method: string;
  /** `:path`; for CONNECT without `:protocol` the authority. */
  readonly target: string;
  /** The protocol of an extended CONNECT (RFC 8441 §4). */
  readonly protocol: string | undefined;
  /** Name, value, …: Host, then the fields in order, without pseudo-header fields. */
  readonly rawHeaders: readonly string[];
  /** A field says the length of the content. */
  readonly hasLength: boolean;
  readonly expectsContinue: boolean;
  readonly hasUnknownExpectation: boolean;
}

/** The limits that hold for the fields. */
export type FieldLimits = Pick<
  HttpLimits,
  'maxBodySize' | 'maxHeadersCount' | 'maxHeaderSize' | 'requireHostHeader'
>;

/**
 * Reads the fields of a request.
 *
 * @param received Name, value, …, as node:http2 gives them
 * @throws {@link ProtocolError}
 */
export function readStreamRequest(received: readonly string[], limits: FieldLimits): StreamRequest {
  let method = '';
  let path: string | undefined;
  let authority: string | undefined;
  let protocol: string | undefined;
  let host: string | undefined;
  let expect: string | undefined;
  let size = 0;
  let hasLength = false;
  const fields: string[] = [];
  for (let index = 0; index + 1 < received.length; index += 2) {
    const name = received[index] ?? '';
    const value = received[index + 1] ?? '';
    if (name.charCodeAt(0) === COLON) {
      if (name === ':method') method = value;
      else if (name === ':path') path = value;
      else if (name === ':protocol') protocol = value;
      else if (name === ':authority') {
        authority = value;
        fields.push('host', value);
      }
      continue;
    }
    size += name.length + value.length;
    if (name === 'host') {
      if (host !== undefined) throw new ProtocolError('WSGI_ERR_FIELD_REPEATED', 'Host');
      host = value;
      // Pseudo-header fields come first (RFC 9113 §8.3): `:authority` stands for it.
      if (authority !== undefined) continue;
    }
    if (name === 'expect') expect = expect === undefined ? value : `${expect}, ${value}`;
    else if (name === 'content-length') {
      checkLength(value, limits);
      hasLength = true;
    }
    fields.push(name, value);
  }
  if (size > limits.maxHeaderSize) throw new ProtocolError('WSGI_ERR_FIELDS_TOO_LARGE');
  if (limits.maxHeadersCount !== 0 && fields.length / 2 > limits.maxHeadersCount)
    throw new ProtocolError('WSGI_ERR_FIELDS_TOO_MANY');
  if (method !== 'GET' && !TOKEN.test(method))
    throw new ProtocolError('WSGI_ERR_METHOD_INVALID', quote(method));
  checkHost(authority, host, limits);
  const target = method === 'CONNECT' && protocol === undefined ? (authority ?? '') : (path ?? '');
  if (method !== 'CONNECT' || protocol !== undefined) checkPath(method, target, limits);
  return {
    method,
    target,
    protocol,
    rawHeaders: fields,
    hasLength,
    expectsContinue: expect !== undefined && isContinue(expect),
    hasUnknownExpectation: expect !== undefined && !isContinue(expect),
  };
}

const COLON = 0x3a;

/** RFC 9110 §10.1.1. */
function isContinue(expect: string): boolean {
  return expect.toLowerCase() === '100-continue';
}

/** That it is a number, and the right one, node:http2 has checked. */
function checkLength(value: string, { maxBodySize }: FieldLimits): void {
  if (Number(value) > maxBodySize) throw new ProtocolError('WSGI_ERR_CONTENT_TOO_LARGE', maxBodySize);
}

/**
 * RFC 9113 §8.3.1: a request whose Host names another authority than `:authority` is malformed; userinfo is not allowed.
 */
function checkHost(
  authority: string | undefined,
  host: string | undefined,
  { requireHostHeader }: FieldLimits,
): void {
  const name = authority ?? host;
  if (name === undefined) {
    if (requireHostHeader) throw new ProtocolError('WSGI_ERR_HOST_MISSING');
  } else if (!isAuthority(name)) throw new ProtocolError('WSGI_ERR_HOST_INVALID', quote(name));
  if (authority === undefined || host === undefined || host === authority) return;
  // RFC 3986 §6.2.2.1: the host is the same in any case.
  if (host.toLowerCase() !== authority.toLowerCase())
    throw new ProtocolError('WSGI_ERR_AUTHORITY_CONFLICT', `${quote(host)} and ${quote(authority)}`);
}

/** RFC 9113 §8.3.1: a path begins with a slash, or is `*` for OPTIONS. */
function checkPath(method: string, path: string, { maxHeaderSize }: FieldLimits): void {
  if (path.length > maxHeaderSize) throw new ProtocolError('WSGI_ERR_REQUEST_LINE_TOO_LONG');
  const isForm = path.charCodeAt(0) === SLASH || (path === '*' && method === 'OPTIONS');
  if (!isForm || !TARGET.test(path)) throw new ProtocolError('WSGI_ERR_TARGET_INVALID', quote(path));
}

const SLASH = 0x2f;
