import { createServer } from 'node:http';
import express, { type ErrorRequestHandler, type Express, type RequestHandler, Router } from 'express';
import supertest from 'supertest';
import { describe, expect, it } from 'vitest';
import { toExpress } from '../../bridges/express/to-express.ts';
import { fieldValues } from '../../src/testing/wire-client.ts';
import type { Application } from '../../src/wsgi.ts';
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
} from './site.ts';

function serve(app: Express) {
  return listen(createServer(app));
}

/** An Express app that remembers the errors it gets. */
function appWith(...handlers: RequestHandler[]): { app: Express; errors: unknown[] } {
  const errors: unknown[] = [];
  const app = express();
  for (const handler of handlers) app.use(handler);
  const remember: ErrorRequestHandler = (error, _req, res, _next) => {
    errors.push(error);
    res.status(error?.statusCode ?? 500).send('handled');
  };
  app.use(remember);
  return { app, errors };
}

describe('a mount', () => {
  const mounted = toExpress(report);

  const PLACES: readonly (readonly [target: string, place: string])[] = [
    ['/x', '/x + '],
    ['/x/', '/x + /'],
    ['/x?q', '/x + '],
    ['/x/?q', '/x + /'],
    ['/x/y', '/x + /y'],
    ['/x/y/', '/x + /y/'],
    ['/x//y', '/x + //y'],
    ['/X/y', '/X + /y'],
    ['/xy', ' + /xy'],
    ['/', ' + /'],
    ['//x/y', ' + //x/y'],
    ['/outer/inner', '/outer/inner + '],
    ['/outer/inner/', '/outer/inner + /'],
    ['/outer/inner/y', '/outer/inner + /y'],
    ['/outer', '/outer + '],
    ['/outer/', '/outer + /'],
    ['/sub/app/y', '/sub/app + /y'],
    ['/tenants/acme', '/tenants/acme + '],
    ['/tenants/a%2Fb/y', '/tenants/a/b + /y'],
    ['/caf%C3%A9', '/caf\xc3\xa9 + '],
    ['/caf%c3%a9/%C3%A9', '/caf\xc3\xa9 + /\xc3\xa9'],
    ['/re/12/y', '/re/12 + /y'],
    ['/route/y', ' + /route/y'],
    ['/old', '/new + '],
    ['/old/', '/new + /'],
    ['/old/y', '/new + /y'],
    ['/reset/y', '/reset + /'],
    ['http://h:81/x', '/x + '],
    ['http://h:81/x/', '/x + /'],
    ['http://h:81/x?q', '/x + '],
    ['http://h:81/x/y?q', '/x + /y'],
    ['http://h:81/outer/inner/y', '/outer/inner + /y'],
    ['http://h:81', ' + /'],
    ['http://h:81?q', ' + /'],
  ];

  function createApp(): Express {
    const app = express();
    app.use((req, _res, next) => {
      req.url = req.url.replace(/^\/old(?=\/|$)/, '/new');
      next();
    });
    app.use('/x', mounted).use('/new', mounted).use('/tenants/:tenant', mounted);
    app.use('/caf%C3%A9', mounted).use(/^\/re\/\d+/, mounted);
    app.use('/outer', Router().use('/inner', mounted).use(mounted));
    app.use('/sub', express().use('/app', mounted));
    const reset: RequestHandler = (req, _res, next) => {
      req.url = '/';
      next();
    };
    app.use('/reset', reset, mounted);
    app.get('/route/:name', mounted);
    return app.use(mounted);
  }

  it.each(PLACES)('splits %s', async (target, expected) => {
    expect(await place(await serve(createApp()), target)).toBe(expected);
  });

  it('never changes the request target', async () => {
    const site = await serve(createApp());
    for (const target of ['/x/%2e?a=%20', '/old/y?q', 'http://h:81/x/y?q']) {
      const environ = reported(await site.fetch(target));
      expect(environ).toMatchObject({ REQUEST_URI: target, RAW_URI: target });
    }
    expect(reported(await site.fetch('http://h:81/x/y?q'))).toMatchObject({
      HTTP_HOST: 'h:81',
      QUERY_STRING: 'q',
    });
  });

  it('gives the URL back to what comes next', async () => {
    const app = express();
    app.use('/x', toExpress(answering('', [], '404 Not Found'), { fallthrough: true }));
    app.use((req, res) => {
      res.json([req.baseUrl, req.url]);
    });
    expect((await supertest(app).get('/x/y?q')).body).toEqual(['', '/x/y?q']);
  });

  it('brings the native objects, with what middleware has left on them', async () => {
    const app = express();
    app.use((_req, res, next) => {
      res.locals.user = 'ann';
      next();
    });
    app.use(
      toExpress((environ, startResponse) => {
        // The native objects are unknown to the type of the environ.
        const res = environ['express.res'] as { locals: { user: string } };
        startResponse('200 OK', [['Content-Type', 'text/plain']]);
        return [`${res.locals.user} ${environ['express.res'] === environ['node.res']}`];
      }),
    );
    expect((await supertest(app).get('/')).text).toBe('ann true');
  });

  it('may be there more than once, and in more than one app', async () => {
    const first = express().use('/a', mounted).use('/b', mounted);
    const second = express().use('/c', first);
    expect(await place(await serve(first), '/b/x')).toBe('/b + /x');
    expect(await place(await serve(second), '/c/a/x')).toBe('/c/a + /x');
  });
});

describe('headers', () => {
  it('of the host survive, those of the application win, all cookies are sent', async () => {
    const app = express();
    app.use((_req, res, next) => {
      res.set({ 'X-Host': 'h', 'Cache-Control': 'no-store' }).cookie('h', '1');
      next();
    });
    app.use(
      toExpress(
        answering('x', [
          ['Set-Cookie', 'a=1'],
          ['cache-control', 'public'],
          ['Set-Cookie', 'b=2'],
        ]),
      ),
    );
    const response = await (await serve(app)).fetch('/');
    expect(fieldValues(response, 'Set-Cookie')).toEqual(['h=1; Path=/', 'a=1', 'b=2']);
    expect(fieldValues(response, 'Cache-Control')).toEqual(['public']);
    expect(fieldValues(response, 'X-Host')).toEqual(['h']);
    expect(fieldValues(response, 'X-Powered-By')).toEqual(['Express']);
  });

  it('of a response that failed are not left behind', async () => {
    const { app } = appWith(
      toExpress((_environ, startResponse) => {
        startResponse('200 OK', [
          ['Content-Type', 'image/png'],
          ['Set-Cookie', 'a=1'],
          ['Content-Length', '4'],
        ]);
        throw new Error('failed');
      }),
    );
    const response = await supertest(app).get('/');
    expect(response.status).toBe(500);
    expect(response.type).toBe('text/html');
    expect(response.headers).not.toHaveProperty('set-cookie');
    expect(response.text).toBe('handled');
  });
});

describe('errors', () => {
  it('reach the error handler as the very value', async () => {
    const values: unknown[] = [new Error('one'), 'text', { statusCode: 418 }];
    for (const value of values) {
      const applications: Application[] = [
        () => {
          throw value;
        },
        () => Promise.reject(value),
        // biome-ignore lint/correctness/useYield: it fails before it can
        function* (_environ, startResponse) {
          startResponse('200 OK', []);
          throw value;
        },
      ];
      for (const application of applications) {
        const { app, errors } = appWith(toExpress(application));
        const { status } = await supertest(app).get('/');
        expect(errors).toHaveLength(1);
        expect(errors[0]).toBe(value);
        expect(status).toBe(value === values[2] ? 418 : 500);
      }
    }
  });

  it('are errors even if next() would take them for something else', async () => {
    for (const value of [undefined, null, 0, '', 'route', 'router']) {
      const { app, errors } = appWith(
        toExpress(() => Promise.reject(value)),
        (_req, res) => {
          res.send('went on');
        },
      );
      expect((await supertest(app).get('/')).status).toBe(500);
      expect(errors).toMatchObject([{ code: 'WSGI_ERR_THROWN_VALUE' }]);
    }
  });

  it('of the client are errors with their status', async () => {
    const { app, errors } = appWith(toExpress(report));
    const site = await serve(app);
    const response = await site.fetch({
      headers: [
        ['Content-Type', 'a/b'],
        ['Content-Type', 'c/d'],
      ],
    });
    expect(response.statusCode).toBe(400);
    expect(errors).toMatchObject([{ code: 'WSGI_ERR_FIELD_REPEATED' }]);
  });

  it('after the head cut the response off, and never reach the error handler', async () => {
    const log = createLog();
    const { app, errors } = appWith(
      toExpress(
        async function* (_environ, startResponse) {
          startResponse('200 OK', []);
          yield Buffer.from('begun');
          throw new Error('late');
        },
        { environ: log.environ },
      ),
    );
    const client = (await serve(app)).open();
    client.send(formatRequest('/'));
    await client.readHead();
    expect((await client.readChunk())?.toString()).toBe('begun');
    await expect(client.readChunk()).rejects.toThrow('Connection ended');
    expect(errors).toEqual([]);
    expect(log.text).toContain('late');
  });
});

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
    expect(fieldValues(response, 'X-From')).toEqual(
      response.content.includes('next') ? [] : expect.anything(),
    );
    return response.content.toString();
  }

  it('is off by default', async () => {
    expect(await ask(missing)).toBe('nothing here');
    expect(await ask(cascading)).toBe('nothing here');
    expect(await ask(cascading, false)).toBe('nothing here');
  });

  it('goes on after a 404 that says so', async () => {
    expect(await ask(missing, 'cascade')).toBe('nothing here');
    expect(await ask(cascading, 'cascade')).toBe('next');
    expect(await ask(found, 'cascade')).toBe('found');
  });

  it('goes on after every 404', async () => {
    expect(await ask(missing, true)).toBe('next');
    expect(await ask(cascading, true)).toBe('next');
    expect(await ask(found, true)).toBe('found');
  });

  it('goes on after a 404 in pieces, and closes its body', async () => {
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

  it('passes an error in the middle of a 404 on', async () => {
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

  it('leaves content that nobody has read to what comes next', async () => {
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
  it('compresses what is answered', async () => {
    const app = express();
    // What compressing middleware does: it waits for the head, then takes over write and end.
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

  it('loses its client, and the application is told', async () => {
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

  it('lets a slow reader slow the application down', async () => {
    const CHUNK = Buffer.alloc(64 * 1024);
    const TOTAL = 1024;
    let given = 0;
    const app = express().use(
      toExpress(async function* (_environ, startResponse) {
        startResponse('200 OK', []);
        for (; given < TOTAL; given += 1) yield CHUNK;
      }),
    );
    const client = (await serve(app)).open();
    client.send(formatRequest('/'));
    await client.readHead();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(given).toBeLessThan(TOTAL / 4);
    let length = 0;
    for (let chunk = await client.readChunk(); chunk !== null; chunk = await client.readChunk()) {
      length += chunk.length;
    }
    expect(length).toBe(TOTAL * CHUNK.length);
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

  it('answers HEAD and OPTIONS by the application', async () => {
    const app = express().use(toExpress(answering('content', [['Allow', 'GET']])));
    const site = await serve(app);
    const head = await site.fetch({ method: 'HEAD' });
    expect([fieldValues(head, 'Content-Length'), head.content.length]).toEqual([['7'], 0]);
    expect(fieldValues(await site.fetch({ method: 'OPTIONS' }), 'Allow')).toEqual(['GET']);
  });
});
