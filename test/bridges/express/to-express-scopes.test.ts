/** Features of Express around a mount work as around a handler: passing on, errors, settings, other middleware. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import timeout from 'connect-timeout';
import express, { type ErrorRequestHandler, Router } from 'express';
import vhost from 'vhost';
import { describe, expect, it } from 'vitest';
import { toExpress } from '../../../bridges/express/index.ts';
import { toNode } from '../../../bridges/node/index.ts';
import { fieldValues } from '../../../src/conformance/wire-client.ts';
import type { Application, FinishedCallback } from '../../../src/wsgi.ts';
import {
  answering,
  createLog,
  extension,
  formatRequest,
  listen,
  place,
  report,
  reported,
  until,
} from '../site.ts';
import { appWith, serve } from './express-site.ts';

/** An application that records how it ends. */
function noting(status: string, notes: string[]): Application {
  return async (environ, startResponse) => {
    extension<(callback: FinishedCallback) => void>(
      environ,
      'gateway.on_finished',
    )((_environ, ended, _headers, error) => {
      notes.push(`finished ${ended} ${error}`);
    });
    const content =
      environ.REQUEST_METHOD === 'POST' && environ.PATH_INFO === '/read'
        ? await environ['wsgi.input'].read(2)
        : '';
    notes.push(`read ${Buffer.from(content)}`);
    startResponse(status, [
      ['X-From', 'application'],
      ['Set-Cookie', 'application=1'],
    ]);
    return {
      async *[Symbol.asyncIterator]() {
        yield 'a';
        yield 'b';
      },
      close() {
        notes.push('close');
      },
    };
  };
}

describe('an application that passes on', () => {
  it('is closed once and leaves nothing of its answer', async () => {
    const notes: string[] = [];
    const app = express().use(toExpress(noting('404 Not Found', notes), { fallthrough: true }));
    app.use((_req, res) => {
      notes.push(`next ${res.headersSent} ${res.getHeaderNames()}`);
      res.status(201).send('next');
    });
    const response = await (await serve(app)).fetch('/');
    expect([
      response.statusCode,
      fieldValues(response, 'X-From'),
      fieldValues(response, 'Set-Cookie'),
    ]).toEqual([201, [], []]);
    expect(response.reason).toBe('Created');
    await until(() => notes.length === 4);
    expect(notes.sort()).toEqual([
      'close',
      'finished 404 Not Found undefined',
      'next false x-powered-by',
      'read ',
    ]);
  });

  it('leaves the unread rest of its content', async () => {
    const notes: string[] = [];
    const app = express().use(toExpress(noting('404 Not Found', notes), { fallthrough: true }));
    app.use(async (req, res) => {
      const chunks = await Readable.prototype.toArray.call(req);
      res.send(Buffer.concat(chunks as Buffer[]));
    });
    const site = await serve(app);
    const unread = await site.fetch({ method: 'POST', target: '/', content: 'content' });
    expect(unread.content.toString()).toBe('content');
    expect((await site.fetch({ method: 'POST', target: '/read', content: 'content' })).statusCode).toBe(200);
  });

  it('can be one of several', async () => {
    const missing = answering('none', [], '404 Not Found');
    const app = express();
    for (const application of [missing, missing, answering('third')])
      app.use('/x', toExpress(application, { fallthrough: true }));
    app.use((_req, res) => {
      res.status(404).send('nobody');
    });
    const site = await serve(app);
    expect((await site.fetch('/x')).content.toString()).toBe('third');
    expect((await site.fetch('/y')).content.toString()).toBe('nobody');
  });

  it('passes on from a router to the handler after it', async () => {
    const app = express().use(
      '/x',
      Router().use(toExpress(answering('', [], '404 Not Found'), { fallthrough: true })),
    );
    app.use('/x', toExpress(report));
    expect(await place(await serve(app), '/x/y')).toBe('/x + /y');
  });
});

describe('errors', () => {
  it('go to the error handler of the router unchanged', async () => {
    const value = new Error('own');
    const errors: unknown[] = [];
    const handle: ErrorRequestHandler = (error, _req, res, _next) => {
      errors.push(error);
      res.status(418).send('router');
    };
    const router = Router()
      .use(toExpress(() => Promise.reject(value)))
      .use(handle);
    const app = express().use('/x', router);
    const response = await (await serve(app)).fetch('/x');
    expect([response.statusCode, response.content.toString()]).toEqual([418, 'router']);
    expect(errors[0]).toBe(value);
  });

  it('are answered by Express, with their status, if no handler does', async () => {
    const app = express().set('env', 'test');
    app.use(
      toExpress(() =>
        Promise.reject(Object.assign(new Error('own'), { status: 418, headers: { 'X-Error': '1' } })),
      ),
    );
    const response = await (await serve(app)).fetch('/');
    expect([response.statusCode, fieldValues(response, 'X-Error')]).toEqual([418, ['1']]);
  });

  it('can be handled by another application', async () => {
    const { app } = appWith(toExpress(() => Promise.reject(new Error('own'))));
    const page: ErrorRequestHandler = (_error, req, res, next) =>
      toExpress(answering('page', [['X-Page', '1']], '503 Later'))(req, res, next);
    const site = await serve(
      express()
        .use(toExpress(() => Promise.reject(new Error('own'))))
        .use(page),
    );
    const response = await site.fetch('/');
    expect([response.statusCode, response.content.toString(), fieldValues(response, 'X-Page')]).toEqual([
      503,
      'page',
      ['1'],
    ]);
    expect((await (await serve(app)).fetch('/')).statusCode).toBe(500);
  });

  it('of startResponse leave headers, cookies and status of the host unchanged', async () => {
    const app = express().use((_req, res, next) => {
      res.status(202).set('X-Host', 'h').cookie('host', '1');
      next();
    });
    app.use(
      toExpress(function* (_environ, startResponse) {
        startResponse('200 OK', [
          ['X-Host', 'application'],
          ['Set-Cookie', 'application=1'],
          ['Date', 'never'],
        ]);
        yield '';
        throw new Error('own');
      }),
    );
    app.use(((_error, _req, res, _next) => {
      res.send(`handled ${res.statusCode}`);
    }) as ErrorRequestHandler);
    const response = await (await serve(app)).fetch('/');
    expect(response.content.toString()).toBe('handled 202');
    expect(fieldValues(response, 'X-Host')).toEqual(['h']);
    expect(fieldValues(response, 'Set-Cookie')).toEqual(['host=1; Path=/']);
  });

  it('of a patched writeHead leave them unchanged too', async () => {
    const app = express().use((_req, res, next) => {
      res.set('X-Host', 'h').set('Content-Length', '3').cookie('host', '1');
      const { writeHead } = res;
      res.writeHead = () => {
        res.writeHead = writeHead;
        throw new Error('patched');
      };
      next();
    });
    app.use(
      toExpress(
        answering('own', [
          ['X-Host', 'application'],
          ['Set-Cookie', 'application=1'],
          ['X-Own', '1'],
          ['Date', 'never'],
        ]),
        { environ: createLog().environ },
      ),
    );
    app.use(((error, _req, res, _next) => {
      res.status(500).json([error.message, res.getHeaders()]);
    }) as ErrorRequestHandler);
    const response = await (await serve(app)).fetch('/');
    const [message, { 'x-powered-by': _, ...headers }] = JSON.parse(response.content.toString());
    expect(message).toBe('patched');
    expect(headers).toEqual({ 'x-host': 'h', 'content-length': '3', 'set-cookie': 'host=1; Path=/' });
    expect(fieldValues(response, 'Date')).toHaveLength(1);
  });
});

it('answers 500 through toNode when a patched writeHead throws', async () => {
  const listener = toNode(answering('own', [['X-Own', '1']]), { environ: createLog().environ });
  for (const times of [1, 2]) {
    const server = createServer((req, res) => {
      const { writeHead } = res;
      let left = times;
      res.writeHead = (...args: [number]) => {
        left -= 1;
        if (left >= 0) throw new Error('patched');
        return writeHead.apply(res, args);
      };
      listener(req, res);
    });
    const client = (await listen(server)).open();
    client.send(formatRequest('/'));
    if (times === 1) expect((await client.readResponse()).statusCode).toBe(500);
    else expect(await client.farewell()).toBe('end');
  }
});

describe('other middleware', () => {
  it('can stop waiting', async () => {
    const log = createLog();
    let isOver = false;
    const { app, errors } = appWith(
      timeout(20),
      toExpress(
        async (environ, startResponse) => {
          extension<(callback: () => void) => void>(
            environ,
            'gateway.on_finished',
          )(() => {
            isOver = true;
          });
          await new Promise((resolve) => setTimeout(resolve, 80));
          startResponse('200 OK', []);
          return ['late'];
        },
        { environ: log.environ },
      ),
    );
    const client = (await serve(app)).open();
    for (let turn = 0; turn < 2; turn += 1) {
      client.send(formatRequest('/'));
      expect((await client.readResponse()).statusCode).toBe(503);
    }
    await until(() => isOver);
    expect(errors).toMatchObject([{ code: 'ETIMEDOUT' }, { code: 'ETIMEDOUT' }]);
  });

  it('can select by host', async () => {
    const app = express()
      .use(vhost('site.test', toExpress(report)))
      .use((_req, res) => {
        res.json({});
      });
    expect(reported(await (await serve(app)).fetch('/y'))).toMatchObject({
      PATH_INFO: '/y',
      HTTP_HOST: 'site.test',
    });
  });

  it('can mount a toNode listener, as in Connect', async () => {
    const app = express().use('/x', toNode(report));
    expect(await place(await serve(app), '/x/y')).toBe('/x + /y');
  });

  it('can answer before a mount behind it', async () => {
    const directory = import.meta.dirname;
    const app = express().use('/x', express.static(directory), toExpress(report));
    const site = await serve(app);
    expect((await site.fetch('/x/express-site.ts')).content.toString()).toContain('express');
    expect(await place(site, '/x/none')).toBe('/x + /none');
  });
});

describe('settings', () => {
  it('of ETags affect res.send only', async () => {
    const site = await serve(
      express()
        .set('etag', 'strong')
        .use(toExpress(answering('x'))),
    );
    expect(fieldValues(await site.fetch('/'), 'ETag')).toEqual([]);
  });

  it('of proxies count for the application too', async () => {
    const app = express().set('trust proxy', true).use(toExpress(report));
    const environ = reported(
      await (await serve(app)).fetch({
        headers: [
          ['X-Forwarded-For', '9.9.9.9'],
          ['X-Forwarded-Proto', 'https'],
        ],
      }),
    );
    expect(environ).toMatchObject({ REMOTE_ADDR: '9.9.9.9', HTTPS: 'on', HTTP_X_FORWARDED_FOR: '9.9.9.9' });
  });
});

it('serves frameworks that pass on node\u2019s messages with a status and headers', async () => {
  // As Koa does with `ctx.respond = false`.
  const listener = toNode(answering('own', [['X-Own', '1']]));
  const server = createServer((req, res) => {
    res.statusCode = 404;
    res.setHeader('X-Host', 'h');
    listener(req, res);
    void once(res, 'finish');
  });
  const response = await (await listen(server)).fetch('/');
  expect([response.statusCode, fieldValues(response, 'X-Host'), fieldValues(response, 'X-Own')]).toEqual([
    200,
    ['h'],
    ['1'],
  ]);
});
