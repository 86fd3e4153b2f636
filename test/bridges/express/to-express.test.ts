import express, { type Express, type RequestHandler, Router } from 'express';
import supertest from 'supertest';
import { describe, expect, it } from 'vitest';
import { toExpress } from '../../../bridges/express/to-express.ts';
import { fieldValues } from '../../../src/conformance/wire-client.ts';
import type { Application } from '../../../src/wsgi.ts';
import { answering, createLog, formatRequest, place, report, reported } from '../site.ts';
import { appWith, serve } from './express-site.ts';

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

  it('restores the URL for the next handler', async () => {
    const app = express();
    app.use('/x', toExpress(answering('', [], '404 Not Found'), { fallthrough: true }));
    app.use((req, res) => {
      res.json([req.baseUrl, req.url]);
    });
    expect((await supertest(app).get('/x/y?q')).body).toEqual(['', '/x/y?q']);
  });

  it('passes on node’s own objects with the properties that middleware set', async () => {
    const app = express();
    app.use((_req, res, next) => {
      res.locals.user = 'ann';
      next();
    });
    app.use(
      toExpress((environ, startResponse) => {
        // Node's own objects are not in the type of the environ.
        const res = environ['express.res'] as { locals: { user: string } };
        startResponse('200 OK', [['Content-Type', 'text/plain']]);
        return [`${res.locals.user} ${environ['express.res'] === environ['node.res']}`];
      }),
    );
    expect((await supertest(app).get('/')).text).toBe('ann true');
  });

  it('can be used more than once, in more than one app', async () => {
    const first = express().use('/a', mounted).use('/b', mounted);
    const second = express().use('/c', first);
    expect(await place(await serve(first), '/b/x')).toBe('/b + /x');
    expect(await place(await serve(second), '/c/a/x')).toBe('/c/a + /x');
  });
});

describe('headers', () => {
  it('of the host survive, those of the application win, and all cookies are sent', async () => {
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

  it('of a failed response are removed', async () => {
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
  it('reach the error handler unchanged', async () => {
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

  it('are errors even if next() has another meaning for them', async () => {
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

  it('of the client keep their status', async () => {
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

  it('after the head cut the response off and never reach the error handler', async () => {
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
