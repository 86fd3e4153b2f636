/**
 * Restores request content that a parser of the host has read before the application could.
 *
 * Octets are given as they are, JSON and forms are encoded again from what the parser made of them. Anything else
 * fails at once with an error that says what to do: the stream has ended, and waiting on it would never end.
 *
 * Rule 1: the stream tells if content was consumed, never `body`: a parser that had nothing to do leaves an empty
 *         object there.
 * Rule 2: restored content is consistent: CONTENT_LENGTH is its length, and a content coding that the host has
 *         removed is not announced. The same goes for a stream that the host decodes.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { ApplicationError } from '../../src/index.ts';
import { encodeForm } from './form-encoding.ts';

/** Properties that parsers leave on the request of a host. */
export interface HostBody {
  readonly body?: unknown;
  /** The octets, as cloud functions and `verify` callbacks of parsers keep them. */
  readonly rawBody?: unknown;
}

/**
 * Restores content that a parser has consumed.
 *
 * @param headers The fields of the request
 * @param parsed The properties that the parser left
 * @returns the octets, or the error that every read gets
 */
export function rescueContent(headers: IncomingHttpHeaders, parsed: HostBody): Uint8Array | ApplicationError {
  const { body, rawBody } = parsed;
  try {
    for (const octets of [rawBody, body]) {
      if (octets instanceof Uint8Array) return octets;
    }
    const [mediaType = '', charset] = readContentType(headers['content-type'] ?? '');
    if (typeof rawBody === 'string') return encodeText(rawBody, charset);
    if (typeof body === 'string')
      return encodeText(isLiteral(mediaType, body) ? JSON.stringify(body) : body, charset);
    if (JSON_TYPE.test(mediaType) && body !== undefined) return encodeText(JSON.stringify(body), charset);
    if (mediaType === 'application/x-www-form-urlencoded' && typeof body === 'object' && body !== null) {
      checkFormCharset(body, charset);
      return Buffer.from(encodeForm(body, declaredLength(headers)), 'latin1');
    }
    return new ApplicationError('WSGI_ERR_BODY_CONSUMED', explain(mediaType));
  } catch (cause) {
    const detail = 'what the body parser made of it cannot be encoded again';
    return new ApplicationError('WSGI_ERR_BODY_CONSUMED', detail, { cause });
  }
}

/** Tells if the fields of a request announce content. */
export function announcesContent(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || (declaredLength(headers) ?? 0) > 0;
}

/**
 * Makes the field lines fit content that a host has read or decodes.
 *
 * @param rawHeaders The field lines as they were received
 * @param headers The same as an object
 * @param content The content that the application will read; none for a stream, which has no known length
 */
export function fitHeaders(
  rawHeaders: readonly string[],
  headers: IncomingHttpHeaders,
  content?: Uint8Array,
): string[] {
  const stale = ['content-length', 'transfer-encoding'];
  if (content === undefined || !isStillCoded(headers, content)) stale.push('content-encoding');
  const fitting: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (!stale.includes(name.toLowerCase())) fitting.push(name, rawHeaders[index + 1] ?? '');
  }
  // RFC 9112 §6.3: one of the two announces content.
  if (content === undefined) fitting.push('Transfer-Encoding', 'chunked');
  else fitting.push('Content-Length', `${content.length}`);
  return fitting;
}

const JSON_TYPE = /^(?:application|text)\/(?:json|csp-report|[^;]+\+json)$/;

/** The most common parsers, by what they read. */
const PARSERS: readonly (readonly [type: RegExp, parser: string])[] = [
  [/^multipart\//, 'a multipart parser (multer, busboy, formidable, @fastify/multipart)'],
  [JSON_TYPE, 'a JSON parser (express.json) or something else that reads requests'],
  [/^application\/x-www-form-urlencoded$/, 'a form parser (express.urlencoded, @fastify/formbody)'],
];

function explain(mediaType: string): string {
  const [, parser] = PARSERS.find(([type]) => type.test(mediaType)) ?? [];
  const type = mediaType === '' ? 'content without a type' : mediaType;
  const reader = parser ?? 'a body parser';
  return `${type} was read by ${reader} that runs before the mount, so mount the application before it`;
}

function readContentType(value: string): [mediaType: string, charset: string | undefined] {
  const [mediaType = ''] = value.split(';', 1);
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(value)?.[1];
  return [mediaType.trim().toLowerCase(), charset?.toLowerCase()];
}

/** Tells a parsed JSON string (the value of `"text"`) from JSON that was kept as text. */
function isLiteral(mediaType: string, body: string): boolean {
  if (!JSON_TYPE.test(mediaType)) return false;
  try {
    JSON.parse(body);
    return false;
  } catch {
    return true;
  }
}

function encodeText(text: string, charset = 'utf-8'): Uint8Array {
  switch (charset) {
    case 'utf-8':
    case 'utf8':
    case 'us-ascii':
      return Buffer.from(text, 'utf8');
    case 'iso-8859-1':
    case 'latin1':
      return Buffer.from(text, 'latin1');
    case 'utf-16':
    case 'utf-16le':
      return Buffer.from(text, 'utf16le');
    default:
      throw new RangeError(`Charset must be UTF-8, UTF-16LE or ISO-8859-1, not ${charset}`);
  }
}

/** An escaped octet of a form means a character of its charset, but `encodeForm` knows UTF-8 only. */
function checkFormCharset(form: object, charset = 'utf-8'): void {
  if (charset === 'utf-8' || charset === 'utf8' || !/[^\0-\x7f]/.test(JSON.stringify(form))) return;
  throw new RangeError(`Charset of a form must be UTF-8, not ${charset}`);
}

function declaredLength(headers: IncomingHttpHeaders): number | undefined {
  const length = headers['content-length'];
  return length === undefined ? undefined : Number(length);
}

/** Express's parsers remove a content coding, Fastify's leave it; no parser tells. */
function isStillCoded(headers: IncomingHttpHeaders, content: Uint8Array): boolean {
  const coding = headers['content-encoding'];
  if (coding === undefined) return false;
  const length = declaredLength(headers);
  // RFC 1952 §2.3.1: a member of gzip begins with these two octets.
  const isGzip = content[0] === 0x1f && content[1] === 0x8b;
  return length === undefined || /gzip$/i.test(coding) ? isGzip : length === content.length;
}
