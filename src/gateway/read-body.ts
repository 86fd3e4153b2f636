/**
 * Reads the whole content of a request: as octets, text, JSON or a form.
 *
 * Rule 1: content above the limit is refused and not kept in memory, with or without Content-Length.
 * Rule 2: invalid content is a ProtocolError. If the application does not catch it, the response is a 400, 413 or 415.
 * Rule 3: these functions need only PEP 3333's keys, so that they work on any gateway. Content can be read only once;
 *         a second read gives nothing.
 */
import { ProtocolError } from '../errors.ts';
import type { Environ } from '../wsgi.ts';
import { decodeLatin1 } from './platform.ts';

const DEFAULT_LIMIT = 1_048_576;

/** Options of `readBody`, `readText`, `readJson` and `readForm`. */
export interface ReadBodyOptions {
  /** Octets to accept at most. `Infinity` leaves only the limit of the server. @default 1048576 */
  readonly limit?: number | undefined;
}

type RequestContent = Readonly<
  Pick<Environ, 'CONTENT_TYPE' | 'CONTENT_LENGTH' | 'wsgi.input' | 'wsgi.input_terminated'>
> & { readonly [key: string]: unknown };

/**
 * Reads the whole content of a request.
 *
 * @param environ The environ of the request
 * @param options The limit
 * @returns the octets; an empty array if the request has no content
 * @throws {@link ProtocolError} 413 if the content exceeds the limit
 * @throws {@link DisconnectError} if the client leaves first
 * @example
 * const content = await readBody(environ, { limit: 10_000_000 });
 */
export async function readBody(environ: RequestContent, options: ReadBodyOptions = {}): Promise<Uint8Array> {
  const limit = limitOf(options);
  if (environ['wsgi.input'] === undefined) {
    throw new TypeError('First argument must be the environ: it has no wsgi.input');
  }
  const declared = Number(environ.CONTENT_LENGTH || 0);
  if (declared > limit) throw new ProtocolError('WSGI_ERR_CONTENT_TOO_LARGE', limit);
  const input = environ['wsgi.input'];
  // PEP 3333, Input and Error Streams: do not read beyond CONTENT_LENGTH, unless the input ends by itself.
  if (environ['wsgi.input_terminated'] !== true) return input.read(declared);
  if (limit === Number.POSITIVE_INFINITY) return input.read();
  const content = await input.read(Math.floor(limit) + 1);
  if (content.length > limit) throw new ProtocolError('WSGI_ERR_CONTENT_TOO_LARGE', limit);
  return content;
}

function limitOf(options: ReadBodyOptions): number {
  if (typeof options !== 'object')
    throw new TypeError(`Options must be an object such as { limit: ${options} }`);
  const limit = options.limit ?? DEFAULT_LIMIT;
  if (!(limit >= 0)) throw new RangeError(`Limit must be a number of octets: ${limit}`);
  return limit;
}

/**
 * Reads the content of a request as text, in the charset of Content-Type, by default UTF-8.
 *
 * @throws {@link ProtocolError} 413 if the content exceeds the limit, 415 if the charset is unknown or the content
 *   is compressed, 400 if the content is not in that charset
 * @example
 * const text = await readText(environ);
 */
export async function readText(environ: RequestContent, options?: ReadBodyOptions): Promise<string> {
  return readDecoded(environ, charsetOf(environ.CONTENT_TYPE), options);
}

/**
 * Reads the content of a request as JSON in UTF-8 (RFC 8259 §8.1). Content-Type is ignored.
 *
 * @throws {@link ProtocolError} 413 if the content exceeds the limit, 415 if it is compressed, 400 if it is not JSON;
 *   `cause` is then the SyntaxError
 * @example
 * const order = await readJson(environ);
 */
export async function readJson(environ: RequestContent, options?: ReadBodyOptions): Promise<unknown> {
  const text = await readDecoded(environ, 'utf-8', options);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ProtocolError('WSGI_ERR_CONTENT_MALFORMED', 'JSON', { cause });
  }
}

/**
 * Reads the content of a request as an HTML form of type `application/x-www-form-urlencoded`, the default of browsers.
 *
 * A form with files has the type `multipart/form-data`, and gets a 415. A parser such as busboy reads it from `wsgi.input`:
 * examples/multipart.ts shows how.
 *
 * @throws {@link ProtocolError} 413 if the content exceeds the limit, 415 if it has another type or is compressed,
 *   400 if it is not UTF-8
 * @example
 * const form = await readForm(environ);
 * form.get('name');
 */
export async function readForm(environ: RequestContent, options?: ReadBodyOptions): Promise<URLSearchParams> {
  const [type = ''] = (environ.CONTENT_TYPE ?? '').split(';', 1);
  if (type.trim().toLowerCase() !== 'application/x-www-form-urlencoded') {
    const hint = /^\s*multipart\//i.test(type) ? '; let busboy read it from wsgi.input' : '';
    throw new ProtocolError(
      'WSGI_ERR_CONTENT_UNSUPPORTED',
      `it is no urlencoded form but ${type || 'of no type'}${hint}`,
    );
  }
  return new URLSearchParams(await readDecoded(environ, 'utf-8', options));
}

async function readDecoded(
  environ: RequestContent,
  charset: string,
  options?: ReadBodyOptions,
): Promise<string> {
  const coding = environ.HTTP_CONTENT_ENCODING;
  // RFC 9110 §15.5.16: an unsupported content coding gets 415.
  if (coding !== undefined && coding !== '' && String(coding).trim().toLowerCase() !== 'identity') {
    throw new ProtocolError('WSGI_ERR_CONTENT_UNSUPPORTED', `it is coded as ${String(coding)}`);
  }
  const decode = createDecoder(charset);
  const content = await readBody(environ, options);
  try {
    return decode(content);
  } catch (cause) {
    throw new ProtocolError('WSGI_ERR_CONTENT_MALFORMED', charset, { cause });
  }
}

function createDecoder(charset: string): (content: Uint8Array) => string {
  // `TextDecoder` decodes ISO 8859-1 as windows-1252.
  if (charset === 'iso-8859-1' || charset === 'latin1') return decodeLatin1;
  try {
    const decoder = new TextDecoder(charset, { fatal: true });
    return (content) => decoder.decode(content);
  } catch (cause) {
    throw new ProtocolError('WSGI_ERR_CONTENT_UNSUPPORTED', `its charset is ${charset}`, { cause });
  }
}

/** Gives the charset parameter of a media type (RFC 9110 §8.3.2), quoted or not, in lower case; by default UTF-8. */
export function charsetOf(contentType: string | undefined): string {
  const [, quoted, plain] = /;[\t ]*charset=(?:"([^"]*)"|([^\t ;"]+))/i.exec(contentType ?? '') ?? [];
  return (quoted ?? plain ?? 'utf-8').toLowerCase();
}
