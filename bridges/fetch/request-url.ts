/**
 * Makes the URL of a request from its environ.
 *
 * It is a URL as the constructor of `URL` would write it. Most are put together from their parts; a host or path with
 * anything to encode, decode or resolve is parsed.
 *
 * Rule: octets that are no ASCII are percent-encoded one by one. `URL` would take them for characters.
 */
import { isHost, withoutOrigin } from '../../src/gateway/index.ts';
import { type Environ, rawPathInfo } from '../../src/index.ts';

/**
 * Gives the URL of a request. A Host that is none, and one that no URL can have, is not used.
 *
 * @param environ The environ of the request
 * @param isWhole The path begins with that of the mount
 * @example
 * // GET /shop/books?page=2, mounted at /shop
 * requestUrl(environ, false); // 'http://127.0.0.1:8124/books?page=2'
 */
export function requestUrl(environ: Readonly<Environ>, isWhole: boolean): string {
  const origin = originOf(environ);
  const target = targetOf(environ, isWhole);
  return isPlainTarget(target) ? origin + target : new URL(origin + encodeTarget(target)).href;
}

/** The latest origin, and what it was made of. Most servers have one. */
let lastHost = '';
let lastScheme = '';
let lastOrigin = '';

function originOf(environ: Readonly<Environ>): string {
  const { HTTP_HOST } = environ;
  const scheme = environ['wsgi.url_scheme'];
  if (HTTP_HOST !== undefined && HTTP_HOST !== '') {
    if (HTTP_HOST === lastHost && scheme === lastScheme) return lastOrigin;
    const origin = isHost(HTTP_HOST) ? parseOrigin(scheme, HTTP_HOST) : undefined;
    if (origin !== undefined) {
      // A client chooses the host, and a long one would stay in memory.
      if (HTTP_HOST.length <= LONGEST_KEPT) [lastHost, lastScheme, lastOrigin] = [HTTP_HOST, scheme, origin];
      return origin;
    }
  }
  const { SERVER_NAME, SERVER_PORT } = environ;
  return (
    parseOrigin(scheme, `${SERVER_NAME}:${SERVER_PORT}`) ??
    parseOrigin(scheme, SERVER_NAME) ??
    `${scheme}://localhost`
  );
}

/** Characters of the longest domain name with a port. */
const LONGEST_KEPT = 260;

function parseOrigin(scheme: string, authority: string): string | undefined {
  const url = `${scheme}://${authority}`;
  if (!URL.canParse(url)) return undefined;
  const { origin, pathname, search } = new URL(url);
  return pathname === '/' && search === '' && origin !== 'null' ? origin : undefined;
}

/** Gives path and query, percent-encoded as received. */
function targetOf(environ: Readonly<Environ>, isWhole: boolean): string {
  const { SCRIPT_NAME = '', PATH_INFO = '', QUERY_STRING = '', REQUEST_URI } = environ;
  if (SCRIPT_NAME === '' && REQUEST_URI !== undefined && isTarget(REQUEST_URI, PATH_INFO, QUERY_STRING))
    return REQUEST_URI;
  const path = pathOf(environ, isWhole);
  return `${path.startsWith('/') ? '' : '/'}${path}${queryOf(environ)}`;
}

/** Tells if a target is just this path and query, as it usually is. Allocates nothing. */
function isTarget(target: string, path: string, query: string): boolean {
  if (target.charCodeAt(0) !== SLASH || !target.startsWith(path)) return false;
  if (target.length === path.length) return query === '';
  return (
    target.charCodeAt(path.length) === QUESTION_MARK &&
    target.length === path.length + 1 + query.length &&
    target.endsWith(query)
  );
}

const SLASH = 0x2f;
const QUESTION_MARK = 0x3f;

function pathOf(environ: Readonly<Environ>, isWhole: boolean): string {
  // RFC 9112 §3.3: the URI of the asterisk-form has no path.
  if (environ.PATH_INFO === '*' && environ.REQUEST_URI === '*') return '/';
  if (!isWhole) return rawPathInfo(environ);
  const { SCRIPT_NAME = '', PATH_INFO = '', REQUEST_URI } = environ;
  return rawPathInfo({ ...withUri(REQUEST_URI), SCRIPT_NAME: '', PATH_INFO: SCRIPT_NAME + PATH_INFO });
}

function withUri(uri: string | undefined): { REQUEST_URI?: string } {
  return uri === undefined ? {} : { REQUEST_URI: uri };
}

function queryOf({ QUERY_STRING = '', REQUEST_URI }: Readonly<Environ>): string {
  // A query may be empty and yet be there.
  const isThere =
    QUERY_STRING !== '' || (REQUEST_URI !== undefined && withoutOrigin(REQUEST_URI).endsWith('?'));
  return isThere ? `?${QUERY_STRING}` : '';
}

/** Path and query without a character that the URL Standard would encode or replace. */
const PLAIN = /^\/[\w\-.~!$&'()*+,;=:@/%]*(?:\?[\w\-.~!$&()*+,;=:@/?%]*)?$/;

/** A segment that the URL Standard resolves: `.` and `..`, also percent-encoded. */
const DOT_SEGMENT = /^[^?]*\/(?:\.|%2[Ee]){1,2}(?:[/?]|$)/;

function isPlainTarget(target: string): boolean {
  if (!PLAIN.test(target)) return false;
  return !(target.includes('/.') || target.includes('/%2')) || !DOT_SEGMENT.test(target);
}

/** Encodes octets beyond ASCII, and `#`, which would begin a fragment: requests have none. */
function encodeTarget(target: string): string {
  return target.replace(/[#\x80-\xff]/g, (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase()}`);
}
