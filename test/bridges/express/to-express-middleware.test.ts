/**
 * Middleware in front of a mount treats its answers like those of a handler. Each answer is sent twice, by an
 * application and by a handler written by hand: the client gets the same.
 */
import { createServer } from 'node:http';
import { gunzipSync } from 'node:zlib';
import compression from 'compression';
import cookieParser from 'cookie-parser';
import cors from 'cors';
import express, { type RequestHandler, type Response } from 'express';
import { rateLimit } from 'express-rate-limit';
import session from 'express-session';
import helmet from 'helmet';
import methodOverride from 'method-override';
import morgan from 'morgan';
import responseTime from 'response-time';
import { describe, expect, it } from 'vitest';
import { toExpress } from '../../../bridges/express/index.ts';
import type { WireResponse } from '../../../src/conformance/wire-client.ts';
import type { Application } from '../../../src/wsgi.ts';
import { listen, pieces, type Site, until, type WireRequest } from '../site.ts';

const LONG = 'compress me '.repeat(1000);

/** One answer, by an application and by a handler. */
interface Answer {
  readonly application: Application;
  handle(res: Response): void;
}

const ANSWERS: Readonly<Record<string, Answer>> = {
  small: {
    application: (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return ['small'];
    },
    handle: (res) =>
      res.status(200).setHeader('Content-Type', 'text/plain').setHeader('Content-Length', 5).end('small'),
  },
  long: {
    application: (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return [LONG];
    },
    handle: (res) =>
      res.setHeader('Content-Type', 'text/plain').setHeader('Content-Length', LONG.length).end(LONG),
  },
  pieces: {
    application: pieces([LONG, 'two'], [['Content-Type', 'text/plain']]),
    handle: (res) => {
      res.setHeader('Content-Type', 'text/plain').write(LONG);
      res.end('two');
    },
  },
  missing: {
    application: (_environ, startResponse) => {
      startResponse('404 Not Found', [['Content-Type', 'text/html']]);
      return ['<p>none</p>'];
    },
    handle: (res) =>
      res
        .status(404)
        .setHeader('Content-Type', 'text/html')
        .setHeader('Content-Length', 11)
        .end('<p>none</p>'),
  },
  empty: {
    application: (_environ, startResponse) => {
      startResponse('204 No Content', []);
      return [];
    },
    handle: (res) => res.status(204).end(),
  },
  'a cookie': {
    application: (_environ, startResponse) => {
      startResponse('303 See Other', [
        ['Location', '/elsewhere'],
        ['Set-Cookie', 'own=1'],
      ]);
      return ['moved'];
    },
    handle: (res) =>
      res
        .status(303)
        .setHeader('Location', '/elsewhere')
        .append('Set-Cookie', 'own=1')
        .setHeader('Content-Length', 5)
        .end('moved'),
  },
};

async function mountBoth(middleware: () => RequestHandler[], answer: Answer): Promise<[Site, Site]> {
  const mounted = express();
  for (const handler of middleware()) mounted.use(handler);
  mounted.use('/x', toExpress(answer.application));
  const byHand = express();
  for (const handler of middleware()) byHand.use(handler);
  byHand.use('/x', (_req, res) => answer.handle(res));
  return [await listen(createServer(mounted)), await listen(createServer(byHand))];
}

/** Masks values that two servers cannot share. */
function comparable({ statusCode, reason, headers, framing, content }: WireResponse) {
  const fields = headers.map(([name, value]) => `${name.toLowerCase()}: ${value}`);
  const masked = fields.map((line) =>
    line.replace(
      /^(date|x-response-time|set-cookie: connect\.sid=|ratelimit-reset|x-ratelimit-reset).*/,
      '$1 …',
    ),
  );
  const isCompressed = fields.includes('content-encoding: gzip') && content.length > 0;
  // Middleware flushes a streamed answer after each chunk, which shows in the octets of gzip.
  const text = (isCompressed ? gunzipSync(content) : content).toString('latin1');
  return { statusCode, reason, framing, fields: masked.sort(), text };
}

const REQUESTS: Readonly<Record<string, WireRequest>> = {
  GET: { target: '/x/y' },
  HEAD: { target: '/x/y', method: 'HEAD' },
  'GET with gzip': { target: '/x', headers: [['Accept-Encoding', 'gzip']] },
  'POST from elsewhere': {
    target: '/x',
    method: 'POST',
    content: 'a=1',
    headers: [['Origin', 'http://elsewhere.test']],
  },
  OPTIONS: {
    target: '/x',
    method: 'OPTIONS',
    headers: [
      ['Origin', 'http://elsewhere.test'],
      ['Access-Control-Request-Method', 'PUT'],
    ],
  },
};

const MIDDLEWARE: Readonly<Record<string, () => RequestHandler[]>> = {
  nothing: () => [],
  compression: () => [compression()],
  'compression without a threshold': () => [compression({ threshold: 0 })],
  helmet: () => [helmet()],
  cors: () => [cors({ credentials: true, origin: true })],
  'cookie-parser and a cookie': () => [
    cookieParser(),
    (_req, res, next) => {
      res.cookie('host', '1');
      next();
    },
  ],
  'express-session': () => [session({ secret: 's', resave: false, saveUninitialized: true })],
  'express-rate-limit': () => [rateLimit({ limit: 5, validate: false, standardHeaders: true })],
  'response-time': () => [responseTime()],
  'method-override': () => [methodOverride()],
  'all of it': () => [
    responseTime(),
    helmet(),
    cors(),
    compression({ threshold: 0 }),
    cookieParser(),
    session({ secret: 's', resave: false, saveUninitialized: true }),
  ],
};

describe.each(Object.keys(MIDDLEWARE))('behind %s', (name) => {
  it.each(Object.keys(ANSWERS))('sends the same %s', async (answer) => {
    const [mounted, byHand] = await mountBoth(MIDDLEWARE[name] ?? (() => []), ANSWERS[answer] as Answer);
    for (const request of Object.values(REQUESTS)) {
      expect(comparable(await mounted.fetch(request))).toEqual(comparable(await byHand.fetch(request)));
    }
  });
});

describe('compression of a long stream', () => {
  it('gets one listener for all waits', async () => {
    const warnings: string[] = [];
    const note = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', note);
    const application: Application = async function* (_environ, startResponse) {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      for (let count = 0; count < 30; count += 1) yield Buffer.alloc(100_000, 97 + (count % 20));
    };
    const { fetch } = await listen(createServer(express().use(compression(), toExpress(application))));
    const response = await fetch({ headers: [['Accept-Encoding', 'gzip']] });
    process.off('warning', note);
    expect(gunzipSync(response.content)).toHaveLength(3_000_000);
    expect(warnings).toEqual([]);
  });
});

describe('morgan', () => {
  async function log(answer: Answer, request: WireRequest): Promise<[string[], string[]]> {
    const logs: [string[], string[]] = [[], []];
    const sites = await Promise.all(
      logs.map(async (lines, index) => {
        const stream = { write: (line: string) => lines.push(line) };
        const app = express().use(
          morgan(':method :url :status :res[content-length] :response-time', { stream }),
        );
        app.use('/x', index === 0 ? toExpress(answer.application) : (_req, res) => answer.handle(res));
        return listen(createServer(app));
      }),
    );
    for (const site of sites) await site.fetch(request);
    await until(() => logs.every((lines) => lines.length > 0));
    return logs;
  }

  it.each(Object.keys(ANSWERS))('logs status, length and time of the answer %s', async (name) => {
    for (const request of Object.values(REQUESTS)) {
      const [mounted, byHand] = await log(ANSWERS[name] as Answer, request);
      expect(mounted.map((line) => line.replace(/ [\d.]+\n$/, ''))).toEqual(
        byHand.map((line) => line.replace(/ [\d.]+\n$/, '')),
      );
      expect(mounted[0]).toMatch(/ \d+\.\d+\n$/);
    }
  });
});
