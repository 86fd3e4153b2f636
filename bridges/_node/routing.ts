/**
 * Splits a path that Express or Connect has routed into SCRIPT_NAME and PATH_INFO.
 *
 * Both cut a mount path off `req.url`; Express appends it to `req.baseUrl`, in the client's spelling. Two quirks need
 * `req.originalUrl`:
 * - `req.url` never becomes empty: under a mount at `/x`, both `/x` and `/x/` become `/`;
 * - an absolute-form target keeps scheme and authority in front of what is left.
 */
import { withoutOrigin } from '../../src/gateway/index.ts';

/** The result of a host's routing, percent-encoded. */
export interface Routing {
  /** The request target as it was received. */
  readonly target: string;
  /** The path and query that are left. */
  readonly url?: string | undefined;
  /** The path that was consumed. */
  readonly mount?: string | undefined;
}

/** The properties in which Express and Connect keep their routing. */
export interface RoutedRequest {
  readonly url?: string | undefined;
  readonly baseUrl?: string | undefined;
  readonly originalUrl?: string | undefined;
}

/**
 * Tells what routing consumed and what it left.
 *
 * @param req The request, where the application is mounted
 */
export function readRouting(req: RoutedRequest): Routing {
  const { url = '/', originalUrl = url } = req;
  if (url === originalUrl && (req.baseUrl ?? '') === '') return { target: originalUrl };
  const path = pathOf(url);
  const query = withoutOrigin(url).slice(path.length);
  const originalPath = pathOf(originalUrl);
  const baseUrl = req.baseUrl ?? consumedPart(originalPath, path);
  const isExactHit = baseUrl !== '' && (path === '' || path === '/');
  const left = isExactHit ? slashBehind(baseUrl, originalPath) : path || '/';
  // A wildcard takes slashes too, but SCRIPT_NAME does not end in one.
  const mount = withoutTrailingSlashes(baseUrl);
  return { target: originalUrl, url: `${baseUrl.slice(mount.length)}${left}${query}`, mount };
}

/** Gives the path of a request target, without scheme, authority, query and fragment. */
export function pathOf(target: string): string {
  const path = withoutOrigin(target);
  const question = path.indexOf('?');
  const withoutQuery = question === -1 ? path : path.slice(0, question);
  const hash = withoutQuery.indexOf('#');
  return hash === -1 ? withoutQuery : withoutQuery.slice(0, hash);
}

/** Puts a mount in front of the path of a request target. */
export function withMount(target: string, mount: string): string {
  const rest = withoutOrigin(target);
  return `${target.slice(0, target.length - rest.length)}${mount}${rest}`;
}

/** Finds what Connect cut off without saying so. */
function consumedPart(originalPath: string, path: string): string {
  if (originalPath.endsWith(path)) return originalPath.slice(0, originalPath.length - path.length);
  return path === '/' ? originalPath : '';
}

/** The mount has taken the whole path; only the original tells if a slash followed. */
function slashBehind(baseUrl: string, originalPath: string): '' | '/' {
  if (originalPath === baseUrl) return '';
  if (originalPath.startsWith(`${baseUrl}/`)) return '/';
  // The URL was rewritten before it was routed. A rewriter keeps the last slash, or its absence.
  return originalPath.endsWith('/') ? '/' : '';
}

function withoutTrailingSlashes(path: string): string {
  let end = path.length;
  while (path[end - 1] === '/') end -= 1;
  return path.slice(0, end);
}
