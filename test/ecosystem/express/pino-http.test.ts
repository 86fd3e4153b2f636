/** pino-http: the lines of requests, responses, errors and clients that leave, field by field. */
import { setTimeout as delay } from 'node:timers/promises';
import express from 'express';
import { pinoHttp } from 'pino-http';
import { describe, expect, it } from 'vitest';
import { until } from '../../bridges/site.ts';
import { expectAlike } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

const MASKS = [/("remotePort":)\d+/, /("responseTime":)\d+/, /("stack":")(?:[^"\\]|\\.)*/];
/** Makes a masked line JSON again. */
const parse = (line: string) => JSON.parse(line.replace(/:…/g, ':0'));

const program = expressProgram((app, trail) => {
  const stream = { write: (line: string) => void trail.push(line.trimEnd()) };
  app.use(
    pinoHttp(
      {
        base: null,
        timestamp: false,
        redact: ['req.headers.authorization'],
        customLogLevel: (_req, res, error) =>
          error !== undefined || res.statusCode >= 500 ? 'error' : res.statusCode >= 400 ? 'warn' : 'info',
        customProps: (req) => ({ address: req.socket.remoteAddress, route: Reflect.get(req, 'route')?.path }),
        customReceivedMessage: (req) => `received ${req.method}`,
        customAttributeKeys: { reqId: 'requestId' },
      },
      stream,
    ),
  );
  app.get('/sent', (req, res) => {
    req.log.info({ query: req.query }, 'from the handler');
    res.set('X-A', 'a').send('hello');
  });
  app.get('/written', async (_req, res) => {
    res.write('hel');
    await delay(2);
    res.end('lo');
  });
  app.post('/json', express.json(), (req, res) => void res.status(201).json(req.body));
  app.get('/empty', (_req, res) => void res.status(204).end());
  app.get('/broken', () => {
    throw Object.assign(new Error('broken'), { status: 503 });
  });
  app.get('/never', (_req, res) => void res.write('begun'));
  // It puts the error into the line of the response.
  app.use((error: Error, _req: express.Request, res: express.Response, next: express.NextFunction): void => {
    res.err = error;
    next(error);
  });
});

const headers: [string, string][] = [
  ['Authorization', 'Basic dXNlcjpw'],
  ['User-Agent', 'u'],
];

describe('pino-http', () => {
  it('logs requests and responses', async () => {
    const json: [string, string][] = [...headers, ['Content-Type', 'application/json']];
    const requests = [
      { target: '/sent?q=1', headers },
      { target: '/written', headers },
      { target: '/empty', headers },
      { target: '/nowhere', headers },
      { target: '/broken', headers },
      { method: 'HEAD', target: '/sent', headers },
      { method: 'POST', target: '/json', headers: json, content: '{"a":1}' },
      { method: 'POST', target: '/json', headers: json, content: '{"a":' },
    ];
    const isLast = (line: string): boolean => /request (completed|errored)/.test(line);
    const { trail } = await expectAlike(
      program,
      async (visitor) => {
        for (const [index, request] of requests.entries()) {
          await visitor.fetch(request);
          await until(() => visitor.trail.filter(isLast).length > index);
        }
      },
      { masks: MASKS },
    );
    expect(trail.filter((line) => line.includes('"msg":"received '))).toHaveLength(requests.length);
    expect(trail.filter((line) => line.includes('"msg":"from the handler"'))).toHaveLength(2);
    const last = trail.filter(isLast).map(parse);
    expect(last.map(({ level, res }) => [level, res.statusCode])).toEqual([
      [30, 200],
      [30, 200],
      [30, 204],
      [40, 404],
      [50, 503],
      [30, 200],
      [30, 201],
      [40, 400],
    ]);
    expect(last[0]).toMatchObject({
      req: { method: 'GET', url: '/sent?q=1', headers: { authorization: '[Redacted]', 'user-agent': 'u' } },
      res: { headers: { 'x-a': 'a', 'content-length': '5' } },
      address: '127.0.0.1',
    });
    expect(last[4]).toMatchObject({ err: { message: 'broken' } });
  });

  it('logs a client that leaves', async () => {
    const { trail } = await expectAlike(
      program,
      async (visitor) => {
        const client = visitor.open();
        client.send('GET /never HTTP/1.1\r\nHost: a\r\n\r\n');
        await client.readHead();
        client.reset();
        await until(() => visitor.trail.some((line) => line.includes('request aborted')));
      },
      { masks: MASKS },
    );
    expect(trail).toHaveLength(2);
  });
});
