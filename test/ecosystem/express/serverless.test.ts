/** Requests and responses that other tools make in memory, in front of mounted applications and wrapped apps. */

import { EventEmitter } from 'node:events';
import type { RequestListener } from 'node:http';
import { configure as serverlessExpress } from '@codegenie/serverless-express';
import express from 'express';
import { createRequest, createResponse } from 'node-mocks-http';
import serverless from 'serverless-http';
import { describe, expect, it } from 'vitest';
import { fromExpress, toExpress } from '../../../bridges/express/index.ts';
import { fromNode, toNode } from '../../../bridges/node/index.ts';
import type { Application } from '../../../src/wsgi.ts';

/** The event that Lambda sends for version 2.0 of API Gateway. */
function lambdaEvent(method: string, path: string, body?: string): object {
  return {
    version: '2.0',
    routeKey: '$default',
    requestContext: { http: { method, path, sourceIp: '203.0.113.9' } },
    rawPath: path,
    rawQueryString: '',
    headers: { 'x-user': 'emma', 'x-count': 7, host: 'a.test', 'content-type': 'text/plain' },
    body,
    isBase64Encoded: false,
  };
}

interface LambdaAnswer {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly cookies?: string[];
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/** Lambda's callback, in the place of a promise. */
const unused = (): void => {};

const show: Application = async (environ, startResponse) => {
  const text = new TextDecoder().decode(await environ['wsgi.input'].read());
  startResponse('201 Made', [
    ['Content-Type', 'text/plain'],
    ['X-A', '1'],
  ]);
  const { HTTP_X_USER, HTTP_X_COUNT, HTTP_HOST, CONTENT_TYPE, SERVER_PROTOCOL } = environ;
  return [
    JSON.stringify([
      environ.REQUEST_METHOD,
      environ.PATH_INFO,
      HTTP_X_USER,
      HTTP_X_COUNT,
      HTTP_HOST,
      CONTENT_TYPE,
      SERVER_PROTOCOL,
      text,
    ]),
  ];
};

const wrapped = express();
wrapped.use(express.text({ type: '*/*' }));
wrapped.all('/*path', (req, res) => {
  res.status(201).set('X-A', '1').type('text/plain');
  const { method, path, httpVersion } = req;
  const user = req.get('x-user');
  res.send(
    JSON.stringify([
      method,
      path,
      user,
      req.get('x-count'),
      req.get('host'),
      req.get('content-type'),
      `HTTP/${httpVersion}`,
      req.body,
    ]),
  );
});

const APPLICATIONS: Readonly<Record<string, Application>> = {
  'an application': show,
  'a wrapped app': fromExpress(wrapped),
};

describe.each(Object.entries(APPLICATIONS))('%s', (_name, application) => {
  const HANDLERS = {
    toExpress: express().use(toExpress(application)),
    toNode: toNode(application),
  };

  it.each(Object.entries(HANDLERS))('answers serverless-http, by %s', async (_host, handler) => {
    const handle = serverless(handler as never);
    // The tool's type leaves the answer open.
    const answer = (await handle(lambdaEvent('POST', '/x', 'content'), {})) as LambdaAnswer;
    expect(answer.statusCode).toBe(201);
    expect(answer.headers['x-a']).toBe('1');
    expect(JSON.parse(answer.body)).toEqual([
      'POST',
      '/x',
      'emma',
      '7',
      'a.test',
      'text/plain',
      'HTTP/1.1',
      'content',
    ]);
  });

  it.each(Object.entries(HANDLERS))(
    'answers @codegenie/serverless-express, by %s',
    async (_host, handler) => {
      const handle = serverlessExpress({ app: handler as RequestListener });
      const answer: LambdaAnswer = await handle(lambdaEvent('POST', '/x', 'content'), {}, unused);
      expect(answer).toMatchObject({ statusCode: 201, isBase64Encoded: false });
      expect(answer.headers['x-a']).toBe('1');
      expect(JSON.parse(answer.body)).toEqual([
        ...['POST', '/x', 'emma', '7', 'a.test', 'text/plain'],
        'HTTP/1.1',
        'content',
      ]);
    },
  );

  it.each([
    ['toNode', toNode(application)],
    ['toExpress', toExpress(application)],
  ])('answers node-mocks-http, by %s', async (_host, handler) => {
    const req = createRequest({
      method: 'GET',
      url: '/x',
      headers: { 'X-User': 'emma', 'x-count': 7 as never, host: 'a.test' },
    });
    const res = createResponse({ eventEmitter: EventEmitter, req });
    const ended = new Promise((resolve) => res.on('end', resolve));
    (handler as (...exchange: unknown[]) => void)(req, res, expect.unreachable);
    await ended;
    expect(res.statusCode).toBe(201);
    const content = Buffer.isBuffer(res._getData())
      ? `${res._getData()}`
      : res._getBuffer().toString() || res._getData();
    expect(JSON.parse(content).slice(0, 5)).toEqual(['GET', '/x', 'emma', '7', 'a.test']);
  });
});

/** Forms of an answer, with what a client of @codegenie/serverless-express gets. */
const FORMS: Readonly<Record<string, [Application, Partial<LambdaAnswer>]>> = {
  chunks: [
    async function* (_environ, startResponse) {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      yield 'one';
      await new Promise((resolve) => setTimeout(resolve, 5));
      yield 'two';
    },
    { statusCode: 200, body: 'onetwo' },
  ],
  'a large stream': [
    function* (_environ, startResponse) {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      for (let count = 0; count < 20; count += 1) yield 'x'.repeat(20_000);
    },
    { statusCode: 200, body: 'x'.repeat(400_000) },
  ],
  'octets that are no text': [
    (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'image/png']]);
      return [Buffer.from([0, 255, 128, 13, 10, 13, 10])];
    },
    {
      statusCode: 200,
      isBase64Encoded: true,
      body: Buffer.from([0, 255, 128, 13, 10, 13, 10]).toString('base64'),
    },
  ],
  nothing: [
    (_environ, startResponse) => {
      startResponse('204 No Content', []);
      return [];
    },
    { statusCode: 204, body: '' },
  ],
  cookies: [
    (_environ, startResponse) => {
      startResponse('200 OK', [
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
      ]);
      return ['x'];
    },
    { statusCode: 200, cookies: ['a=1', 'b=2'] },
  ],
};

describe.each(Object.entries(FORMS))(
  '@codegenie/serverless-express gets %s',
  (_form, [application, expected]) => {
    it.each([
      ['toNode', toNode(application)],
      ['toExpress', express().use(toExpress(application))],
      [
        'toExpress, behind a logging snippet',
        express()
          .use((_req, res, next) => {
            const { write, end } = res;
            res.write = ((...values: never[]) => void write.apply(res, values as never)) as never;
            res.end = ((...values: never[]) => void end.apply(res, values as never)) as never;
            next();
          })
          .use(toExpress(application)),
      ],
    ])('by %s', async (_host, handler) => {
      const handle = serverlessExpress({ app: handler as RequestListener });
      expect(await handle(lambdaEvent('GET', '/'), {}, unused)).toMatchObject(expected);
    });
  },
);

it('is a 500 and no crash where an application fails', async () => {
  const handle = serverless(
    toNode(
      fromNode(() => {
        throw new Error('broken');
      }),
      { environ: { 'wsgi.errors': { write() {}, writelines() {}, flush() {} } } },
    ),
  );
  const event = { httpMethod: 'GET', path: '/', headers: {}, requestContext: {} };
  expect(await handle(event, {})).toMatchObject({ statusCode: 500 });
});
