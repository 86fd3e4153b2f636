/**
 * Makes `req.url` and `req.rawHeaders` from an environ.
 *
 * A gateway decodes paths and folds fields. If it kept what it received (REQUEST_URI, `gateway.raw_headers`), the
 * program sees that, octet by octet, unless a middleware has changed the environ. Otherwise both are rebuilt from the
 * keys that PEP 3333 requires.
 */
import { decodePath, quotePath } from '../../gateway/native-string.ts';
import { originOf, rawPathInfo, withoutOrigin } from '../../gateway/uri.ts';
import type { Environ } from '../../wsgi.ts';

const PATH_END = /[?#]/;

/**
 * Gives `req.url`: the request target without the mount. A request for the mount itself gives `/`, as in Express.
 *
 * @example
 * // GET /shop/a%2Fb?x=1, mounted at /shop
 * requestUrl(environ); // '/a%2Fb?x=1'
 */
export function requestUrl(environ: Readonly<Environ>): string {
  const { SCRIPT_NAME = '', PATH_INFO = '', QUERY_STRING = '', REQUEST_URI } = environ;
  if (REQUEST_URI !== undefined && SCRIPT_NAME === '') {
    if (isTarget(REQUEST_URI, PATH_INFO, QUERY_STRING)) return REQUEST_URI;
    // RFC 9112 §3.2.3: the authority-form of CONNECT has no path.
    if (PATH_INFO === '' && !REQUEST_URI.includes('/')) return REQUEST_URI;
  }
  const origin = originOf(REQUEST_URI ?? '');
  if (SCRIPT_NAME === '' && PATH_INFO === '/' && origin !== '') {
    // RFC 9112 §3.2.1: an absolute-form target may lack the path; node shows it as received.
    const bare = `${origin}${queryOf(environ)}`;
    if (bare === REQUEST_URI) return bare;
  }
  return `${origin}${rawPathInfo(environ) || '/'}${queryOf(environ)}`;
}

/** Gives the whole request target: Express's `originalUrl`. */
export function fullUrl(environ: Readonly<Environ>): string {
  const { SCRIPT_NAME = '', PATH_INFO = '', REQUEST_URI } = environ;
  return REQUEST_URI ?? `${quotePath(SCRIPT_NAME + PATH_INFO) || '/'}${queryOf(environ)}`;
}

/** Gives the mount as received: Express's `baseUrl`. */
export function mountUrl(environ: Readonly<Environ>): string {
  const { SCRIPT_NAME = '', REQUEST_URI } = environ;
  if (SCRIPT_NAME === '') return '';
  const [path = ''] = withoutOrigin(REQUEST_URI ?? '').split(PATH_END, 1);
  const mount = path.slice(0, path.length - rawPathInfo(environ).length);
  return decodePath(mount) === SCRIPT_NAME ? mount : quotePath(SCRIPT_NAME);
}

/** Tells if a target is just this path and query, as it usually is. Allocates nothing. */
function isTarget(target: string, path: string, query: string): boolean {
  if (!target.startsWith(path)) return false;
  if (target.length === path.length) return query === '';
  return (
    target[path.length] === '?' && target.length === path.length + 1 + query.length && target.endsWith(query)
  );
}

function queryOf({ QUERY_STRING = '', REQUEST_URI }: Readonly<Environ>): string {
  return QUERY_STRING === '' && REQUEST_URI?.endsWith('?') !== true ? '' : `?${QUERY_STRING}`;
}

/** Gives `req.rawHeaders`: name, value, name, value, … */
export function rawHeaders(environ: Readonly<Environ>): string[] {
  const received = environ['gateway.raw_headers'];
  if (!Array.isArray(received)) return fieldsOf(environ);
  return originOf(environ.REQUEST_URI ?? '') === '' ? received : replaceHost(received, environ.HTTP_HOST);
}

/** RFC 9112 §3.2.2: the authority of an absolute-form target replaces the Host field. node keeps the field. */
function replaceHost(lines: readonly string[], authority: string | undefined): string[] {
  const copy = [...lines];
  for (let index = 0; index + 1 < copy.length; index += 2) {
    if (copy[index]?.toLowerCase() === 'host' && authority !== undefined) copy[index + 1] = authority;
  }
  return copy;
}

/** Rebuilds field lines from CGI variables: the case of names is lost, and repeated fields are one. */
function fieldsOf(environ: Readonly<Environ>): string[] {
  const lines: string[] = [];
  for (const [key, value] of Object.entries(environ)) {
    if (typeof value !== 'string') continue;
    if (key.startsWith('HTTP_')) lines.push(fieldName(key.slice('HTTP_'.length)), value);
    else if ((key === 'CONTENT_TYPE' || key === 'CONTENT_LENGTH') && value !== '') {
      lines.push(fieldName(key), value);
    }
  }
  return lines;
}

function fieldName(key: string): string {
  return key
    .toLowerCase()
    .split('_')
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`)
    .join('-');
}
