/**
 * Makes `req.url` from an environ.
 *
 * A gateway decodes paths. If it kept what it received (REQUEST_URI), the program sees that, octet by octet, unless a
 * middleware has changed the environ. Otherwise the target is rebuilt from the keys that PEP 3333 requires.
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

/** Gives the properties that Connect and Express leave on a request on its way into a mount; mounts further in add to them. */
export function mountProperties(
  environ: Readonly<Environ>,
): { readonly baseUrl: string; readonly originalUrl: string } | undefined {
  return environ.SCRIPT_NAME ? { baseUrl: mountUrl(environ), originalUrl: fullUrl(environ) } : undefined;
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
