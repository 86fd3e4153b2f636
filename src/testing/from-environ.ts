/** Describes the request of an environ, so that a test can change it and send it again. */
import { quotePath } from '../gateway/native-string.ts';
import { rawPathInfo } from '../gateway/uri.ts';
import type { Environ, HeaderList } from '../wsgi.ts';
import type { BuildEnvironOptions } from './build-environ.ts';

/** A request: its path, and the options that `buildEnviron` takes. */
export interface EnvironDescription extends BuildEnvironOptions {
  /** Below the base URL, without the query. */
  readonly path: string;
  readonly method: string;
  readonly baseUrl: string;
}

/**
 * Describes the request of an environ, like `EnvironBuilder.from_environ` of Werkzeug.
 *
 * The content is the rest of `wsgi.input`, and is read as the new request is. Keys of hosts are left out (`gateway.*`,
 * `node.*`, …), those of your own stay.
 *
 * @example
 * const { path, ...options } = fromEnviron(environ);
 * const again = buildEnviron(path, { ...options, method: 'PUT' });
 */
export function fromEnviron(environ: Environ): EnvironDescription {
  const { CONTENT_LENGTH, HTTP_TRANSFER_ENCODING, SERVER_NAME, SERVER_PORT, SCRIPT_NAME } = environ;
  const hasContent = Boolean(CONTENT_LENGTH) || HTTP_TRANSFER_ENCODING !== undefined;
  return {
    path: rawPathInfo(environ),
    method: environ.REQUEST_METHOD,
    baseUrl: `${environ['wsgi.url_scheme']}://${SERVER_NAME}:${SERVER_PORT}${quotePath(SCRIPT_NAME)}`,
    query: environ.QUERY_STRING || undefined,
    headers: listFields(environ),
    contentType: environ.CONTENT_TYPE,
    contentLength: CONTENT_LENGTH ? Number(CONTENT_LENGTH) : undefined,
    content: hasContent ? environ['wsgi.input'].chunks() : undefined,
    protocol: environ.SERVER_PROTOCOL,
    remoteAddress: environ.REMOTE_ADDR,
    multithread: environ['wsgi.multithread'],
    multiprocess: environ['wsgi.multiprocess'],
    runOnce: environ['wsgi.run_once'],
    errors: environ['wsgi.errors'],
    environ: Object.fromEntries(Object.entries(environ).filter(([key]) => !DESCRIBED.test(key))),
  };
}

/** Keys of the request and of its host. */
const DESCRIBED =
  /^(?:HTTP_|(?:wsgi|gateway|node|express|fastify)\.|(?:REQUEST_METHOD|REQUEST_URI|RAW_URI|SCRIPT_NAME|PATH_INFO|QUERY_STRING|CONTENT_TYPE|CONTENT_LENGTH|SERVER_NAME|SERVER_PORT|SERVER_PROTOCOL|SERVER_SOFTWARE|REMOTE_ADDR|HTTPS)$)/;

/** HTTP_USER_AGENT is User-Agent. */
function listFields(environ: Environ): HeaderList {
  return Object.entries(environ).flatMap(([key, value]): HeaderList => {
    if (!key.startsWith('HTTP_') || typeof value !== 'string') return [];
    const words = key.slice('HTTP_'.length).toLowerCase().split('_');
    return [[words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('-'), value]];
  });
}
