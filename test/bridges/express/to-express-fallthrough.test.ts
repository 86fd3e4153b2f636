/** Requests that fall through a mount: the next handler gets request, content and response as the mount found them. */
import type { IncomingMessage } from 'node:http';
import express, { type Express, type RequestHandler } from 'express';
import { describe, expect, it } from 'vitest';
import { fromExpress, toExpress } from '../../../bridges/express/index.ts';
import { fromNode } from '../../../bridges/node/index.ts';
import { fieldValues, type WireResponse } from '../../../src/conformance/wire-client.ts';
import type { Application, Environ } from '../../../src/wsgi.ts';
import { formatRequest, type Site, until } from '../site.ts';
import { appWith, serve } from './express-site.ts';

/** Applications that answer 404, by what they read before. */
const READERS: Readonly<Record<string, (environ: Environ) => unknown>> = {
  nothing: () => {},
  'one octet': (environ) => environ['wsgi.input'].read(1),
  'one line': (environ) => environ['wsgi.input'].readline(),
  everything: (environ) => environ['wsgi.input'].read(),
  'everything in pieces': async (environ) => {
    for await (const _piece of environ['wsgi.input'].chunks());
  },
};

function missingAfter(read: (environ: Environ) => unknown): Application {
  return async (environ, startResponse) => {
    await read(environ);
    startResponse('404 Not Found', [['X-From', 'mount']]);
    return ['missing'];
  };
}

const missing: RequestHandler = (_req, res) => void res.status(404).send('missing');

/** Programs whose application answers 404. */
const PROGRAMS: Readonly<Record<string, Application>> = {
  'finalhandler of a wrapped app': fromExpress(express()),
  'a wrapped app that has parsed the content': fromExpress(
    express().use(express.json({ limit: '1mb' }), missing),
  ),
  'a wrapped app that drains and waits': fromNode((req, res) => {
    req.resume().on('end', () => res.writeHead(404, { Connection: 'close' }).end());
  }),
};

/** Ways of the next handler to read. */
const NEXT: Readonly<Record<string, (req: IncomingMessage) => Promise<string>>> = {
  'by data events': (req) =>
    new Promise((resolve) => {
      let text = '';
      req.on('data', (chunk) => {
        text += chunk;
      });
      req.on('end', () => resolve(text));
    }),
  'by iteration': async (req) => {
    let text = '';
    for await (const chunk of req) text += chunk;
    return text;
  },
  'a turn later': async (req) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return NEXT['by data events']?.(req) ?? '';
  },
};

function contentOf(length: number): string {
  return JSON.stringify({ text: 'line\n'.repeat(Math.ceil(length / 6)) });
}

const FRAMINGS = ['length', 'chunked'] as const;

function post(site: Site, content: string, framing: (typeof FRAMINGS)[number]): Promise<WireResponse> {
  const type: [string, string] = ['Content-Type', 'application/json'];
  if (framing === 'length')
    return site.fetch({ method: 'POST', target: '/api/new', headers: [type], content });
  const half = content.length >> 1;
  const chunks = [content.slice(0, half), content.slice(half)]
    .map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`)
    .join('');
  const headers: [string, string][] = [type, ['Transfer-Encoding', 'chunked']];
  return site.fetch({ method: 'POST', target: '/api/new', headers, content: `${chunks}0\r\n\r\n` });
}

function passing(application: Application, options: { maxReplay?: number } = {}): Express {
  return express().use('/api', toExpress(application, { fallthrough: true, ...options }));
}

describe('content that falls through', () => {
  const applications = {
    ...Object.fromEntries(
      Object.entries(READERS).map(([name, read]) => [`reads ${name}`, missingAfter(read)]),
    ),
    ...PROGRAMS,
  };

  it.each(Object.entries(applications))('is whole for a parser: %s', async (_name, application) => {
    const app = passing(application).use(
      express.json({ limit: '2mb' }),
      (req, res) => void res.json(req.body),
    );
    const site = await serve(app);
    for (const length of [20, 70_000, 900_000]) {
      for (const framing of FRAMINGS) {
        const content = contentOf(length);
        const response = await post(site, content, framing);
        expect([length, framing, response.content.toString() === content]).toEqual([length, framing, true]);
      }
    }
  });

  it.each(Object.entries(NEXT))('is whole for a handler that reads %s', async (_name, read) => {
    for (const reading of Object.values(READERS)) {
      const app = passing(missingAfter(reading)).use(async (req, res) => void res.send(await read(req)));
      const site = await serve(app);
      for (const length of [20, 200_000]) {
        const content = contentOf(length);
        expect((await post(site, content, 'chunked')).content.toString() === content).toBe(true);
      }
    }
  });

  it('passes through several mounts', async () => {
    const app = express();
    for (const read of Object.values(READERS)) app.use(toExpress(missingAfter(read), { fallthrough: true }));
    for (const program of Object.values(PROGRAMS))
      app.use(toExpress(program, { fallthrough: 'cascade' as never }));
    const site = await serve(app);
    expect((await post(site, contentOf(90_000), 'chunked')).statusCode).toBe(404);
    const echo = express();
    for (const read of Object.values(READERS)) echo.use(toExpress(missingAfter(read), { fallthrough: true }));
    echo.use(
      toExpress(async (environ, startResponse) => {
        startResponse('200 OK', []);
        return [await environ['wsgi.input'].read()];
      }),
    );
    const content = contentOf(90_000);
    const second = await serve(echo);
    for (const framing of FRAMINGS) {
      expect((await post(second, content, framing)).content.toString() === content, framing).toBe(true);
    }
  });

  it('takes nothing from the host for a drain that nobody listens to, whatever the size', async () => {
    const app = passing(fromExpress(express())).use(
      express.raw({ type: '*/*', limit: '9mb' }),
      (req, res) => {
        res.send(`${req.body.length}`);
      },
    );
    const content = contentOf(5_000_000);
    expect((await post(await serve(app), content, 'length')).content.toString()).toBe(`${content.length}`);
  });

  it('goes to the error handler with the name of the option if too much was read', async () => {
    for (const [read, isTooMuch] of [
      [READERS.everything, true],
      [READERS['one octet'], false],
    ] as const) {
      const { app, errors } = appWith(
        toExpress(missingAfter(read ?? (() => {})), { fallthrough: true, maxReplay: 99_999 }),
        express.text({ type: '*/*', limit: '1mb' }),
        (req, res) => void res.send(`${req.body.length}`),
      );
      const response = await post(await serve(app), 'x'.repeat(100_000), 'length');
      expect(response.statusCode).toBe(isTooMuch ? 500 : 200);
      if (isTooMuch) expect(`${errors}`).toContain('maxReplay');
    }
  });

  it('stays the next handler’s when the application reads on', async () => {
    let failure: unknown;
    const application: Application = (environ, startResponse) => {
      startResponse('404 Not Found', []);
      environ['wsgi.input'].read().catch((error: unknown) => {
        failure = error;
      });
      return [];
    };
    const app = passing(application).use(express.json(), (req, res) => void res.json(req.body));
    const client = (await serve(app)).open();
    const content = contentOf(20);
    client.send(
      `POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${content.length}\r\n\r\n`,
    );
    await until(() => failure !== undefined);
    client.send(content);
    expect((await client.readResponse()).content.toString()).toBe(content);
    expect(`${failure}`).toContain('drained');
  });
});

describe('a request that falls through', () => {
  /** Lists the listeners and settings of request and response. */
  function snapshot(req: express.Request, res: express.Response): unknown {
    const listeners = [req, res].map((emitter) =>
      emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)]),
    );
    const { shouldKeepAlive, sendDate, statusCode, statusMessage } = res;
    return {
      listeners,
      shouldKeepAlive,
      sendDate,
      statusCode,
      statusMessage,
      headers: res.getHeaders(),
      trailer: Reflect.get(res, '_trailer'),
      timeout: req.socket.timeout ?? 0,
    };
  }

  const LEAVING: Readonly<Record<string, Application>> = {
    ...PROGRAMS,
    'an application that has read': missingAfter((environ) => environ['wsgi.input'].read(5)),
    'an application that asks for much': async (environ, startResponse) => {
      const {
        'gateway.signal': signal,
        'gateway.trailers': trailers,
        'gateway.send_trailers': send,
      } = environ;
      signal?.();
      trailers?.().catch(() => {});
      send?.([['X-Trailer', '1']]);
      await Promise.resolve();
      startResponse('404 Not Found', [['X-From', 'mount']]);
      return ['missing'];
    },
    'a wrapped program that closes and wants no date': fromNode((_req, res) => {
      res.sendDate = false;
      res.shouldKeepAlive = false;
      res.setHeader('Connection', 'close');
      setTimeout(() => res.writeHead(404).end('missing'), 5);
    }),
    'a wrapped program with a time-out of its own': fromNode((req, res) => {
      req.setTimeout(1234);
      setTimeout(() => res.writeHead(404).end('missing'), 5);
    }),
  };

  it('leaves no time-out behind an error either', async () => {
    const timeouts: unknown[] = [];
    const failing = fromNode((req) => {
      req.setTimeout(1234);
      throw new Error('broken');
    });
    const shoot: RequestHandler = (req, _res, next) => {
      timeouts.push(req.socket.timeout ?? 0);
      next();
    };
    const onError: express.ErrorRequestHandler = (_error, req, res, _next) => {
      timeouts.push(req.socket.timeout ?? 0);
      res.end();
    };
    await (await serve(express().use(shoot, toExpress(failing), onError))).fetch('/');
    expect(timeouts).toHaveLength(2);
    expect(timeouts[1]).toBe(timeouts[0]);
  });

  it.each(Object.entries(LEAVING))('leaves nothing behind: %s', async (_name, application) => {
    const shots: unknown[] = [];
    const shoot: RequestHandler = (req, res, next) => {
      shots.push(snapshot(req, res));
      next();
    };
    const app = express()
      .use(shoot)
      .use('/api', toExpress(application, { fallthrough: true }))
      .use(
        async (req, _res, next) => {
          // Node updates the state of a stream whose listeners went on the next tick.
          await new Promise((resolve) => setTimeout(resolve, 20));
          expect(req.readableFlowing).not.toBe(true);
          next();
        },
        shoot,
        express.json(),
        (req, res) => void res.json(req.body),
      );
    const client = (await serve(app)).open();
    const content = contentOf(3000);
    const request = {
      method: 'POST',
      target: '/api/x',
      headers: [['Content-Type', 'application/json']] as [string, string][],
      content,
    };
    for (let round = 0; round < 2; round += 1) {
      client.send(formatRequest(request));
      const response = await client.readResponse();
      expect(response.content.toString()).toBe(content);
      expect(fieldValues(response, 'Connection')).not.toContain('close');
      expect(fieldValues(response, 'Date')).toHaveLength(1);
    }
    const [before, after] = shots;
    expect(after).toEqual(before);
  });

  it('has no Connection: close and its Date behind an error either', async () => {
    const failing = fromNode((_req, res) => {
      res.sendDate = false;
      res.shouldKeepAlive = false;
      res.flushHeaders();
      throw new Error('broken');
    });
    const { app } = appWith(toExpress(failing, { environ: {} }));
    const response = await (await serve(app)).fetch('/');
    expect(response.statusCode).toBe(500);
    expect(fieldValues(response, 'Date')).toHaveLength(1);
    expect(fieldValues(response, 'Connection')).not.toContain('close');
  });
});
