/** Answers a local redirect of a program (RFC 3875 §6.2.2): makes the request for the path that it names. */
import { createReceivedEnviron } from '../../src/gateway/index.ts';
import { type Environ, UpstreamError } from '../../src/index.ts';

/** Local redirects that follow one another, at most. Apache allows as many. */
const MAX_REDIRECTS = 10;

/** The key of the environ that counts them. */
const COUNT = 'gateway.local_redirects';

/** Keys of the content, which a redirected request does not have. */
const OF_CONTENT = /^(?:CONTENT_[A-Z_]+|HTTP_(?:CONTENT_[A-Z_]+|TRANSFER_ENCODING|EXPECT|RANGE|IF_RANGE))$/;

/**
 * Makes the environ of the request that a local redirect stands for: a GET, or HEAD, without content.
 *
 * @param environ The environ of the request that the program has answered with the redirect
 * @param location Path and query, as the program gave them
 * @param within The path is to be below SCRIPT_NAME (`mount`), or anywhere (`site`), where SCRIPT_NAME becomes empty
 * @returns undefined if the path is not there
 * @throws {@link UpstreamError} 502 if too many redirects have followed one another
 */
export function redirectedEnviron(
  environ: Environ,
  location: string,
  within: 'mount' | 'site',
): Environ | undefined {
  const count = Number(environ[COUNT] ?? 0) + 1;
  if (count > MAX_REDIRECTS) {
    const detail = `${count} local redirects follow one another, the last to ${JSON.stringify(location)}`;
    throw new UpstreamError('WSGI_ERR_UPSTREAM_MALFORMED', `${detail} (RFC 3875 §6.2.2)`);
  }
  const method = environ.REQUEST_METHOD === 'HEAD' ? 'HEAD' : 'GET';
  // It decodes the path and provides an empty input.
  const made = createReceivedEnviron(
    {
      method,
      target: location,
      protocol: environ.SERVER_PROTOCOL,
      rawHeaders: [],
      scheme: environ['wsgi.url_scheme'],
      serverName: environ.SERVER_NAME,
      serverPort: environ.SERVER_PORT,
    },
    {},
  );
  const mount = within === 'mount' ? environ.SCRIPT_NAME : '';
  if (!`${made.PATH_INFO}/`.startsWith(`${mount}/`)) return undefined;
  const kept = Object.entries(environ).filter(([key]) => !OF_CONTENT.test(key));
  const lines = environ['gateway.raw_headers'];
  // Entries of an environ make an environ.
  const redirected = Object.fromEntries(kept) as Environ;
  Object.assign(redirected, {
    REQUEST_METHOD: method,
    SCRIPT_NAME: mount,
    PATH_INFO: made.PATH_INFO.slice(mount.length),
    QUERY_STRING: made.QUERY_STRING,
    REQUEST_URI: location,
    RAW_URI: location,
    'wsgi.input': made['wsgi.input'],
    'wsgi.input_terminated': true,
    [COUNT]: count,
  });
  if (lines !== undefined)
    redirected['gateway.raw_headers'] = lines.filter((_line, at) => !isOfContent(lines, at));
  return redirected;
}

/** Tells if a name, or the value behind it, belongs to content. */
function isOfContent(lines: readonly string[], at: number): boolean {
  const name = `${lines[at - (at % 2)]}`.toUpperCase().replaceAll('-', '_');
  return OF_CONTENT.test(name) || OF_CONTENT.test(`HTTP_${name}`);
}
