/**
 * What the routing of Express and Connect has done to the path, taken apart again into SCRIPT_NAME and PATH_INFO.
 *
 * Both cut a mount path off `req.url`; Express appends it to `req.baseUrl`, in the client's spelling. Two things get
 * lost on the way, and both can be read from `req.originalUrl`:
 * - `req.url` never becomes empty, so that `/x` and `/x/` under a mount at `/x` are both `/`;
 * - of an absolute-form target, scheme and authority stay in front of what is left.
 */
import { withoutOrigin } from '../../src/gateway/index.ts';

/** What a host's routing has made of the request target; all of it percent-encoded. */
export interface Routing {
  /** The request target as it was received. */
  readonly target: string;
  /** What is left of path and query. */
  readonly url?: string | undefined;
  /** What routing has consumed. */
  readonly mount?: string | undefined;
}

/** The properties that Express and Connect keep of their routing. */
export interface RoutedRequest {
  readonly url?: string | undefined;
  readonly baseUrl?: string | undefined;
  readonly originalUrl?: string | undefined;
}

/**
 * Tells what routing consumed and what it left.
 *
 * @param req The request, at the place where the application is mounted
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
  // A wildcard takes slashes too, which SCRIPT_NAME does not end in.
  const mount = withoutTrailingSlashes(baseUrl);
  return { target: originalUrl, url: `${baseUrl.slice(mount.length)}${left}${query}`, mount };
}

/** The path of a request target, without scheme, authority, query and fragment. */
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

/** Connect does not say what it cut off. */
function consumedPart(originalPath: string, path: string): string {
  if (originalPath.endsWith(path)) return originalPath.slice(0, originalPath.length - path.length);
  return path === '/' ? originalPath : '';
}

/** The mount has taken the whole path; only the original tells whether there was a slash behind it. */
function slashBehind(baseUrl: string, originalPath: string): '' | '/' {
  if (originalPath === baseUrl) return '';
  if (originalPath.startsWith(`${baseUrl}/`)) return '/';
  // The URL was rewritten before it was routed; a rewriter keeps the slash at the end, or the lack of it.
  return originalPath.endsWith('/') ? '/' : '';
}

function withoutTrailingSlashes(path: string): string {
  let end = path.length;
  while (path[end - 1] === '/') end -= 1;
  return path.slice(0, end);
}
