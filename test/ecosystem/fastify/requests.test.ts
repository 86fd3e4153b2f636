/** Requests to Fastify: properties, content, routing, validation, errors. */
import { setTimeout as wait } from 'node:timers/promises';
import fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { request } from '../../messages/side-by-side.ts';
import { alike, closeAll, type Place, type PlaceOptions, serveEverywhere } from './three-servers.ts';

let places: readonly Place[];

beforeAll(async () => {
  places = await serveEverywhere(createApp);
});

afterAll(() => closeAll(places));

async function createApp(options: PlaceOptions): Promise<FastifyInstance> {
  const app = fastify({
    ...options,
    trustProxy: ['127.0.0.1', '10.0.0.0/8'],
    bodyLimit: 1000,
    requestIdHeader: 'x-request-id',
    genReqId: () => 'generated',
    rewriteUrl: (req) => (req.url ?? '').replace(/^\/old\//, '/facts/'),
    routerOptions: { ignoreTrailingSlash: true, caseSensitive: false, maxParamLength: 50 },
    handlerTimeout: 2000,
    ajv: { customOptions: { coerceTypes: 'array', removeAdditional: true } },
  });
  addFacts(app);
  addContent(app);
  addSchemas(app);
  await addErrors(app);
  app.get('/versioned', { constraints: { version: '1.2.0' } }, async () => 'first');
  app.get('/versioned', { constraints: { version: '2.0.0' } }, async () => 'second');
  app.get('/hosted', { constraints: { host: 'one.test' } }, async () => 'one');
  app.get('/hosted', { constraints: { host: /\.two\.test$/ } }, async () => 'two');
  app.get('/hosted', async () => 'any');
  // Routes without a type have unknown parameters.
  app.all('/all/*', async (req) => ({
    method: req.method,
    rest: (req.params as Record<string, string>)['*'],
  }));
  app.addHttpMethod('PROPFIND', { hasBody: true });
  app.route({ method: 'PROPFIND', url: '/found', handler: async (req) => ({ body: req.body ?? null }) });
  app.get('/headless', { exposeHeadRoute: false }, async () => 'no HEAD');
  app.get('/slow', { handlerTimeout: 20 }, async () => {
    await wait(500);
    return 'too late';
  });
  return app;
}

function addFacts(app: FastifyInstance): void {
  app.route({
    method: ['GET', 'DELETE', 'OPTIONS'],
    url: '/facts/:name?',
    handler: async (req) => {
      const { id, ip, ips, host, hostname, port, protocol, method, url, originalUrl, params, query } = req;
      const { raw, headers, body, is404, routeOptions } = req;
      return {
        ...{ id, ip, ips, host, hostname, port, protocol, method, url, originalUrl, params, query },
        ...{ headers, body: body ?? null, is404, route: routeOptions.url },
        raw: { url: raw.url, method: raw.method, version: raw.httpVersion, lines: raw.rawHeaders },
        state: {
          complete: raw.complete,
          aborted: raw.aborted,
          destroyed: raw.destroyed,
        },
        socket: {
          address: raw.socket.remoteAddress,
          family: raw.socket.remoteFamily,
          encrypted: Boolean('encrypted' in raw.socket && raw.socket.encrypted),
          readable: raw.socket.readable,
          writable: raw.socket.writable,
        },
        same: req.socket === raw.socket,
      };
    },
  });
}

function addContent(app: FastifyInstance): void {
  app.post('/echo', async (req) => ({ type: typeof req.body, body: req.body ?? null }));
  app.post('/small', { bodyLimit: 10 }, async (req) => req.body);
  app.addContentTypeParser(
    'application/x-buffer',
    { parseAs: 'buffer' },
    async (_req: unknown, body: Buffer) => {
      return { length: body.length, start: body.toString('latin1', 0, 10) };
    },
  );
  app.addContentTypeParser(/^x\/pattern/, { parseAs: 'string', bodyLimit: 20 }, (_req, body, done) => {
    done(null, { pattern: body });
  });
  app.addContentTypeParser('x/failing', (_req, _payload, done) => {
    done(Object.assign(new Error('no content for me'), { statusCode: 422 }));
  });
  app.addContentTypeParser('x/stream', async (_req: unknown, payload: AsyncIterable<Buffer>) => {
    const pieces: Buffer[] = [];
    for await (const piece of payload) pieces.push(piece);
    return { streamed: Buffer.concat(pieces).length };
  });
}

function addSchemas(app: FastifyInstance): void {
  const schema = {
    params: { type: 'object', properties: { id: { type: 'integer' } } },
    querystring: { type: 'object', properties: { list: { type: 'array', items: { type: 'integer' } } } },
    headers: { type: 'object', properties: { 'x-number': { type: 'number', minimum: 5 } } },
    body: {
      type: 'object',
      required: ['name'],
      additionalProperties: false,
      properties: { name: { type: 'string', maxLength: 5 }, age: { type: 'integer', default: 3 } },
    },
    response: {
      '2xx': {
        type: 'object',
        properties: { name: { type: 'string' }, all: { type: 'object', additionalProperties: true } },
      },
    },
  };
  app.post('/checked/:id', { schema }, async (req) => {
    const { body, query, params, headers } = req;
    return { name: 'x', hidden: 1, all: { body, query, params, number: headers['x-number'] } };
  });
  app.post('/attached', { schema, attachValidation: true }, async (req) => ({
    name: req.validationError?.message,
  }));
  const strict = {
    response: { 200: { type: 'object', required: ['there'], properties: { there: { type: 'string' } } } },
  };
  app.get('/unserializable', { schema: strict }, async () => ({}));
  app.get(
    '/serialized',
    { serializerCompiler: () => (data) => `<${JSON.stringify(data)}>`, schema: strict },
    async () => ({
      there: 'x',
    }),
  );
}

async function addErrors(app: FastifyInstance): Promise<void> {
  const failures: Record<string, () => unknown> = {
    plain: () => new Error('plain'),
    status: () => Object.assign(new Error('status'), { statusCode: 409 }),
    odd: () => Object.assign(new Error('odd'), { statusCode: 700 }),
    coded: () => Object.assign(new TypeError('coded'), { code: 'E_CODED', status: 402 }),
    headers: () => Object.assign(new Error('headers'), { headers: { 'X-Error': 'yes' }, statusCode: 503 }),
    string: () => 'a string',
    nothing: () => undefined,
  };
  for (const [name, make] of Object.entries(failures)) {
    app.get(`/thrown/${name}`, () => {
      throw make();
    });
    app.get(`/rejected/${name}`, async () => Promise.reject(make()));
    app.get(`/sent/${name}`, (_req, reply) => reply.code(418).send(make()));
  }
  await app.register(
    async (scope) => {
      scope.setErrorHandler(async (error: FastifyError, req, reply) => {
        if (error.message === 'again') throw new Error('again in the handler');
        if (error.validation) return reply.code(422).send({ invalid: error.validation.length });
        return reply.code(error.statusCode ?? 599).send({ handled: error.message, url: req.url });
      });
      scope.setNotFoundHandler(
        { preHandler: async (_req: FastifyRequest, reply: FastifyReply) => void reply.header('x-lost', '1') },
        (req, reply) => {
          reply.code(404).send({ lost: req.url, is404: req.is404 });
        },
      );
      scope.get('/error', async () =>
        Promise.reject(Object.assign(new Error('inside'), { statusCode: 410 })),
      );
      scope.get('/again', async () => Promise.reject(new Error('again')));
      scope.get('/lost', (_req, reply) => reply.callNotFound());
      scope.post('/checked', { schema: { body: { type: 'object', required: ['a'] } } }, async () => 'fine');
      await scope.register(async (inner) => {
        inner.setErrorHandler((error: FastifyError) => {
          throw Object.assign(new Error(`${error.message} and up`), { statusCode: 411 });
        });
        inner.get('/inner', async () => Promise.reject(new Error('down')));
      });
    },
    { prefix: '/scope' },
  );
}

const JSON_TYPE = 'Content-Type: application/json';
const FAILURES = 'plain status odd coded headers string nothing'.split(' ');
const FORWARDED = [
  'X-Forwarded-For: 1.2.3.4, 10.1.1.1',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Host: far.test:8443',
];

function post(path: string, type: string, content: string, ...fields: string[]): string {
  return request('POST', path, [`Content-Type: ${type}`, ...fields], content);
}

const FACTS: readonly (readonly [string, string, string])[] = [
  ['plain properties', request('GET', '/facts'), '200'],
  ['a name', request('GET', '/facts/a%20b%2Fc?x=1&x=2&y=%C3%A4&z'), '200'],
  [
    'repeated fields',
    request('GET', '/facts', ['A: 1', 'a: 2', 'Cookie: a=1', 'cookie: b=2', 'Accept: x', 'accept: y']),
    '200',
  ],
  ['an id', request('GET', '/facts', ['X-Request-Id: of the client']), '200'],
  ['a proxy', request('GET', '/facts', FORWARDED), '200'],
  ['a proxy that lies', request('GET', '/facts', ['X-Forwarded-For: , ,, ', 'X-Forwarded-Host: a b']), '200'],
  ['a port', request('GET', '/facts').replace('Host: example.test', 'Host: example.test:8080'), '200'],
  ['an address', request('GET', '/facts').replace('Host: example.test', 'Host: [::1]:8080'), '200'],
  ['no host', 'GET /facts HTTP/1.0\r\n\r\n', '200'],
  ['a URL that is rewritten', request('GET', '/old/name?q=1'), '200'],
  ['an empty query', request('GET', '/facts?'), '200'],
  ['a trailing slash', request('GET', '/facts/'), '200'],
  ['capitals', request('GET', '/FACTS'), '200'],
  ['two slashes', request('GET', '//facts'), '404'],
  ['a parameter that is too long', request('GET', `/facts/${'x'.repeat(60)}`), '414'],
  ['a broken escape', request('GET', '/facts/%zz'), '400'],
  ['octets outside UTF-8', request('GET', '/facts/%FF'), '400'],
  ['an absolute target', request('GET', 'http://example.test/facts?a=1'), '200'],
  ['HEAD', request('HEAD', '/facts'), '200'],
  ['HEAD that is not exposed', request('HEAD', '/headless'), '404'],
  ['OPTIONS', request('OPTIONS', '/facts'), '200'],
  ['OPTIONS for all', request('OPTIONS', '*'), '404'],
  ['DELETE with content', request('DELETE', '/facts', [JSON_TYPE], '{"a":1}'), '200'],
  ['an added method', request('PROPFIND', '/found', [JSON_TYPE], '{"a":1}'), '200'],
  ['a method without route', request('PATCH', '/facts', [JSON_TYPE], '{}'), '404'],
  ['any method', request('PUT', '/all/of/it', [JSON_TYPE], '{}'), '200'],
  ['a method that Fastify does not know', request('PURGE', '/all/of/it'), '404'],
  ['a version', request('GET', '/versioned', ['Accept-Version: 1.x']), '200'],
  ['another version', request('GET', '/versioned', ['Accept-Version: 2.0.0']), '200'],
  ['a version that is not there', request('GET', '/versioned', ['Accept-Version: 3.0.0']), '404'],
  ['no version', request('GET', '/versioned'), '404'],
  ['a host', request('GET', '/hosted').replace('example.test', 'one.test'), '200'],
  ['a host by pattern', request('GET', '/hosted').replace('example.test', 'x.two.test'), '200'],
  ['any host', request('GET', '/hosted'), '200'],
  ['a handler that takes too long', request('GET', '/slow'), '503'],
];
const CONTENT: readonly (readonly [string, string, string])[] = [
  ['JSON', post('/echo', 'application/json; charset=utf-8', '{"a":["ä"]}'), '200'],
  ['a scalar', post('/echo', 'application/json', '"text"'), '200'],
  ['broken JSON', post('/echo', 'application/json', '{"a"'), '400'],
  ['poisoned JSON', post('/echo', 'application/json', '{"__proto__":{"x":1}}'), '400'],
  ['empty JSON', request('POST', '/echo', [JSON_TYPE, 'Content-Length: 0']), '400'],
  ['text', post('/echo', 'text/plain', 'text'), '200'],
  ['nothing', request('POST', '/echo'), '200'],
  ['no content with length 0', request('POST', '/echo', ['Content-Length: 0']), '200'],
  ['no type', request('POST', '/echo', [], 'x'), '415'],
  ['an unknown type', post('/echo', 'x/unknown', 'x'), '415'],
  ['a broken type', post('/echo', 'broken', 'x'), '415'],
  ['more than the limit', post('/echo', 'text/plain', 'x'.repeat(1001)), '413'],
  [
    'a declared length beyond the limit',
    request('POST', '/echo', [JSON_TYPE, 'Content-Length: 5000']),
    '413',
  ],
  ['more than the limit of a route', post('/small', 'text/plain', 'x'.repeat(11)), '413'],
  ['as much as the limit', post('/small', 'text/plain', 'x'.repeat(10)), '200'],
  ['a Buffer', post('/echo', 'application/x-buffer', '\x00\x01octets'), '200'],
  ['a pattern', post('/echo', 'x/pattern-1', 'matched'), '200'],
  ['more than the limit of a parser', post('/echo', 'x/pattern', 'x'.repeat(21)), '413'],
  ['a parser that fails', post('/echo', 'x/failing', 'x'), '422'],
  ['a stream', post('/echo', 'x/stream', 'x'.repeat(5000)), '200'],
  ['a short stream', post('/echo', 'x/stream', 'x'.repeat(500)), '200'],
  [
    'chunks',
    `${request('POST', '/echo', [JSON_TYPE, 'Transfer-Encoding: chunked'])}3\r\n{"a\r\n4;x=y\r\n":1}\r\n0\r\n\r\n`,
    '200',
  ],
  [
    'chunks beyond the limit',
    `${request('POST', '/small', ['Content-Type: text/plain', 'Transfer-Encoding: chunked'])}b\r\n12345678901\r\n0\r\n\r\n`,
    '413',
  ],
  [
    'a schema',
    post('/checked/5?list=1&list=2', 'application/json', '{"name":"x","more":1}', 'X-Number: 7'),
    '200',
  ],
  ['a name that is too long', post('/checked/5', 'application/json', '{"name":"longer"}'), '400'],
  ['no name', post('/checked/5', 'application/json', '{}'), '400'],
  ['a wrong parameter', post('/checked/five', 'application/json', '{"name":"x"}'), '400'],
  ['a wrong query', post('/checked/5?list=a', 'application/json', '{"name":"x"}'), '400'],
  ['a wrong field', post('/checked/5', 'application/json', '{"name":"x"}', 'X-Number: 1'), '400'],
  ['a failure that is attached', post('/attached', 'application/json', '{}'), '200'],
  ['a failure of a scope', post('/scope/checked', 'application/json', '{}'), '422'],
  ['a value that cannot be serialized', request('GET', '/unserializable'), '500'],
  ['a serializer of its own', request('GET', '/serialized'), '200'],
];
const ERRORS: readonly (readonly [string, string, string])[] = [
  ...['thrown', 'rejected', 'sent'].flatMap((way) =>
    FAILURES.map((name) => [`${name}, ${way}`, request('GET', `/${way}/${name}`), ''] as const),
  ),
  ['a handler', request('GET', '/scope/error'), '410'],
  ['a handler that fails', request('GET', '/scope/again'), '500'],
  ['a handler of a scope of a scope', request('GET', '/scope/inner'), '411'],
  ['no route', request('GET', '/nowhere?q=1'), '404'],
  ['no route in a scope', request('GET', '/scope/nowhere'), '404'],
  ['a route that is lost', request('GET', '/scope/lost'), '404'],
  ['content for no route', post('/nowhere', 'application/json', '{"a":1}'), '404'],
];

describe('a request to Fastify', () => {
  it.each([...FACTS, ...CONTENT, ...ERRORS])('is answered alike: %s', async (_name, text, status) => {
    // Handlers that reject with nothing are answered by the time-out of the handler.
    const answer = await alike(places, [text]);
    expect(answer.slice(9, 9 + status.length)).toBe(status);
    expect(answer).toMatch(/^HTTP\/1\.1 [2-7]/);
  });

  it('is parsed the same when it is cut into pieces', async () => {
    const text = post('/echo', 'application/json', '{"a":"ä"}');
    const octets = Buffer.from(text);
    const cuts = [10, text.indexOf('\r\n\r\n') + 2, octets.length - 3, octets.length - 2, octets.length];
    const steps = cuts.flatMap((cut, index) => [octets.subarray(cuts[index - 1] ?? 0, cut), 3]);
    expect(await alike(places, steps)).toContain(
      '{"a":"ä"}'.replace('ä', Buffer.from('ä').toString('latin1')),
    );
  });
});
