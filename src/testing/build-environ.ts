/**
 * Builds an environ without a server, from a request that a test describes.
 *
 * Path and query may have any characters: those that no request target may have are percent-encoded as UTF-8.
 * Existing percent-encoding stays.
 */
import { checkOptions, type OptionRules } from '../gateway/check-options.ts';
import { describe } from '../gateway/describe.ts';
import { createEnviron } from '../gateway/environ.ts';
import { isToken } from '../gateway/headers.ts';
import type { Environ, ErrorStream, HeaderList } from '../wsgi.ts';
import { type ContentOptions, createContent, type FormFields, toSearchParams } from './request-content.ts';
import { listHeaders, type RequestHeaders } from './request-headers.ts';

/** The request from which an environ is built. */
export interface BuildEnvironOptions extends ContentOptions {
  /** @default 'GET' */
  readonly method?: string | undefined;
  /** Scheme, authority and mount: the path becomes SCRIPT_NAME. @default 'http://localhost/' */
  readonly baseUrl?: string | undefined;
  /** The query, if the path has none: text without a question mark, or names and values. */
  readonly query?: string | FormFields | undefined;
  /** Field lines in order, a `Headers`, a Map or an object. Host is added. */
  readonly headers?: RequestHeaders | undefined;
  /** The value of Content-Type. @default that of the content */
  readonly contentType?: string | undefined;
  /** The value of Content-Length. A true length is known without it, unless the content comes in pieces. @default that of the content */
  readonly contentLength?: number | undefined;
  /** Credentials for Basic authentication, or the whole value of Authorization. */
  readonly auth?: string | { readonly user: string; readonly password: string } | undefined;
  /** @default 'HTTP/1.1' */
  readonly protocol?: string | undefined;
  /** REMOTE_ADDR. @default '127.0.0.1' */
  readonly remoteAddress?: string | undefined;
  /** The trailer section, which `gateway.trailers` gives. */
  readonly trailers?: RequestHeaders | undefined;
  /** `wsgi.multithread`. @default false */
  readonly multithread?: boolean | undefined;
  /** `wsgi.multiprocess`. @default false */
  readonly multiprocess?: boolean | undefined;
  /** `wsgi.run_once`. @default false */
  readonly runOnce?: boolean | undefined;
  /** `wsgi.errors`. @default standard error */
  readonly errors?: ErrorStream | undefined;
  /** Further keys, which override those of the request. */
  readonly environ?: Readonly<Record<string, unknown>> | undefined;
}

const ANY = (): boolean => true;

/** The options of `buildEnviron`. */
export const ENVIRON_RULES: OptionRules = {
  method: (value) => typeof value === 'string' && isToken(value),
  baseUrl: { type: 'text' },
  query: ANY,
  headers: ANY,
  contentType: { type: 'field value' },
  contentLength: { type: 'count' },
  auth: ANY,
  protocol: { type: 'text' },
  remoteAddress: { type: 'text' },
  trailers: ANY,
  multithread: { type: 'boolean' },
  multiprocess: { type: 'boolean' },
  runOnce: { type: 'boolean' },
  errors: { type: 'object' },
  environ: { type: 'object' },
  content: ANY,
  json: ANY,
  form: ANY,
};

/** Names of other clients, with the options that they mean. */
export const MEANT: Readonly<Record<string, string>> = {
  body: 'content, json or form',
  data: 'content or form',
  payload: 'content or json',
  input: 'content',
  params: 'query',
  search: 'query',
  queryString: 'query',
  header: 'headers',
  extraEnviron: 'environ',
  environOverrides: 'environ',
  environBase: 'environ',
  formData: 'form',
  mimetype: 'contentType',
  type: 'contentType',
  url: 'baseUrl, or the path',
  origin: 'baseUrl',
  redirect: 'followRedirects',
  follow: 'followRedirects',
};

/** Headers with an option of their own. */
export const STATED: readonly (readonly [name: string, option: 'contentType' | 'contentLength' | 'auth'])[] =
  [
    ['Content-Type', 'contentType'],
    ['Content-Length', 'contentLength'],
    ['Authorization', 'auth'],
  ];

/**
 * Builds an environ for tests.
 *
 * @param path The path below the base URL, with or without a query; `''` for the mount itself. An absolute URL brings
 *   its own base
 * @param options The other parts of the request
 * @throws TypeError if options contradict each other (two queries, two base URLs, two kinds of content), or if one is
 *   unknown or has a wrong type
 * @example
 * const environ = buildEnviron('/books?page=2', { method: 'POST', json: { title: 'Emma' } });
 * environ.QUERY_STRING; // 'page=2'
 * environ.CONTENT_TYPE; // 'application/json'
 */
export function buildEnviron(path: string = '/', options: BuildEnvironOptions = {}): Environ {
  // Callers in JavaScript may pass anything.
  if (typeof path !== 'string')
    throw new TypeError(`Path must be a string such as '/', not ${describe(path)}`);
  checkOptions(options, ENVIRON_RULES, { likely: 'method', meant: MEANT });
  const { base, rest } = split(path, options.baseUrl);
  const mount = encodeTarget(base.path.replace(/\/+$/, ''));
  const url = `${encodeTarget(rest.path)}${formatQuery(rest.query, options.query)}`;
  const content = createContent(options);
  const trailers = options.trailers === undefined ? undefined : listHeaders(options.trailers);
  return createEnviron(
    {
      method: options.method ?? 'GET',
      target: mount + url || '/',
      url,
      mount,
      protocol: options.protocol ?? 'HTTP/1.1',
      rawHeaders: completeHeaders(options, base.authority, content).flat(),
      scheme: base.scheme,
      serverName: base.hostname,
      serverPort: base.port,
      remoteAddress: options.remoteAddress ?? '127.0.0.1',
      input: content?.input,
      errors: options.errors,
      trailers: trailers === undefined ? undefined : async () => trailers,
    },
    {
      environ: {
        'wsgi.multithread': options.multithread === true,
        'wsgi.multiprocess': options.multiprocess === true,
        'wsgi.run_once': options.runOnce === true,
        ...options.environ,
      },
    },
  );
}

interface Base {
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  readonly hostname: string;
  readonly port: string;
  readonly path: string;
}

const ABSOLUTE = /^(https?):\/\/([^/?#]*)(.*)$/is;

/** Splits off the base. */
function split(
  path: string,
  baseUrl: string | undefined,
): { base: Base; rest: ReturnType<typeof splitQuery> } {
  const absolute = ABSOLUTE.exec(path);
  if (absolute === null) {
    const base = parseBase(baseUrl ?? 'http://localhost/');
    // A relative path is below the base, like a link on its page.
    return { base, rest: splitQuery(/^(?:[/?#*]|$)/.test(path) ? path : `/${path}`) };
  }
  if (baseUrl !== undefined) throw new TypeError('Path must not be absolute when there is a baseUrl');
  const [, scheme, authority, rest = ''] = absolute;
  return {
    base: parseBase(`${scheme}://${authority}`),
    rest: splitQuery(rest.startsWith('/') ? rest : `/${rest}`),
  };
}

function parseBase(baseUrl: string): Base {
  const [, scheme, , path = ''] = ABSOLUTE.exec(baseUrl) ?? [];
  if (scheme === undefined || /[?#]/.test(path)) {
    throw new TypeError(`Base URL must be http or https, without query and fragment: '${baseUrl}'`);
  }
  const { protocol, host, hostname, port } = new URL(baseUrl);
  const isTls = protocol === 'https:';
  return {
    scheme: isTls ? 'https' : 'http',
    authority: host,
    hostname,
    port: port || (isTls ? '443' : '80'),
    path,
  };
}

/** Drops the fragment, which a client never sends, and splits off the query. */
function splitQuery(path: string): { path: string; query: string | undefined } {
  const [whole = ''] = path.split('#', 1);
  const question = whole.indexOf('?');
  return question === -1
    ? { path: whole, query: undefined }
    : { path: whole.slice(0, question), query: whole.slice(question + 1) };
}

function formatQuery(own: string | undefined, query: BuildEnvironOptions['query']): string {
  if (query === undefined) return own === undefined ? '' : `?${encodeTarget(own)}`;
  if (own !== undefined) throw new TypeError('Query must be in the path or in the options, not in both');
  return `?${encodeTarget(typeof query === 'string' ? query : toSearchParams('query', query).toString())}`;
}

/** Percent-encodes, as UTF-8, the characters that a request target may not have (RFC 9112 §3.2). */
function encodeTarget(text: string): string {
  return text.replace(/[^\x21-\x7e]+/g, encodeURIComponent);
}

/** Adds the headers that the options imply, unless they are given. */
function completeHeaders(
  options: BuildEnvironOptions,
  authority: string,
  content: ReturnType<typeof createContent>,
): HeaderList {
  const { auth } = options;
  const given = listHeaders(options.headers);
  const names = new Set(given.map(([name]) => name.toLowerCase()));
  const list: HeaderList = names.has('host') ? [] : [['Host', authority]];
  list.push(...given);
  const add = (name: string, value: string | undefined): void => {
    if (value !== undefined && !names.has(name.toLowerCase())) list.push([name, value]);
  };
  for (const [name, option] of STATED) {
    if (options[option] === undefined || !names.has(name.toLowerCase())) continue;
    throw new TypeError(`${name} must be in ${option} or in the headers, not in both`);
  }
  add('Content-Type', options.contentType ?? content?.type);
  const length = options.contentLength ?? content?.length;
  if (length !== undefined) add('Content-Length', String(length));
  else if (content !== undefined && !names.has('content-length')) add('Transfer-Encoding', 'chunked');
  if (auth !== undefined) add('Authorization', authorization(auth));
  return list;
}

/** Basic authentication (RFC 7617 §2), or the value as it is. */
function authorization(auth: NonNullable<BuildEnvironOptions['auth']>): string {
  if (typeof auth === 'string') return auth;
  // Callers in JavaScript may pass anything.
  const { user, password }: { readonly user?: unknown; readonly password?: unknown } = Object(auth);
  if (typeof user !== 'string' || typeof password !== 'string')
    throw new TypeError(`Option auth must be text or { user, password }, not ${describe(auth)}`);
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
