/** Middleware that each break one rule of a correct host, with the audits that must notice. */
import { posix } from 'node:path';
import type { AuditHost } from '../../src/conformance/index.ts';
import { toApplication } from '../../src/index.ts';
import type { ApplicationFunction, Chunk, Environ } from '../../src/wsgi.ts';

/** A middleware that breaks a rule. */
export type Sabotage = (application: ApplicationFunction) => ApplicationFunction;

/** Makes a middleware that changes the environ. */
function changing(change: (environ: Environ) => object): Sabotage {
  return (application) => (environ, startResponse) =>
    application(Object.assign(environ, change(environ)), startResponse);
}

/** Makes a middleware that replaces the chunks of the body. */
export function rechunking(change: (chunks: AsyncIterable<Chunk>) => AsyncIterable<Chunk>): Sabotage {
  return (application) => async (environ, startResponse) => {
    const body = await application(environ, startResponse);
    async function* iterate(): AsyncGenerator<Chunk> {
      yield* body;
    }
    return Object.assign(change(iterate()), { close: () => body.close?.() });
  };
}

/** Joins all chunks to one. */
export async function* collected(chunks: AsyncIterable<Chunk>): AsyncGenerator<Chunk> {
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

/** Ignores each call of startResponse but the first. */
export const ignoringSecondCalls: Sabotage = (application) => (environ, startResponse) => {
  let write: ReturnType<typeof startResponse> | undefined;
  return application(
    environ,
    (status, headers, excInfo) => (write ??= startResponse(status, headers, excInfo)),
  );
};

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
    sabotage: ignoringSecondCalls,
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

/** Puts a sabotage around all applications of a host. */
export function sabotaged(host: AuditHost, sabotage: Sabotage): AuditHost {
  return serving(
    host,
    (serve) => (application, options) => serve(sabotage(toApplication(application)), options),
  );
}

type Serve = NonNullable<AuditHost['serve']>;

/** Makes a host that serves in another way. */
export function serving(host: AuditHost, change: (serve: Serve) => Serve): AuditHost {
  const { serve } = host;
  if (serve === undefined) throw new TypeError('Host must serve');
  return { ...host, serve: change(serve) };
}
