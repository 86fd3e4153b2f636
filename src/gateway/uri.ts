/**
 * Builds the URIs of an application and of a request, and moves segments from PATH_INFO to SCRIPT_NAME.
 *
 * Rule 1: SCRIPT_NAME and PATH_INFO are decoded native strings. They are quoted octet by octet.
 * Rule 2: functions that wsgiref.util has too behave as they do there.
 * Rule 3: in PATH_INFO a decoded `%2F` cannot be told from `/`. Use `rawPathInfo` to tell them apart.
 */

import type { Environ } from '../wsgi.ts';
import { decodePath, quotePath } from './native-string.ts';

/** Scheme and authority (RFC 3986 §3). */
const ORIGIN = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*/;

/**
 * Gives scheme and authority of a request target in absolute-form (RFC 9112 §3.2.2), and `''` for other forms.
 *
 * @example
 * originOf('http://site.test/path?x=1'); // 'http://site.test'
 */
export function originOf(target: string): string {
  return target.startsWith('/') ? '' : (ORIGIN.exec(target)?.[0] ?? '');
}

/** Gives a request target without scheme and authority. */
export function withoutOrigin(target: string): string {
  return target.slice(originOf(target).length);
}

/** The end of a path: the beginning of query or fragment. */
const PATH_END = /[?#]/;

const ESCAPE = /^%[0-9A-Fa-f]{2}$/;
const ESCAPE_LENGTH = 3;

/**
 * Guesses the scheme from the CGI variable HTTPS: `https` if it is `yes`, `on` or `1`.
 *
 * @example
 * guessScheme({ HTTPS: 'on' }); // 'https'
 */
export function guessScheme(environ: Readonly<Pick<Environ, 'HTTPS'>>): 'http' | 'https' {
  const { HTTPS } = environ;
  return HTTPS === 'yes' || HTTPS === 'on' || HTTPS === '1' ? 'https' : 'http';
}

/**
 * Builds the URI of the application, without PATH_INFO and query.
 *
 * @example
 * applicationUri(environ); // 'http://127.0.0.1:8124/shop'
 */
export function applicationUri(environ: Readonly<Environ>): string {
  return `${origin(environ)}${quotePath(environ.SCRIPT_NAME || '/', '')}`;
}

/**
 * Gives the path and the query of a request for a folder, with the slash that its path lacks.
 *
 * @returns the value of Location. It names no host, so that any Host will do
 * @example
 * // GET /shop/docs?page=2, mounted at /shop
 * folderLocation(environ); // '/shop/docs/?page=2'
 */
export function folderLocation({ SCRIPT_NAME, PATH_INFO, QUERY_STRING }: Readonly<Environ>): string {
  // With two slashes at its start it would be another host.
  const path = quotePath(`${SCRIPT_NAME ?? ''}${PATH_INFO ?? ''}/`).replace(/^\/+/, '/');
  return QUERY_STRING ? `${path}?${QUERY_STRING}` : path;
}

/**
 * Builds the full URI of the request.
 *
 * @param environ The environ of the request
 * @param includeQuery Include the query
 * @example
 * requestUri(environ); // 'http://127.0.0.1:8124/shop/books?page=2'
 */
export function requestUri(environ: Readonly<Environ>, includeQuery: boolean = true): string {
  const path = quotePath(environ.PATH_INFO ?? '', ';=,');
  const query = includeQuery && environ.QUERY_STRING ? `?${environ.QUERY_STRING}` : '';
  return `${applicationUri(environ)}${environ.SCRIPT_NAME ? path : path.slice(1)}${query}`;
}

/**
 * Moves one segment from PATH_INFO to SCRIPT_NAME, in place.
 *
 * Empty segments and `.` are skipped, except at the end of the path: a trailing slash counts as the segment `''`.
 * The segment `..` removes a segment from SCRIPT_NAME.
 *
 * @param environ The environ to change
 * @returns the segment, decoded; null if no segment is left
 * @example
 * const environ = { SCRIPT_NAME: '/shop', PATH_INFO: '/books/1' };
 * shiftPathInfo(environ); // 'books'; environ is now { SCRIPT_NAME: '/shop/books', PATH_INFO: '/1' }
 */
export function shiftPathInfo(environ: Pick<Environ, 'SCRIPT_NAME' | 'PATH_INFO'>): string | null {
  const segments = (environ.PATH_INFO ?? '').split('/');
  const last = segments.pop();
  if (last === undefined || segments.length === 0) return null;
  const [segment = '', ...rest] = [...segments.filter(isNamed), last];
  const script = (environ.SCRIPT_NAME ?? '').split('/').filter(isNamed);
  if (segment === '..') {
    script.pop();
  } else if (segment !== '.') {
    script.push(segment);
  }
  environ.SCRIPT_NAME = joinSegments(script);
  environ.PATH_INFO = joinSegments(rest);
  return segment === '.' ? null : segment;
}

/**
 * Gives PATH_INFO as received, with its percent-encoding.
 *
 * It is cut from REQUEST_URI. If that is missing, or does not match SCRIPT_NAME and PATH_INFO because they were
 * rewritten, PATH_INFO is encoded again, and `%2F` cannot be told from `/`.
 *
 * @example
 * // GET /shop/a%2Fb, mounted at /shop
 * environ.PATH_INFO; // '/a/b'
 * rawPathInfo(environ); // '/a%2Fb'
 */
export function rawPathInfo(
  environ: Readonly<Pick<Environ, 'SCRIPT_NAME' | 'PATH_INFO' | 'REQUEST_URI'>>,
): string {
  const { SCRIPT_NAME = '', PATH_INFO = '', REQUEST_URI } = environ;
  if (REQUEST_URI !== undefined) {
    const [path = ''] = withoutOrigin(REQUEST_URI).split(PATH_END, 1);
    const start = encodedLength(path, SCRIPT_NAME.length);
    const rest = path.slice(start);
    if (decodePath(path.slice(0, start)) === SCRIPT_NAME && decodePath(rest) === PATH_INFO) {
      // A slash that separated nothing when it was received does so now: without it, `@` could begin an authority.
      return rest.startsWith('%') && PATH_INFO.startsWith('/') ? `/${rest.slice(ESCAPE_LENGTH)}` : rest;
    }
  }
  return quotePath(PATH_INFO);
}

/** Builds scheme and authority (PEP 3333, URL Reconstruction). A Host that is none does not become part of a URL. */
function origin(environ: Readonly<Environ>): string {
  const scheme = environ['wsgi.url_scheme'];
  if (environ.HTTP_HOST && isHost(environ.HTTP_HOST)) return `${scheme}://${environ.HTTP_HOST}`;
  const isDefaultPort = environ.SERVER_PORT === (scheme === 'https' ? '443' : '80');
  return `${scheme}://${environ.SERVER_NAME}${isDefaultPort ? '' : `:${environ.SERVER_PORT}`}`;
}

/** reg-name or IPv4 address [ ":" port ] (RFC 3986 §3.2.2, §3.2.3). */
const NAME_AND_PORT = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+(?::[0-9]{0,5})?$/;

/** IP-literal [ ":" port ]; enough to keep what comes after it out of the authority. */
const LITERAL_AND_PORT =
  /^\[(?:[0-9A-Fa-f:.]{2,}|[Vv][0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+)\](?::[0-9]{0,5})?$/;

/**
 * Tells if the value of a Host field is `uri-host [ ":" port ]` (RFC 9110 §7.2). Hosts that take requests of other
 * parsers may pass on anything: in `good/public?` or `user@evil` a URL would lead to another server or path.
 */
export function isHost(value: string): boolean {
  return NAME_AND_PORT.test(value) || LITERAL_AND_PORT.test(value);
}

function isNamed(segment: string): boolean {
  return segment !== '' && segment !== '.';
}

function joinSegments(segments: readonly string[]): string {
  return segments.map((segment) => `/${segment}`).join('');
}

/** Gives the length of the first `octets` octets in an encoded path. */
function encodedLength(path: string, octets: number): number {
  let end = 0;
  for (let count = 0; count < octets && end < path.length; count++) {
    end += path[end] === '%' && ESCAPE.test(path.slice(end, end + 3)) ? 3 : 1;
  }
  return end;
}
