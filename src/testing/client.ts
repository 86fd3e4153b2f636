/**
 * An in-process client of an application, with cookies.
 *
 * The body is iterated as the test reads it, so that a stream can be tested step by step and an endless one closed. Errors
 * of the application are thrown at the test: one of a response that the test does not read, at its next request.
 */
import { toApplication } from '../gateway/application.ts';
import { checkOptions, type OptionRules } from '../gateway/check-options.ts';
import { requestUri } from '../gateway/uri.ts';
import type { Application, Environ, ErrorStream, HeaderList } from '../wsgi.ts';
import { type BuildEnvironOptions, buildEnviron, ENVIRON_RULES, MEANT, STATED } from './build-environ.ts';
import { CookieJar } from './cookie-jar.ts';
import { assertNoLoop, type Hop, isRedirect, nextHop, pathWithin } from './redirect.ts';
import { listHeaders, type RequestHeaders } from './request-headers.ts';
import { createForm, type ResponseForm } from './response-form.ts';
import { type RunResponse, start, TESTING_OPTIONS, type TestingOptions } from './run-app.ts';
import { UnreadResponses } from './unread-responses.ts';

/** Options for all requests of a client. */
export interface ClientOptions extends TestingOptions {
  /** Scheme, authority and mount of the application. @default 'http://localhost/' */
  readonly baseUrl?: string | undefined;
  /** Field lines for every request, unless it has lines of the same name. */
  readonly headers?: RequestHeaders | undefined;
  /** Keys of every environ, which override those of the request. */
  readonly environ?: Readonly<Record<string, unknown>> | undefined;
  /** `wsgi.errors` of every request. @default standard error */
  readonly errors?: ErrorStream | undefined;
  /** Keeps cookies and sends them. @default true */
  readonly cookies?: boolean | undefined;
  /** Follows redirects. @default false */
  readonly followRedirects?: boolean | undefined;
}

/** The parts of one request besides method and path. */
export interface ClientRequestOptions
  extends Omit<BuildEnvironOptions, 'method' | 'baseUrl'>,
    TestingOptions {
  /** @default that of the client */
  readonly followRedirects?: boolean | undefined;
}

/** A response, with its request and the redirects before it. */
export interface ClientResponse extends RunResponse {
  /** The environ of the answered request; the application changes only a copy. */
  readonly request: Environ;
  /** The redirects before this response, in order; their bodies are read and closed. */
  readonly history: readonly ClientResponse[];
  /** Reads the body. */
  bytes(): Promise<Uint8Array>;
  /** Reads the body as text, by the charset of Content-Type or as UTF-8. */
  text(): Promise<string>;
  /** Reads the body as JSON. */
  json(): Promise<unknown>;
  /**
   * Gives a form of an HTML answer, to fill in and submit.
   *
   * @param which Its id or name, or its number. @default 0
   */
  form(which?: string | number): ResponseForm<ClientResponse>;
  /** Leaves as a client does, without reading the rest, and waits until the application has closed its body. */
  abort(): Promise<void>;
  /** Closes the body without reading the rest, which is the same as `abort`. */
  close(): Promise<void>;
  /** `await using` closes the body. */
  [Symbol.asyncDispose](): Promise<void>;
}

type Send = (path?: string, options?: ClientRequestOptions) => Promise<ClientResponse>;

/** A client of one application. `await using` closes what is open. */
export interface Client extends AsyncDisposable {
  /** The cookies that were set so far; tests may change them. */
  readonly cookies: CookieJar;
  /** Sends a request with any method. */
  request(method: string, path?: string, options?: ClientRequestOptions): Promise<ClientResponse>;
  readonly get: Send;
  readonly head: Send;
  readonly post: Send;
  readonly put: Send;
  readonly patch: Send;
  readonly delete: Send;
  readonly options: Send;
  /**
   * Leaves every response that is not read to its end, and waits until the application has closed them.
   *
   * @throws the error of a response that failed and that the test has not begun to read
   */
  close(): Promise<void>;
}

/**
 * Creates a client for an application.
 *
 * Redirects are followed as browsers do: 301 and 302 turn POST into GET, 303 turns everything but HEAD into GET, 307
 * and 308 repeat the request.
 *
 * @param application The application, in any of its forms
 * @param options Options for all requests
 * @throws TypeError if the application has none of the three forms, or if an option is unknown or has a wrong type
 * @example
 * const client = createClient(application);
 * await client.post('/login', { form: { user: 'emma' } });
 * const response = await client.get('/account', { followRedirects: true });
 * console.log(response.statusCode, await response.text());
 */
export function createClient(application: Application, options: ClientOptions = {}): Client {
  const call = toApplication(application);
  checkOptions(options, CLIENT_RULES, { likely: 'baseUrl', meant: MEANT });
  const { environ: keys, errors, baseUrl } = options;
  const common = listHeaders(options.headers);
  const cookies = new CookieJar(buildEnviron('/', { baseUrl }).SERVER_NAME);
  const keepsCookies = options.cookies !== false;
  const unread = new UnreadResponses();

  async function send(environ: Environ, testing: TestingOptions): Promise<ClientResponse> {
    const { hostname: host, pathname: path, protocol } = new URL(requestUri(environ, false));
    const field = keepsCookies ? cookies.give({ host, path, isSecure: protocol === 'https:' }) : undefined;
    if (field !== undefined)
      environ.HTTP_COOKIE = environ.HTTP_COOKIE ? `${environ.HTTP_COOKIE}; ${field}` : field;
    const { response, sink } = await start(call, environ, testing);
    unread.add(sink);
    if (keepsCookies) cookies.take(response.headers.getAll('Set-Cookie'), { host, path });
    return createResponse(response, environ, request);
  }

  async function request(
    method: string,
    path: string = '/',
    requestOptions: ClientRequestOptions = {},
  ): Promise<ClientResponse> {
    checkOptions(requestOptions, REQUEST_RULES, { likely: 'query', meant: MEANT });
    unread.check();
    const { followRedirects = options.followRedirects ?? false } = requestOptions;
    const testing = { ...pick(options, TESTING_OPTIONS), ...pick(requestOptions, TESTING_OPTIONS) };
    let hop: Hop = {
      path,
      options: {
        errors,
        ...pick(requestOptions, ENVIRON_RULES),
        method,
        headers: withDefaults(common, requestOptions),
        environ: { ...keys, ...requestOptions.environ },
        baseUrl,
      },
    };
    const history: ClientResponse[] = [];
    for (;;) {
      const answer = await send(buildEnviron(hop.path, hop.options), testing);
      const response = { ...answer, history: [...history] };
      if (!followRedirects || !isRedirect(response)) return response;
      hop = await nextHop(hop, response);
      assertNoLoop(history, response);
      history.push(response);
    }
  }

  const sender =
    (method: string): Send =>
    (path, requestOptions) =>
      request(method, path, requestOptions);
  return {
    cookies,
    request,
    get: sender('GET'),
    head: sender('HEAD'),
    post: sender('POST'),
    put: sender('PUT'),
    patch: sender('PATCH'),
    delete: sender('DELETE'),
    options: sender('OPTIONS'),
    close: () => unread.close(),
    [Symbol.asyncDispose]: () => unread.close(),
  };
}

function createResponse(response: RunResponse, request: Environ, send: Client['request']): ClientResponse {
  const { body } = response;
  return {
    ...response,
    request,
    history: [],
    bytes: () => body.bytes(),
    text: () => body.text(),
    json: async () => JSON.parse(await body.text()),
    form: (which = 0) =>
      createForm(which, body.text, ({ method, action, options }) => {
        // An empty action is the page itself; the query of a GET replaces that of the action.
        const path = pathWithin(request, action, 'Form');
        return send(method, method === 'GET' ? path.replace(/\?.*$/s, '') : path, options);
      }),
    abort: () => body.close(),
    close: () => body.close(),
    [Symbol.asyncDispose]: () => body.close(),
  };
}

/** Puts the field lines of the client in front of those of a request, which replace lines of the same name. */
function withDefaults(common: HeaderList, options: ClientRequestOptions): HeaderList {
  const own = listHeaders(options.headers);
  if (common.length === 0) return own;
  const replaced = new Set(own.map(([name]) => name.toLowerCase()));
  for (const [name, option] of STATED) if (options[option] !== undefined) replaced.add(name.toLowerCase());
  return [...common.filter(([name]) => !replaced.has(name.toLowerCase())), ...own];
}

/** Gives the options of one table that are set. */
function pick<Options extends object>(options: Options, table: object): Partial<Options> {
  const set = Object.entries(options).filter(
    ([name, value]) => value !== undefined && Object.hasOwn(table, name),
  );
  // A part of the same options.
  return Object.fromEntries(set) as Partial<Options>;
}

const { method: _method, baseUrl: _baseUrl, ...OF_REQUESTS } = ENVIRON_RULES;

const REQUEST_RULES: OptionRules = {
  ...OF_REQUESTS,
  ...TESTING_OPTIONS,
  followRedirects: { type: 'boolean' },
};

const CLIENT_RULES: OptionRules = {
  ...TESTING_OPTIONS,
  baseUrl: { type: 'text' },
  headers: () => true,
  environ: { type: 'object' },
  errors: { type: 'object' },
  cookies: { type: 'boolean' },
  followRedirects: { type: 'boolean' },
};
