/**
 * The request head: what the request line and the fields say about the message and the connection.
 *
 * This file reads only the fields that HTTP/1.1 itself obeys: Host, Content-Length, Transfer-Encoding, Connection,
 * Upgrade, Expect. All others belong to the application.
 */
import { ProtocolError } from '../errors.ts';
import { isAuthority } from './authority.ts';
import { quote, splitList, TOKEN } from './grammar.ts';
import type { HttpLimits } from './limits.ts';
import { CHUNKED, decideRequestFraming } from './request-framing.ts';
import type { HttpVersion, RequestLine, TargetForm } from './request-line.ts';

/** A complete and valid request head. Strings are native strings. */
export interface RequestHead {
  readonly method: string;
  /** The request target as received. */
  readonly target: string;
  readonly targetForm: TargetForm;
  /** 1.x above 1.0 is read as 1.1. */
  readonly protocol: HttpVersion;
  /** The fields in order: name, value, …; names as received. Other heads may share this list. */
  readonly rawHeaders: readonly string[];
  /** Octets of content: 0 if there is none, -1 if it is chunked. */
  readonly contentLength: number;
  readonly isChunked: boolean;
  /** The client wants to keep the connection (RFC 9112 §9.3). */
  readonly isPersistent: boolean;
  /** Connection names `upgrade` and Upgrade names a protocol (RFC 9110 §7.8). */
  readonly connectionNominatesUpgrade: boolean;
  /** The client waits for 100 before it sends content (RFC 9110 §10.1.1). */
  readonly expectsContinue: boolean;
  /** The client expects something other than 100-continue. */
  readonly hasUnknownExpectation: boolean;
}

/**
 * End-to-end fields that frame, route or authenticate the message. Connection must not name them, because that makes
 * a recipient drop them (RFC 9110 §7.6.1, CVE-2026-26365).
 */
const END_TO_END = new Set([
  'authorization',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'host',
  'transfer-encoding',
]);

/** The bit that makes an ASCII letter lower case. */
const LOWER_CASE = 0x20;

/**
 * Makes a head from its request line and its fields.
 *
 * @throws {@link ProtocolError}
 */
export function createRequestHead(
  line: RequestLine,
  rawHeaders: readonly string[],
  limits: HttpLimits,
): RequestHead {
  const { method, target, targetForm, protocol } = line;
  let host: string | undefined;
  let contentLengthField: string | undefined;
  let transferEncoding: string | undefined;
  let connection: string | undefined;
  let expect: string | undefined;
  let hasUpgrade = false;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const value = rawHeaders[index + 1] ?? '';
    // The length alone excludes most names, without lower-casing them.
    switch (name.length) {
      case 4:
        if (isNamed(name, 'host')) host = single(host, value, name);
        break;
      case 6:
        if (isNamed(name, 'expect')) expect = join(expect, value);
        break;
      case 7:
        if (isNamed(name, 'upgrade') && value !== '') hasUpgrade = true;
        break;
      case 10:
        if (isNamed(name, 'connection')) connection = join(connection, value);
        break;
      case 14:
        if (isNamed(name, 'content-length')) contentLengthField = single(contentLengthField, value, name);
        break;
      case 17:
        if (isNamed(name, 'transfer-encoding')) transferEncoding = join(transferEncoding, value);
    }
  }

  const contentLength =
    contentLengthField === undefined && transferEncoding === undefined
      ? 0
      : decideRequestFraming(
          { protocol, contentLength: contentLengthField, transferEncoding },
          limits.maxBodySize,
        );
  // After the framing, as on node: a missing Host is answered, a broken frame is an error of the client.
  checkHost(host, protocol, limits);
  const options = connection === undefined ? 0 : parseConnection(connection);
  if (method === 'CONNECT') checkConnect(contentLength, limits);
  const isCurrent = protocol === 'HTTP/1.1';
  const expectations = expect === undefined || !isCurrent ? 0 : parseExpect(expect);
  return {
    method,
    target,
    targetForm,
    protocol,
    rawHeaders,
    contentLength,
    isChunked: contentLength === CHUNKED,
    // RFC 9112 §9.3: close wins; HTTP/1.1 persists; HTTP/1.0 persists only on request.
    isPersistent: (options & CLOSE) === 0 && (isCurrent || (options & KEEP_ALIVE) !== 0),
    // RFC 9110 §7.8: Upgrade in an HTTP/1.0 request is ignored.
    connectionNominatesUpgrade: hasUpgrade && (options & UPGRADE) !== 0 && isCurrent,
    expectsContinue: (expectations & CONTINUE) !== 0,
    hasUnknownExpectation: (expectations & UNKNOWN) !== 0,
  };
}

/**
 * Makes a head from the last one of its connection, if both have the same list of fields, as most heads of a browser
 * do. This saves reading the fields again.
 *
 * @param last The last head, read under the same limits
 * @returns the head; undefined if the fields have to be read
 */
export function repeatRequestHead(
  { method, target, targetForm, protocol }: RequestLine,
  rawHeaders: readonly string[],
  last: RequestHead | undefined,
): RequestHead | undefined {
  if (last === undefined || rawHeaders !== last.rawHeaders || protocol !== last.protocol) return undefined;
  // Content is framed anew.
  if (last.contentLength !== 0) return undefined;
  // RFC 9110 §9.3.6: CONNECT has rules of its own for the fields.
  if (method === 'CONNECT' || last.method === 'CONNECT') return undefined;
  // Field by field, because spreading the last head is slower (Node 20).
  return {
    method,
    target,
    targetForm,
    protocol,
    rawHeaders,
    contentLength: 0,
    isChunked: false,
    isPersistent: last.isPersistent,
    connectionNominatesUpgrade: last.connectionNominatesUpgrade,
    expectsContinue: last.expectsContinue,
    hasUnknownExpectation: last.hasUnknownExpectation,
  };
}

/** Compares in any case. The first letter excludes most names without making a second string. */
function isNamed(name: string, lowerCaseName: string): boolean {
  return (
    (name.charCodeAt(0) | LOWER_CASE) === lowerCaseName.charCodeAt(0) && name.toLowerCase() === lowerCaseName
  );
}

/** Refuses a repeated field. Host: RFC 9112 §3.2. Content-Length: RFC 9110 §8.6, which allows to merge equal ones. */
function single(before: string | undefined, value: string, name: string): string {
  if (before !== undefined) throw new ProtocolError('WSGI_ERR_FIELD_REPEATED', name);
  return value;
}

/** RFC 9110 §5.3: the lines of a list field form one list. */
function join(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}

function checkHost(host: string | undefined, protocol: HttpVersion, limits: HttpLimits): void {
  if (host === undefined) {
    if (protocol === 'HTTP/1.1' && limits.requireHostHeader) throw new ProtocolError('WSGI_ERR_HOST_MISSING');
  } else if (!isAuthority(host)) {
    throw new ProtocolError('WSGI_ERR_HOST_INVALID', quote(host));
  }
}

/** RFC 9110 §9.3.6: CONNECT has no content; if it is allowed, the octets after the head belong to the tunnel. */
function checkConnect(contentLength: number, limits: HttpLimits): void {
  if (!limits.allowConnect) throw new ProtocolError('WSGI_ERR_CONNECT_REFUSED');
  if (contentLength !== 0) throw new ProtocolError('WSGI_ERR_FRAMING_AMBIGUOUS', 'content in CONNECT');
}

const CLOSE = 1;
const KEEP_ALIVE = 2;
const UPGRADE = 4;

/** Connection = #connection-option, connection-option = token (RFC 9110 §7.6.1). Gives a bit for each known one. */
function parseConnection(value: string): number {
  if (value === 'keep-alive') return KEEP_ALIVE;
  if (value === 'close') return CLOSE;
  let options = 0;
  for (const element of splitList(value)) {
    const option = element.toLowerCase();
    if (!TOKEN.test(option) || END_TO_END.has(option)) {
      throw new ProtocolError('WSGI_ERR_CONNECTION_INVALID', quote(element));
    }
    if (option === 'close') options |= CLOSE;
    else if (option === 'keep-alive') options |= KEEP_ALIVE;
    else if (option === 'upgrade') options |= UPGRADE;
  }
  return options;
}

const CONTINUE = 1;
const UNKNOWN = 2;

/** Expect = #expectation; only 100-continue is defined (RFC 9110 §10.1.1). */
function parseExpect(value: string): number {
  let expectations = 0;
  for (const element of splitList(value)) {
    expectations |= element.toLowerCase() === '100-continue' ? CONTINUE : UNKNOWN;
  }
  return expectations;
}
