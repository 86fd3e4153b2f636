/**
 * A gateway with the usual faults of one written in an afternoon: the audits must notice them.
 *
 * It uses `req.headers` and `decodeURIComponent`, sends the head inside startResponse, and has no close, no checks
 * and no framing.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AuditHost } from '../../../src/conformance/index.ts';
import type { Body, Environ, InputStream, StartResponse } from '../../../src/wsgi.ts';
import { listen } from '../listening.ts';

type Callable = (environ: Environ, startResponse: StartResponse) => Body | Promise<Body>;

/** The naive gateway as a host. */
export const naiveHost: AuditHost = {
  name: 'naive',
  capabilities: new Set([
    'serve',
    'field-lines',
    'http1',
    'as-received',
    'plain',
    'own-error-page',
    'any-path',
    'asterisk-form',
    'field-case',
    'interim',
    'trailers',
    'expect',
  ]),
  async serve(application) {
    const server = createServer((request, response) => {
      // It knows the function form only.
      void answer(application as Callable, request, response);
    });
    return listen(server, {});
  },
};

async function answer(
  application: Callable,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const startResponse: StartResponse = (status, headers) => {
    const fields = Object.fromEntries(headers);
    response.writeHead(Number(status.slice(0, 3)), status.slice(4), fields).flushHeaders();
    return async (data) => {
      response.write(data);
    };
  };
  try {
    const body = await application(createEnviron(request), startResponse);
    for await (const chunk of body) response.write(chunk);
    response.end();
  } catch {
    response.end();
  }
}

function createEnviron(request: IncomingMessage): Environ {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const environ: Record<string, unknown> = {
    REQUEST_METHOD: request.method,
    PATH_INFO: path.includes('%') ? decode(path) : path,
    QUERY_STRING: query,
    SERVER_NAME: request.headers.host,
    SERVER_PORT: 80,
    SERVER_PROTOCOL: 'HTTP/1.1',
    'wsgi.version': [1, 0],
    'wsgi.url_scheme': request.headers['x-forwarded-proto'] ?? 'http',
    'wsgi.input': createInput(request),
    'wsgi.errors': process.stderr,
    'wsgi.multithread': true,
    'wsgi.multiprocess': true,
    'wsgi.run_once': false,
    'node.req': request,
    ...process.env,
  };
  for (const [name, value] of Object.entries(request.headers)) {
    environ[`HTTP_${name.toUpperCase().replaceAll('-', '_')}`] = String(value);
  }
  // It lacks keys, on purpose.
  return environ as Environ;
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return '';
  }
}

function createInput(request: IncomingMessage): InputStream {
  request.setMaxListeners(0);
  const read = async (): Promise<Buffer> => Buffer.concat(await request.toArray());
  return {
    read,
    readline: read,
    readlines: async () => [await read()],
    chunks: () => request[Symbol.asyncIterator](),
    async *[Symbol.asyncIterator]() {
      yield* request;
      return undefined;
    },
  };
}

/** The audits that notice at once; those that notice only by a time-out are left out. */
export const NAIVE_FAULTS: readonly string[] = [
  'environ-23-path-variables',
  'environ-25-path-octet',
  'environ-26-path-utf-8',
  'environ-27-malformed-escapes',
  'environ-28-encoded-slash',
  'environ-31-fragment',
  'environ-32-absolute-form',
  'environ-33-asterisk-form',
  'environ-34-request-uri',
  'environ-35-query-undecoded',
  'environ-48-remote-address',
  'environ-49-server-port',
  'environ-51-forwarded-proto',
  'environ-52-process-model',
  'environ-56-operating-system',
  'environ-38-dropped-by-node',
  'environ-39-repeated-singletons',
  'environ-40-http-1-0-without-host',
  'environ-41-underscore',
  'environ-42-underscore-refused',
  'environ-43-underscore-content-length',
  'environ-44-proxy',
  'environ-47-content-fields',
  'start-response-72-second-call',
  'start-response-73-after-failed-call',
  'start-response-79-nothing-sent',
  'start-response-80-returns-write',
  'start-response-83-never-called',
  'start-response-84-never-called-empty',
  'start-response-61-status-form',
  'start-response-62-headers-form',
  'start-response-64-field-name',
  'start-response-66-value-controls',
  'start-response-67-above-latin-1',
  'start-response-68-latin-1',
  'start-response-69-hop-by-hop',
  'start-response-69-hop-by-hop-dropped',
  'start-response-85-duplicates',
  'write-90-after-failed-call',
  'write-94-backpressure',
  'write-95-strict',
  'write-97-past-content-length',
  'body-106-one-chunk',
  'body-107-several-chunks',
  'body-110-empty-array',
  'body-110-empty-empty-chunk',
  'body-110-empty-generator',
  'body-114-status-204',
  'body-116-too-long-array',
  'body-116-too-long-generator',
  'body-103-lazy-late-third-chunk',
  'body-104-empty-chunks-delay',
  'body-120-slow-reader-async',
  'body-128-asynchronous-close',
  'body-130-signal-stays-quiet',
  'body-134-error-page',
  'body-135-exposed-errors',
  'body-141-on-finished',
  'body-141-on-finished-error',
  'body-142-early-hints',
  'body-142-early-hints-late',
  'body-142-early-hints-http-1-0',
  'input-176-request-trailers',
  'file-wrapper-143-blocks',
  'file-wrapper-143-open-at-the-end',
  'file-wrapper-144-close',
  'file-wrapper-145-position',
  'file-wrapper-147-known-size',
  'file-wrapper-148-plain-object',
  'file-wrapper-149-wrapped',
  'file-wrapper-149-discarded',
  'file-wrapper-150-head',
  'input-151-read',
  'input-152-read-sizes',
  'input-152-read-all',
  'input-153-readline',
  'input-154-readline-size',
  'input-155-readlines',
  'input-155-readlines-hint',
  'input-156-iteration',
  'input-157-mixed',
  'input-158-chunked',
  'input-159-no-content',
  'input-161-concurrent',
  'input-162-sizes-checked',
  'input-175-break',
  'input-171-continue-on-read',
  'input-172-no-read',
  'input-173-read-after-head',
  'protocol-181-http-1-0-keep-alive',
  'forms-186-class',
  'forms-186-async-class',
  'forms-186-object',
  'forms-186-object-with-async-call',
  'forms-187-construction',
  'forms-188-legacy-class',
  'forms-190-no-application',
  'bridge-219-native-objects',
];
