import { describe, expect, it } from 'vitest';
import { type ToLambdaOptions, toLambda } from '../../../bridges/lambda/index.ts';
import type { Application } from '../../../src/index.ts';
import {
  EVENTS,
  functionUrlEvent,
  healthCheckEvent,
  httpApiEvent,
  multipleBalancerEvent,
  restEvent,
} from './events.ts';
import { answering, createLog, environFor } from './kit.ts';

it('memory of a chunk may be used again', async () => {
  const application: Application = (_environ, startResponse) => {
    startResponse('200 OK', []);
    return (function* () {
      const memory = Buffer.alloc(3);
      for (const text of ['one', 'two']) {
        memory.write(text);
        yield memory;
      }
    })();
  };
  expect((await toLambda(application)(restEvent())).body).toBe('onetwo');
});

it('the invocation lasts until the callbacks of gateway.on_finished have run', async () => {
  let isDone = false;
  const application: Application = (environ, startResponse) => {
    environ['gateway.on_finished']?.(async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      isDone = true;
    });
    startResponse('200 OK', []);
    return [];
  };
  await toLambda(application)(restEvent());
  expect(isDone).toBe(true);
});

it('serves many invocations at the same time', async () => {
  const application: Application = async (environ, startResponse) => {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    startResponse('200 OK', []);
    return [environ.PATH_INFO];
  };
  const handler = toLambda(application);
  const paths = Array.from({ length: 50 }, (_, index) => `/${index}`);
  const results = await Promise.all(paths.map((target) => handler(restEvent({ target }))));
  expect(results.map(({ body }) => body)).toEqual(paths);
});

describe('an event that carries no request is refused, with what it is', () => {
  const handler = toLambda(answering('200 OK', []));
  const authorizer = { ...restEvent(), type: 'REQUEST', methodArn: 'arn:aws:execute-api:x' };
  const authorizer2 = { ...httpApiEvent(), type: 'REQUEST', routeArn: 'arn:aws:execute-api:x' };
  const socket = {
    requestContext: { connectionId: 'x', eventType: 'MESSAGE', routeKey: '$default' },
    body: 'x',
  };

  it.each<[string, unknown, string]>([
    ['SQS', { Records: [{ eventSource: 'aws:sqs', body: 'x' }] }, 'an event of aws:sqs'],
    ['SNS', { Records: [{ EventSource: 'aws:sns' }] }, 'an event of aws:sns'],
    ['EventBridge', { source: 'aws.events', 'detail-type': 'Scheduled Event' }, 'an event of aws.events'],
    ['a warmer', { source: 'serverless-plugin-warmup' }, 'an event of serverless-plugin-warmup'],
    ['a WebSocket', socket, 'an event of a WebSocket API'],
    ['an authorizer', authorizer, 'an event for an authorizer'],
    ['an authorizer of an HTTP API', authorizer2, 'an event for an authorizer'],
    ['Lambda@Edge', { Records: [{ cf: { request: {} } }] }, 'an event of Lambda@Edge'],
    ['a test of the console', { key1: 'value1', key2: 'value2' }, 'an object with key1, key2'],
    ['nothing', {}, 'an object with no members'],
    ['null', null, 'null'],
    ['a text', 'event', 'event'],
    ['a list', [], 'an object with no members'],
    ["node's request", { url: '/', headers: {}, method: 'GET' }, 'toNode(application)'],
    ['an environ', { 'wsgi.input': {}, REQUEST_METHOD: 'GET' }, 'give our own hosts the application itself'],
    ['Fastify', { register() {} }, 'register(toFastify(application))'],
    ['null for a context', { requestContext: null, Records: null }, 'requestContext'],
  ])('%s', async (_what, event, text) => {
    const refused = expect(handler(event as object)).rejects;
    await refused.toThrow(TypeError);
    await expect(handler(event as object)).rejects.toThrow(text);
    await expect(handler(event as object)).rejects.toThrow(
      /API Gateway REST API .*Load Balancer|Load Balancer.*API Gateway/,
    );
  });
});

describe('an event with missing or odd members', () => {
  it.each(Object.entries(EVENTS))('is answered all the same: %s', async (_shape, makeEvent) => {
    const event = makeEvent({ target: '/x?y=z', content: 'text' });
    const needed = new Set(['httpMethod', 'requestContext', 'method', 'raw_path', 'path']);
    for (const name of Object.keys(event).filter((one) => !needed.has(one))) {
      for (const value of [undefined, null]) {
        const environ = await environFor({ ...event, [name]: value });
        expect(environ['wsgi.errors']).toBeDefined();
      }
    }
  });

  it('has the defaults of what is missing', async () => {
    expect(await environFor({ httpMethod: 'GET' })).toMatchObject({
      PATH_INFO: '/',
      SERVER_NAME: 'localhost',
    });
    expect(await environFor({ requestContext: { http: { method: 'GET' } } })).toMatchObject({
      PATH_INFO: '/',
    });
    expect(await environFor({ ...restEvent(), path: 'x' })).toMatchObject({ PATH_INFO: '/x' });
    const odd = { ...restEvent(), requestContext: 'x', protocol: 5 };
    expect(await environFor(odd)).toMatchObject({ SERVER_PROTOCOL: 'HTTP/1.1', SCRIPT_NAME: '' });
  });

  it('has numbers and lists as fields', async () => {
    const headers = { 'X-Number': 7, 'X-List': ['a', 'b'], 'X-None': null, 'X-Text': '\ud800 café' };
    const environ = await environFor({ ...httpApiEvent(), headers, cookies: [] });
    expect(environ).toMatchObject({
      HTTP_X_NUMBER: '7',
      HTTP_X_LIST: 'a, b',
      HTTP_X_TEXT: '\xef\xbf\xbd caf\xc3\xa9',
    });
    expect(environ).not.toHaveProperty('HTTP_X_NONE');
  });

  it('has cookies once, though the fields have them too', async () => {
    const event = functionUrlEvent({ fields: [['Cookie', 'a=1; b=2']] });
    const headers = { ...(event.headers as object), Cookie: 'a=1; b=2' };
    expect((await environFor({ ...event, headers })).HTTP_COOKIE).toBe('a=1; b=2');
  });

  it('has a fresh length, and no framing', async () => {
    const fields = [
      ['Content-Length', '999'],
      ['Transfer-Encoding', 'chunked'],
    ] as const;
    const environ = await environFor(multipleBalancerEvent({ method: 'POST', content: 'é', fields }));
    expect(environ.CONTENT_LENGTH).toBe('2');
    expect(environ).not.toHaveProperty('HTTP_TRANSFER_ENCODING');
    expect((await environFor(restEvent({ fields: [['Content-Length', '0']] }))).CONTENT_LENGTH).toBe('0');
    expect(
      (await environFor(restEvent({ content: 'x', fields: [['content-length', '7']] }))).CONTENT_LENGTH,
    ).toBe('1');
  });

  it.each<[string, object, string]>([
    ['a method', { httpMethod: 'G ET' }, '/'],
    ['a field name', { headers: { 'a b': 'c' } }, '/'],
    ['an empty field name', { headers: { '': 'c' } }, '/'],
    ['a field value', { headers: { a: 'b\r\nSet-Cookie: c' } }, '/'],
    ['base64', { body: 'no base64!', isBase64Encoded: true }, '/'],
    ['base64 of one digit', { body: 'a', isBase64Encoded: true }, '/'],
    ['base64 that is cut', { body: 'YWJj=ZGVm', isBase64Encoded: true }, '/'],
    ['a second Host', { multiValueHeaders: { Host: ['a', 'b'] } }, '/'],
  ])('is a 400: %s', async (_what, change) => {
    const log = createLog();
    const handler = toLambda(answering('200 OK', []), { environ: log.environ });
    expect(await handler({ ...restEvent(), ...change })).toMatchObject({
      statusCode: 400,
      body: 'Bad Request\n',
    });
    expect(log.entries).toEqual([]);
  });

  it('takes base64 of both alphabets, with and without padding', async () => {
    for (const body of ['_-8=', '/+8=', '_-8', '/+8']) {
      const environ = await environFor({ ...restEvent({ method: 'POST' }), body, isBase64Encoded: true });
      expect(await environ['wsgi.input'].read()).toEqual(Buffer.from([0xff, 0xef]));
    }
  });

  it('is a 500 for a body that is no text, with what to do', async () => {
    const log = createLog();
    const handler = toLambda(answering('200 OK', []), { environ: log.environ });
    expect(await handler({ ...restEvent(), body: { a: 1 } })).toMatchObject({ statusCode: 500 });
    expect(log.entries.join('')).toContain('Body of a Lambda event must be text or null');
  });

  it('survives many fields and long values', async () => {
    const headers = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, index) => [`x-${index}`, 'v'.repeat(1_000)]),
    );
    expect((await environFor({ ...httpApiEvent(), headers })).HTTP_X_4999).toHaveLength(1_000);
  });
});

describe('options', () => {
  const application = answering('200 OK', []);

  it.each<[object, RegExp]>([
    [{ streaming: 'yes' }, /streaming must be true or false/],
    [{ basePath: 7 }, /basePath must be text/],
    [{ base64: true }, /base64 must be "auto" or "always"/],
    [{ maxResponseSize: '6mb' }, /maxResponseSize must be a number of octets/],
    [{ maxResponseSize: -1 }, /maxResponseSize must be 0 or more/],
    [{ basepath: '/x' }, /did you mean basePath/],
    [{ environ: [] }, /environ must be an object/],
  ])('are checked: %o', (options, message) => {
    expect(() => toLambda(application, options as ToLambdaOptions & { streaming?: false })).toThrow(message);
  });

  it('are those of every host, too', async () => {
    const log = createLog();
    const wrong = toLambda(answering('200 OK', [['Connection', 'close']], 'x'), { environ: log.environ });
    expect((await wrong(restEvent())).statusCode).toBe(500);
    const dropping = toLambda(answering('200 OK', [['Connection', 'close']], 'x'), { hopByHop: 'drop' });
    expect((await dropping(restEvent())).headers).toEqual({ 'Content-Length': '1' });
    const event = { ...healthCheckEvent(), headers: { x_y: '1' } };
    expect((await environFor(event, { underscoreHeaders: 'allow' })).HTTP_X_Y).toBe('1');
    expect(await environFor(event)).not.toHaveProperty('HTTP_X_Y');
  });
});

it('the handler is an asynchronous function of two parameters, as the runtime wants it', () => {
  const handler = toLambda(answering('200 OK', []));
  expect([handler.length, handler.constructor.name]).toEqual([2, 'AsyncFunction']);
});

it('a wrapped program that cuts its response off fails the invocation', async () => {
  const { fromNode } = await import('../../../bridges/node/index.ts');
  const cutting = fromNode((_request, response) => {
    response.write('some');
    response.destroy();
  });
  await expect(toLambda(cutting)(restEvent())).rejects.toMatchObject({ code: 'WSGI_ERR_DISCONNECTED' });
});
