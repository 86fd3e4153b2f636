/** Middleware that each break one rule of a correct host, with the audits that must notice. */
import { posix } from 'node:path';
import type { AuditHost, AuditMiddleware, AuditServeOptions, Listener } from '../../src/conformance/index.ts';
import { toApplication } from '../../src/index.ts';
import type { Application, ApplicationFunction, Body, Chunk, Environ } from '../../src/wsgi.ts';

type Sabotage = (application: ApplicationFunction) => ApplicationFunction;

/** Makes a middleware that changes the environ. */
function changing(change: (environ: Environ) => object): Sabotage {
  return (application) => (environ, startResponse) =>
    application(Object.assign(environ, change(environ)), startResponse);
}

/** Makes a middleware that replaces the chunks of the body. */
function rechunking(change: (chunks: AsyncIterable<Chunk>) => AsyncIterable<Chunk>): Sabotage {
  return (application) => async (environ, startResponse) => {
    const body = await application(environ, startResponse);
    async function* iterate(): AsyncGenerator<Chunk> {
      yield* body;
    }
    return Object.assign(change(iterate()), { close: () => body.close?.() });
  };
}

async function* collected(chunks: AsyncIterable<Chunk>): AsyncGenerator<Chunk> {
  const pieces: Buffer[] = [];
  for await (const chunk of chunks) pieces.push(Buffer.from(chunk as string));
  yield Buffer.concat(pieces);
}

async function* stoppedByEmptyChunk(chunks: AsyncIterable<Chunk>): AsyncGenerator<Chunk> {
  for await (const chunk of chunks) {
    if (chunk.length === 0) return;
    yield chunk;
  }
}

let shared: Environ | undefined;

/** Each sabotage by name, with the audits that must notice it. */
export const SABOTAGES: Readonly<Record<string, { sabotage: Sabotage; noticedBy: readonly string[] }>> = {
  'a path in upper case': {
    sabotage: changing(({ PATH_INFO }) => ({ PATH_INFO: PATH_INFO.replace('/path', '/PATH') })),
    noticedBy: ['environ-24-path-decoding'],
  },
  'slashes that are collapsed': {
    sabotage: changing(({ PATH_INFO }) => ({ PATH_INFO: PATH_INFO.replaceAll('//', '/') })),
    noticedBy: ['environ-29-double-slash'],
  },
  'dot segments that are removed': {
    sabotage: changing(({ PATH_INFO }) => ({ PATH_INFO: posix.normalize(PATH_INFO) })),
    noticedBy: ['environ-30-dot-dot-segment', 'environ-30-dot-segment'],
  },
  'a query that keeps its question mark': {
    sabotage: changing(({ QUERY_STRING }) => ({ QUERY_STRING: `?${QUERY_STRING}` })),
    noticedBy: ['environ-23-path-variables', 'environ-35-query-empty', 'environ-35-query-undecoded'],
  },
  'HTTPS without TLS': {
    sabotage: changing(() => ({ HTTPS: 'off' })),
    noticedBy: ['environ-50-plain', 'environ-51-forwarded-proto'],
  },
  'one environ for all requests': {
    sabotage: (application) => (environ, startResponse) => {
      shared = Object.assign(shared ?? {}, environ);
      return application(shared, startResponse);
    },
    noticedBy: ['environ-53-fresh'],
  },
  'a frozen environ': {
    sabotage: (application) => (environ, startResponse) => application(Object.freeze(environ), startResponse),
    noticedBy: ['environ-54-mutable'],
  },
  'fields joined by a comma': {
    sabotage: changing(({ HTTP_COOKIE, HTTP_X_TEST_HEADER }) => ({
      HTTP_COOKIE: HTTP_COOKIE?.replaceAll('; ', ','),
      HTTP_X_TEST_HEADER: String(HTTP_X_TEST_HEADER).replaceAll(', ', ','),
    })),
    noticedBy: ['environ-36-repeated-field', 'environ-37-cookie'],
  },
  'field values as text': {
    sabotage: changing(({ HTTP_X_OCTETS, HTTP_X_SPACE }) => ({
      HTTP_X_OCTETS: Buffer.from(String(HTTP_X_OCTETS), 'latin1').toString(),
      HTTP_X_SPACE: String(HTTP_X_SPACE).trim(),
    })),
    noticedBy: ['environ-45-field-octets', 'environ-46-optional-white-space'],
  },
  'a CONTENT_LENGTH that is always there': {
    sabotage: changing(({ CONTENT_LENGTH = '' }) => ({ CONTENT_LENGTH })),
    noticedBy: ['environ-47-no-content-fields', 'input-158-chunked'],
  },
  'a second call that is accepted': {
    sabotage: (application) => (environ, startResponse) =>
      application(environ, (status, headers) => startResponse(status, headers, new Error('replaced'))),
    noticedBy: ['start-response-72-second-call', 'start-response-72-second-call-sent'],
  },
  'a second call that is ignored': {
    sabotage: (application) => (environ, startResponse) => {
      let write: ReturnType<typeof startResponse> | undefined;
      return application(
        environ,
        (status, headers, excInfo) => (write ??= startResponse(status, headers, excInfo)),
      );
    },
    noticedBy: [
      'start-response-74-replacement',
      'body-104-empty-chunks-delay',
      'start-response-89-after-the-end',
    ],
  },
  'headers that are checked late': {
    sabotage: (application) => async (environ, startResponse) => {
      let late = (): unknown => undefined;
      const body = await application(environ, (status, headers) => {
        late = () => startResponse(status, headers);
        return async () => {};
      });
      late();
      return body;
    },
    noticedBy: ['start-response-81-synchronous-checks', 'start-response-82-own-copy'],
  },
  'its own Server and Date': {
    sabotage: (application) => (environ, startResponse) =>
      application(environ, (status, headers, excInfo) =>
        startResponse(
          status,
          [...headers.filter(([name]) => !/^(?:server|date)$/i.test(name)), ['Server', 'x'], ['Date', 'now']],
          excInfo,
        ),
      ),
    noticedBy: [
      'start-response-87-date-added',
      'start-response-87-date-kept',
      'start-response-88-no-server',
      'start-response-88-server-kept',
    ],
  },
  'a length for every body': {
    sabotage: (application) => async (environ, startResponse) => {
      const body = await application(environ, startResponse);
      const chunks: Chunk[] = [];
      for await (const chunk of body) chunks.push(chunk);
      return chunks;
    },
    noticedBy: ['body-108-generator', 'body-108-async-generator', 'body-109-http-1-0'],
  },
  'names in lower case': {
    sabotage: (application) => (environ, startResponse) =>
      application(environ, (status, headers, excInfo) =>
        startResponse(
          status,
          headers.map(([name, value]) => [name.toLowerCase(), value.replaceAll('\t', ' ')]),
          excInfo,
        ),
      ),
    noticedBy: ['start-response-86-name-case', 'start-response-66-htab'],
  },
  'a body in one piece': {
    sabotage: rechunking(collected),
    noticedBy: ['body-108-one-chunk-each-in-turn', 'body-119-no-delay'],
  },
  'an empty chunk as the end': {
    sabotage: rechunking(stoppedByEmptyChunk),
    noticedBy: ['body-105-empty-chunk', 'body-105-empty-first-chunk'],
  },
  'writes after the body': {
    sabotage: (application) => async (environ, startResponse) => {
      const written: Chunk[] = [];
      const body = await application(environ, (...start) => {
        startResponse(...start);
        return async (data) => {
          written.unshift(data);
        };
      });
      async function* reversed(): AsyncGenerator<Chunk> {
        yield* body;
        yield* written;
      }
      return reversed();
    },
    noticedBy: ['write-92-before-the-body', 'write-93-order'],
  },
  'an input that is read ahead': {
    sabotage: (application) => async (environ, startResponse) => {
      await environ['wsgi.input'].read();
      return application(environ, startResponse);
    },
    noticedBy: ['input-151-read', 'input-160-octet-by-octet', 'input-174-http-1-0', 'bridge-214-unparsed'],
  },
  'a third argument to functions': {
    sabotage: (application) => (environ, startResponse) =>
      Reflect.apply(application, undefined, [environ, startResponse, 3]),
    noticedBy: ['forms-189-function-call'],
  },
};

/** Hosts with one wrong part of their own, with the audits that must notice it. */
export const WRONG_HOSTS: Readonly<
  Record<string, { host(right: AuditHost): AuditHost; noticedBy: readonly string[] }>
> = {
  'no view of changed fields': {
    host: (right) => withOptions(right, ({ changeRequest: _, ...options }) => options),
    noticedBy: ['bridge-243-added-fields', 'bridge-243-changed-fields', 'bridge-243-removed-fields'],
  },
  'fields that are changed though they were only looked at': {
    host: (right) =>
      withOptions(right, (options) => ({
        ...options,
        changeRequest: ({ headers }) => {
          headers.referer = 'one';
          headers['x-user'] = 'other';
        },
      })),
    noticedBy: ['bridge-243-looked-at-fields'],
  },
  'a proxy that it never trusts': {
    host: (right) => withOptions(right, ({ trustProxy: _, ...options }) => options),
    noticedBy: ['bridge-244-trusted-proxy'],
  },
  'a proxy that it always trusts': {
    host: (right) => withOptions(right, (options) => ({ ...options, trustProxy: true })),
    noticedBy: ['bridge-244-untrusted-proxy'],
  },
  'a Vary of the application alone': {
    host: (right) => withOptions(right, ({ hostFields: _, ...options }) => options),
    noticedBy: ['bridge-245-vary-array', 'bridge-245-vary-stream'],
  },
  'answers that never fall through': {
    host: (right) => withOptions(right, ({ next: _, ...options }) => options),
    noticedBy: ['bridge-247-after-nothing', 'bridge-247-after-one-octet', 'bridge-247-after-everything'],
  },
  'anything taken for an application': {
    host: (right) => ({
      ...right,
      serve: (application, options) =>
        right.serve?.(
          (environ, startResponse) => toApplication(application)(environ, startResponse),
          options,
        ) ?? Promise.reject(new TypeError('Host must serve')),
    }),
    noticedBy: ['forms-249-mistaken-values'],
  },
  'listeners that answer nothing': {
    host: (right) =>
      sabotaged(right, () => (_environ, startResponse) => {
        startResponse('200 OK', []);
        return [];
      }),
    noticedBy: ['forms-249-listener'],
  },
  'middleware that never closes': {
    host: (right) =>
      withLayer(
        right,
        (inner) =>
          async (...call) =>
            iterated(await inner(...call)),
      ),
    noticedBy: ['middleware-191-close-at-the-end', 'middleware-191-departure'],
  },
  'middleware that closes twice': {
    host: (right) =>
      withLayer(right, (inner) => async (...call) => {
        const body = await inner(...call);
        const close = (): void => {
          body.close?.();
          body.close?.();
        };
        return Object.assign(iterated(body), { close });
      }),
    noticedBy: ['middleware-191-close-at-the-end', 'middleware-191-departure'],
  },
  'middleware that gathers the body': {
    host: (right) => withLayer(right, rechunking(collected)),
    noticedBy: ['middleware-192-block-boundaries', 'middleware-191-departure'],
  },
  'middleware that keeps the old length': {
    host: (right) =>
      withLayer(
        right,
        rechunking(async function* (chunks) {
          for await (const chunk of chunks) yield Buffer.concat([Buffer.from(chunk), Buffer.from(chunk)]);
        }),
      ),
    noticedBy: ['middleware-193-changed-length', 'middleware-194-transparent'],
  },
  'middleware that ignores a second head': {
    host: (right) =>
      withLayer(right, SABOTAGES['a second call that is ignored']?.sabotage ?? ((inner) => inner)),
    noticedBy: ['middleware-193-second-head'],
  },
  'a dispatcher by prefix of letters': {
    host: (right) =>
      withMiddleware(right, {
        dispatch: (mounts, rest) => (environ, startResponse) => {
          const [path = '', mounted = rest] =
            Object.entries(mounts).find(([path]) => environ.PATH_INFO.startsWith(path)) ?? [];
          environ.SCRIPT_NAME += path;
          environ.PATH_INFO = environ.PATH_INFO.slice(path.length);
          return toApplication(mounted)(environ, startResponse);
        },
      }),
    noticedBy: ['middleware-195-dispatch', 'middleware-196-environ'],
  },
  'programs whose content goes through write': {
    host: (right) =>
      withPrograms(right, (program) => async (environ, startResponse) => {
        let write: ReturnType<typeof startResponse> | undefined;
        const body = await program(environ, (...start) => (write = startResponse(...start)));
        for await (const chunk of body) await write?.(chunk);
        return [];
      }),
    noticedBy: ['bridge-248-through-the-iterable'],
  },
  'programs that run ahead': {
    host: (right) => withPrograms(right, rechunking(collected)),
    noticedBy: ['bridge-248-holds-back'],
  },
  'programs that are not told of a departure': {
    host: (right) =>
      withPrograms(
        right,
        (program) =>
          async (...call) =>
            onlyNext(await program(...call)),
      ),
    noticedBy: ['bridge-248-return-is-a-departure', 'bridge-248-close-is-a-departure'],
  },
  'programs that are left too early': {
    host: (right) =>
      withPrograms(right, (program) => async (...call) => {
        const body = await program(...call);
        // Before a single octet was taken.
        body.close?.();
        return [Buffer.from('abc')];
      }),
    noticedBy: ['bridge-248-no-departure'],
  },
  'proxies that are all trusted': {
    host: (right) =>
      withMiddleware(right, {
        trustedProxy: () => (inner) => (environ, startResponse) => {
          environ.REMOTE_ADDR = String(environ.HTTP_X_FORWARDED_FOR).split(',', 1)[0] ?? '';
          return toApplication(inner)(environ, startResponse);
        },
      }),
    noticedBy: ['middleware-197-count', 'middleware-198-untrusted', 'middleware-198-malformed'],
  },
};

/** Makes a sabotage of each from-bridge of a host. */
function withPrograms(host: AuditHost, sabotage: Sabotage): AuditHost {
  const wrappers = (host.wrappers ?? []).map((wrapper) => ({
    ...wrapper,
    wrap: (listener: Listener) => sabotage(toApplication(wrapper.wrap(listener))),
  }));
  return { ...host, wrappers };
}

/** Makes a body that can only be asked for its next chunk. */
function onlyNext(body: Body): Body {
  const chunks = iterated(body);
  return { [Symbol.asyncIterator]: () => ({ next: () => chunks.next() }) };
}

function withOptions(host: AuditHost, change: (options: AuditServeOptions) => AuditServeOptions): AuditHost {
  return {
    ...host,
    serve: async (application, options = {}) =>
      host.serve?.(application, change(options)) ?? Promise.reject(new TypeError('Host must serve')),
  };
}

function withMiddleware(host: AuditHost, change: Partial<AuditMiddleware>): AuditHost {
  if (host.middleware === undefined) throw new TypeError('Host must have middleware');
  return { ...host, middleware: { ...host.middleware, ...change } };
}

/** Makes a sabotage the only middleware of a host, of either kind. */
function withLayer(host: AuditHost, sabotage: Sabotage): AuditHost {
  const layers = { wrong: (application: Application) => sabotage(toApplication(application)) };
  return withMiddleware(host, { transparent: layers, changing: layers });
}

/** Makes a generator of a body, which does not close it. */
async function* iterated(body: Body): AsyncGenerator<Chunk> {
  yield* body;
}

/** Puts a sabotage around all applications of a host. */
export function sabotaged(host: AuditHost, sabotage: Sabotage): AuditHost {
  const { serve } = host;
  if (serve === undefined) throw new TypeError('Host must serve');
  return {
    ...host,
    serve: async (application, options) => serve(sabotage(toApplication(application)), options),
  };
}
