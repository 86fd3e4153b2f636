import express from 'express';
import supertest from 'supertest';
import { describe, expect, it } from 'vitest';
import { toExpress } from '../../../bridges/express/to-express.ts';
import { fieldValues } from '../../../src/conformance/wire-client.ts';
import type { Application } from '../../../src/wsgi.ts';
import { answering, createLog, extension, formatRequest, until } from '../site.ts';
import { slowReading } from '../slow-reader.ts';
import { appWith, serve } from './express-site.ts';

describe('fallthrough', () => {
  const missing = answering('nothing here', [['X-From', 'application']], '404 Not Found');
  const cascading = answering('nothing here', [['X-Cascade', 'pass']], '404 Not Found');
  const found = answering('found', [['X-Cascade', 'pass']]);

  async function ask(application: Application, fallthrough?: boolean | 'cascade'): Promise<string> {
    const app = express();
    app.use(toExpress(application, { fallthrough }));
    app.use((_req, res) => {
      res.type('text').send('next');
    });
    const response = await (await serve(app)).fetch('/');
    if (response.content.includes('next')) expect(fieldValues(response, 'X-From')).toEqual([]);
    return response.content.toString();
  }

  it('is off by default', async () => {
    expect(await ask(missing)).toBe('nothing here');
    expect(await ask(cascading)).toBe('nothing here');
    expect(await ask(cascading, false)).toBe('nothing here');
  });

  it('calls next() after a 404 that asks for it', async () => {
    expect(await ask(missing, 'cascade')).toBe('nothing here');
    expect(await ask(cascading, 'cascade')).toBe('next');
    expect(await ask(found, 'cascade')).toBe('found');
  });

  it('calls next() after every 404', async () => {
    expect(await ask(missing, true)).toBe('next');
    expect(await ask(cascading, true)).toBe('next');
    expect(await ask(found, true)).toBe('found');
  });

  it('calls next() after a 404 in pieces and closes its body', async () => {
    let isClosed = false;
    const body = {
      async *[Symbol.asyncIterator]() {
        yield Buffer.from('one');
        yield Buffer.from('two');
      },
      close() {
        isClosed = true;
      },
    };
    const application: Application = (_environ, startResponse) => {
      startResponse('404 Not Found', []);
      return body;
    };
    expect(await ask(application, true)).toBe('next');
    expect(isClosed).toBe(true);
  });

  it('passes on an error in the middle of a 404', async () => {
    const log = createLog();
    const { app, errors } = appWith(
      toExpress(
        function* (_environ, startResponse) {
          startResponse('404 Not Found', []);
          yield Buffer.from('one');
          throw new Error('late');
        },
        { fallthrough: true, environ: log.environ },
      ),
    );
    expect((await supertest(app).get('/')).text).toBe('handled');
    expect(errors).toHaveLength(1);
  });

  it('leaves unread content to the next handler', async () => {
    const app = express();
    app.use(toExpress(missing, { fallthrough: true }), express.json(), (req, res) => {
      res.json(req.body);
    });
    expect(
      (
        await supertest(app)
          .post('/')
          .send({ a: [1] })
      ).body,
    ).toEqual({ a: [1] });
  });
});

describe('the host', () => {
  it('compresses answers of an application', async () => {
    const app = express();
    // As compressing middleware does: waits for the head, then replaces write and end.
    app.use((_req, res, next) => {
      const { writeHead, write, end } = res;
      const upper = (chunk: Buffer): Buffer => Buffer.from(chunk.toString().toUpperCase());
      Object.assign(res, {
        writeHead(...args: [number]) {
          res.setHeader('X-Length-Was', String(res.getHeader('Content-Length')));
          res.removeHeader('Content-Length');
          return writeHead.apply(res, args);
        },
        write: (chunk: Buffer) => write.call(res, upper(chunk), 'utf8'),
        end(chunk?: Buffer) {
          if (chunk !== undefined) res.write(chunk);
          return end.call(res, '', 'utf8');
        },
      });
      next();
    });
    app.use('/whole', toExpress(answering('whole')));
    app.use(
      '/pieces',
      toExpress(function* (_environ, startResponse) {
        startResponse('200 OK', []);
        yield Buffer.from('one');
        yield Buffer.from('two');
      }),
    );
    const site = await serve(app);
    const whole = await site.fetch('/whole');
    expect(whole.content.toString()).toBe('WHOLE');
    expect(fieldValues(whole, 'X-Length-Was')).toEqual(['5']);
    expect((await site.fetch('/pieces')).content.toString()).toBe('ONETWO');
  });

  it('may answer before the application does', async () => {
    const log = createLog();
    let isClosed = false;
    const app = express();
    app.use((_req, res, next) => {
      setTimeout(() => res.status(503).send('too slow'), 20);
      next();
    });
    app.use(
      toExpress(
        async (_environ, startResponse) => {
          await new Promise((resolve) => setTimeout(resolve, 60));
          startResponse('200 OK', [['X-Late', '1']]);
          return {
            *[Symbol.iterator]() {
              yield 'late';
            },
            close: () => {
              isClosed = true;
            },
          };
        },
        { environ: log.environ },
      ),
    );
    const client = (await serve(app)).open();
    client.send(formatRequest('/'));
    expect((await client.readResponse()).content.toString()).toBe('too slow');
    await until(() => isClosed);
    client.send(formatRequest('/'));
    expect((await client.readResponse()).statusCode).toBe(503);
  });

  it('tells the application that the client left', async () => {
    let hasEnded = false;
    const app = express().use(
      '/x',
      toExpress(async function* (environ, startResponse) {
        const signal = extension<() => AbortSignal>(environ, 'gateway.signal')();
        startResponse('200 OK', []);
        try {
          yield Buffer.from('begun');
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        } finally {
          hasEnded = true;
        }
      }),
    );
    const client = (await serve(app)).open();
    client.send(formatRequest('/x'));
    await client.readHead();
    client.reset();
    await until(() => hasEnded);
  });

  it('passes the pace of a slow reader on to the application', async () => {
    const { application, read } = slowReading();
    const app = express().use(
      toExpress(async function* (environ, startResponse) {
        yield* application(environ, startResponse);
      }),
    );
    await read((await serve(app)).open(), '/');
  });

  it('serves clients of HTTP/1.0', async () => {
    const app = express().use(
      toExpress(function* (_environ, startResponse) {
        startResponse('200 OK', []);
        yield Buffer.from('one');
        yield Buffer.from('two');
      }),
    );
    const response = await (await serve(app)).fetch({ protocol: 'HTTP/1.0' });
    expect([response.framing, response.content.toString()]).toEqual(['close', 'onetwo']);
  });

  it('lets the application answer HEAD and OPTIONS', async () => {
    const app = express().use(toExpress(answering('content', [['Allow', 'GET']])));
    const site = await serve(app);
    const head = await site.fetch({ method: 'HEAD' });
    expect([fieldValues(head, 'Content-Length'), head.content.length]).toEqual([['7'], 0]);
    expect(fieldValues(await site.fetch({ method: 'OPTIONS' }), 'Allow')).toEqual(['GET']);
  });
});
