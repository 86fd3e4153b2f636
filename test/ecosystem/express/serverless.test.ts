/** Requests and responses that other tools make in memory, in front of mounted applications and wrapped apps. */

import { EventEmitter } from 'node:events';
import express from 'express';
import { createRequest, createResponse } from 'node-mocks-http';
import serverless from 'serverless-http';
import { describe, expect, it } from 'vitest';
import { fromExpress, toExpress } from '../../../bridges/express/index.ts';
import { fromNode, toNode } from '../../../bridges/node/index.ts';
import type { Application } from '../../../src/wsgi.ts';

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
    const event = {
      version: '2.0',
      requestContext: { http: { method: 'POST', path: '/x', sourceIp: '203.0.113.9' } },
      rawPath: '/x',
      rawQueryString: '',
      headers: { 'x-user': 'emma', 'x-count': 7, host: 'a.test', 'content-type': 'text/plain' },
      body: 'content',
      isBase64Encoded: false,
    };
    const answer = (await handle(event, {})) as {
      statusCode: number;
      headers: Record<string, string>;
      body: string;
    };
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
