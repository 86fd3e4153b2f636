/** Changes that middleware and hooks of a host make to the headers of a request reach the application, on every host. */
import { createServer, type IncomingMessage } from 'node:http';
import { connect, createServer as createHttp2Server } from 'node:http2';
import middie from '@fastify/middie';
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { fromExpress, toExpress } from '../../bridges/express/index.ts';
import { fromFastify } from '../../bridges/fastify/index.ts';
import { fromNode, toNode } from '../../bridges/node/index.ts';
import type { Application, HeaderList } from '../../src/wsgi.ts';
import { serve as serveExpress } from './express/express-site.ts';
import { mountBelow } from './fastify/fastify-site.ts';
import { atEnd, listen, type Site } from './site.ts';

type Change = (req: IncomingMessage) => void;

/** Hosts whose middleware makes a change before the application runs. */
const HOSTS: Readonly<Record<string, (application: Application, change: Change) => Promise<Site>>> = {
  toNode: (application, change) => {
    const listener = toNode(application);
    return listen(
      createServer((req, res) => {
        change(req);
        listener(req, res);
      }),
    );
  },
  toExpress: (application, change) =>
    serveExpress(
      express()
        .use((req, _res, next) => {
          change(req);
          next();
        })
        .use('/', toExpress(application)),
    ),
  'toFastify, onRequest': (application, change) =>
    mountBelow(application, (instance) =>
      instance.addHook('onRequest', async (request) =>
        change({ headers: request.headers } as IncomingMessage),
      ),
    ),
  'toFastify, preHandler': (application, change) =>
    mountBelow(application, (instance) =>
      instance.addHook('preHandler', async (request) => change(request.raw)),
    ),
  'toFastify, hijack': (application, change) =>
    mountBelow(
      application,
      (instance) => instance.addHook('onRequest', async (request) => change(request.raw)),
      { hijack: true },
    ),
  'toFastify below middie': (application, change) =>
    mountBelow(application, async (instance) => {
      await instance.register(middie);
      instance.use((req: unknown, _res: unknown, next: () => void) => {
        // Middie's type of a request is its own.
        change(req as IncomingMessage);
        next();
      });
    }),
};

/** The fields as an application sees them. */
type Seen = { keys: Record<string, unknown>; lines: readonly string[] | undefined };

const reportFields: Application = (environ, startResponse) => {
  const keys = Object.fromEntries(Object.entries(environ).filter(([key]) => /^HTTP_|^CONTENT_/.test(key)));
  startResponse('200 OK', []);
  return [JSON.stringify({ keys, lines: environ['gateway.raw_headers'] })];
};

const SENT: HeaderList = [
  ['X-User', 'evil'],
  ['authorization', 'Basic x'],
  ['Cookie', 'a=1'],
  ['X-TWICE', '1'],
  ['x-Twice', '2'],
  ['cookie', 'b=2'],
  ['Referer', 'one'],
  ['Referer', 'two'],
  ['x_user', 'odd'],
];

const RECEIVED = ['Host', 'site.test', ...SENT.flat()];

function without(...names: string[]): string[] {
  return RECEIVED.filter(
    (_text, index) => !names.includes((RECEIVED[index - (index % 2)] ?? '').toLowerCase()),
  );
}

describe.each(Object.entries(HOSTS))('%s', (_name, host) => {
  async function ask(change: Change, headers = SENT): Promise<Seen> {
    const site = await host(reportFields, change);
    return JSON.parse((await site.fetch({ headers })).content.toString());
  }

  it('changes nothing where the headers were only looked at, though node drops repeats', async () => {
    const seen = await ask((req) => void Object.keys(req.headers));
    expect(seen.lines).toEqual(RECEIVED);
    expect(seen.keys).toMatchObject({
      HTTP_X_TWICE: '1, 2',
      HTTP_REFERER: 'one, two',
      HTTP_COOKIE: 'a=1; b=2',
    });
  });

  it('removes what was deleted', async () => {
    const seen = await ask((req) => {
      delete req.headers['x-user'];
      delete req.headers.authorization;
      delete req.headers['x-twice'];
    });
    expect(seen.lines).toEqual(without('x-user', 'authorization', 'x-twice'));
    expect(seen.keys).not.toHaveProperty('HTTP_X_USER');
    expect(seen.keys).not.toHaveProperty('HTTP_AUTHORIZATION');
  });

  it('shows what was changed and added, in place, and all else as it was received', async () => {
    const seen = await ask((req) => {
      req.headers['x-user'] = 'verified';
      req.headers['x-added'] = 'new';
      req.headers.cookie = 'c=3';
      req.headers['x-twice'] = ['5', '6'];
      req.headers['x-count'] = 7 as never;
    });
    expect(seen.keys).toMatchObject({
      HTTP_X_USER: 'verified',
      HTTP_X_ADDED: 'new',
      HTTP_COOKIE: 'c=3',
      HTTP_X_TWICE: '5, 6',
      HTTP_X_COUNT: '7',
      HTTP_REFERER: 'one, two',
    });
    expect(seen.lines?.slice(0, 4)).toEqual(['Host', 'site.test', 'X-User', 'verified']);
    expect(seen.lines?.slice(-4)).toEqual(['x-added', 'new', 'x-count', '7']);
  });

  it('takes a name in another case for the same field', async () => {
    const seen = await ask((req) => {
      req.headers['X-User'] = 'verified';
    });
    expect(seen.keys.HTTP_X_USER).toBe('verified');
  });

  it('lets a wrapped app see the same, inside', async () => {
    const show = (req: IncomingMessage): string =>
      JSON.stringify([req.headers, req.rawHeaders, req.headersDistinct['x-user']]);
    const inner = fastify();
    inner.get('/', async (request) => show(request.raw));
    const programs: Application[] = [
      fromNode((req, res) => void res.end(show(req))),
      fromExpress(express().get('/', (req, res) => void res.send(show(req)))),
      fromFastify(inner),
    ];
    for (const program of programs) {
      const site = await host(program, (req) => {
        req.headers['x-user'] = 'verified';
        delete req.headers.authorization;
      });
      const [headers, lines, distinct] = JSON.parse((await site.fetch({ headers: SENT })).content.toString());
      expect(headers).toMatchObject({ 'x-user': 'verified', cookie: 'a=1; b=2', referer: 'one' });
      expect(headers).not.toHaveProperty('authorization');
      expect(lines).toEqual(without('authorization').map((text) => (text === 'evil' ? 'verified' : text)));
      expect(distinct).toEqual(['verified']);
    }
  });
});

describe('toFastify', () => {
  it('knows headers that were set by request.headers =, also over an invalid Content-Type', async () => {
    for (const hook of ['onRequest', 'preHandler'] as const) {
      const site = await mountBelow(reportFields, (instance) =>
        instance.addHook(hook, async (request) => {
          request.headers = { 'x-user': 'verified', 'x-added': 'new' };
        }),
      );
      const headers: HeaderList = [
        ['X-User', 'evil'],
        ['Content-Type', 'none'],
      ];
      const response = await site.fetch({ method: 'POST', headers, content: 'x' });
      const seen: Seen = JSON.parse(response.content.toString());
      expect(seen.keys).toMatchObject({ HTTP_X_USER: 'verified', HTTP_X_ADDED: 'new', CONTENT_TYPE: 'none' });
      expect(seen.lines?.slice(2)).toEqual([
        'X-User',
        'verified',
        'Content-Type',
        'none',
        'Content-Length',
        '1',
        'x-added',
        'new',
      ]);
    }
  });

  it('shows an invalid Content-Type as it was received', async () => {
    const site = await mountBelow(reportFields, () => {});
    const response = await site.fetch({ method: 'POST', headers: [['Content-Type', 'none']], content: 'x' });
    expect(JSON.parse(response.content.toString()).lines).toEqual([
      'Host',
      'site.test',
      'Content-Type',
      'none',
      'Content-Length',
      '1',
    ]);
  });
});

describe('over HTTP/2', () => {
  const CASES: readonly [string, Change, string | undefined][] = [
    ['what was received: :authority, whatever Host says', () => {}, 'good.test'],
    ['a changed host', (req) => void Object.assign(req.headers, { host: 'new.test' }), 'new.test'],
    [
      'a changed authority',
      (req) => void Object.assign(req.headers, { ':authority': 'new.test' }),
      'new.test',
    ],
  ];

  it.each(CASES)('has as Host %s', async (_name, change, expected) => {
    const listener = toNode(reportFields);
    const server = createHttp2Server((req, res) => {
      // The compatibility API has the same property.
      change(req as unknown as IncomingMessage);
      listener(req, res);
    });
    const { port } = await listen(server);
    for (const headers of [{ host: 'evil.test' }, {}, { 'x-a': ['1', '2'] }]) {
      const session = connect(`http://127.0.0.1:${port}`);
      atEnd(() => session.destroy());
      const stream = session.request({ ':authority': 'good.test', ...headers });
      let text = '';
      for await (const chunk of stream) text += chunk;
      const seen: Seen = JSON.parse(text);
      expect(seen.keys.HTTP_HOST).toBe(expected);
      expect(seen.lines?.filter((name, index) => index % 2 === 0 && /^host$|^:/.test(name))).toEqual([
        'host',
      ]);
    }
  });

  it('keeps Host where the request has no :authority', async () => {
    const { port } = await listen(createHttp2Server(toNode(reportFields)));
    const session = connect(`http://127.0.0.1:${port}`);
    atEnd(() => session.destroy());
    // Node's client adds :authority unless the list of names is raw.
    const stream = session.request({ ':method': 'GET', ':path': '/', ':scheme': 'http', host: 'only.test' });
    let text = '';
    for await (const chunk of stream) text += chunk;
    expect(JSON.parse(text).keys.HTTP_HOST).toBe('only.test');
  });
});
