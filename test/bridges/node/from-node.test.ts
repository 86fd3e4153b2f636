/** A request listener on node:http and on the standalone server: the same octets, and errors arrive. */

import type { RequestListener, ServerResponse } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import express, { type ErrorRequestHandler } from 'express';
import fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toExpress } from '../../../bridges/express/index.ts';
import { fromNode, toNode } from '../../../bridges/node/index.ts';
import {
  type Listening,
  listen,
  listenNode,
  listenOurs,
  pause,
  request,
  transcript,
  until,
} from '../../messages/side-by-side.ts';

type Answer = readonly [name: string, run: (res: ServerResponse) => unknown];

/** Ways to answer; head and framing are compared with node's. */
const ANSWERS: readonly Answer[] = [
  ['end with a string', (res) => res.end('text')],
  ['end with octets', (res) => res.end(Buffer.from([0, 255]))],
  ['end with nothing', (res) => res.end()],
  ['end with an encoding', (res) => res.end('68692e', 'hex')],
  ['latin-1 beside a string', (res) => res.setHeader('X-A', 'caf\xe9').end('é')],
  ['latin-1 beside a string in latin-1', (res) => res.setHeader('X-A', 'caf\xe9').end('é', 'latin1')],
  ['latin-1 beside octets', (res) => res.setHeader('X-A', 'caf\xe9').end(Buffer.from('é'))],
  ['latin-1 in front of chunks', (res) => write(res.setHeader('X-A', 'caf\xe9'), 'é')],
  ['latin-1 in a flushed head', (res) => flush(res.setHeader('X-A', 'caf\xe9')).end('x')],
  ['a disposition', (res) => res.setHeader('Content-Disposition', DISPOSITION).end(Buffer.from('x'))],
  ['a disposition beside a string', (res) => res.setHeader('Content-Disposition', [DISPOSITION]).end('x')],
  ['a disposition without length', (res) => res.writeHead(200, { 'content-disposition': DISPOSITION }).end()],
  ['a reason in latin-1', (res) => res.writeHead(200, 'caf\xe9').end(Buffer.from('x'))],
  ['an empty reason', (res) => res.writeHead(200, '').end('x')],
  ['an unknown status', (res) => res.writeHead(799).end('x')],
  ['fields in a flat array', (res) => res.writeHead(200, ['A', '1', 'A', '2', 'b', '3']).end()],
  ['fields in pairs', (res) => res.writeHead(200, PAIRS as never).end()],
  [
    'fields in an object',
    (res) => res.writeHead(200, { A: 1, b: ['2', '3'], 'Set-Cookie': ['a', 'b'] }).end('x'),
  ],
  [
    'fields over fields',
    (res) => res.setHeader('a', '0').setHeader('B', '1').writeHead(200, { A: '2' }).end('x'),
  ],
  ['a map of fields', (res) => res.setHeaders(new Map(PAIRS)).end('x')],
  ['fields that are appended', (res) => res.appendHeader('A', '1').appendHeader('a', ['2', '3']).end('x')],
  ['a joined Cookie', (res) => res.setHeader('Cookie', ['a', 'b']).end('x')],
  ['a removed field', (res) => remove(res.setHeader('a', '1').setHeader('B', '2'), 'A').end('x')],
  ['no Date', (res) => Object.assign(res, { sendDate: false }).end('x')],
  ['a removed Date', (res) => remove(res, 'date').end('x')],
  ['a Date of its own', (res) => res.setHeader('date', 'today').end('x')],
  [
    'Connection: close',
    (res) => res.setHeader('A', '1').setHeader('connection', 'close').setHeader('b', '2').end(),
  ],
  ['a Keep-Alive of its own', (res) => res.setHeader('Keep-Alive', 'timeout=99').end('x')],
  ['no persistence', (res) => Object.assign(res, { shouldKeepAlive: false }).end('x')],
  ['chunks on demand', (res) => res.setHeader('transfer-encoding', 'chunked').setHeader('A', '1').end('x')],
  ['a removed Content-Length', (res) => remove(res, 'content-length').end('x')],
  ['a proxy that wants to know', (res) => res.writeHead(407, { 'Proxy-Authenticate': 'Basic' }).end()],
  ['a Content-Length', (res) => res.writeHead(200, { 'content-length': 4 }).end('text')],
  ['a Content-Length in pieces', (res) => write(res.setHeader('Content-Length', '4'), 'te', 'xt')],
  ['204 with a Content-Type', (res) => res.writeHead(204, { 'Content-Type': 'text/plain' }).end('x')],
  ['304 with a Content-Length', (res) => res.writeHead(304, { 'Content-Length': '7', ETag: '"x"' }).end()],
  ['an empty write', (res) => write(res, '', 'x')],
  ['an empty end of writes', (res) => write(res, 'x', '')],
  ['CRLF in a chunk of its own', (res) => write(res, 'a', Buffer.from('\r\n'), '0\r\n')],
  ['large writes', (res) => write(res, 'x'.repeat(99_000), Buffer.alloc(70_000, 'y'), '')],
];

const PAIRS: [string, string][] = [
  ['A', '1'],
  ['b', '2'],
];
const DISPOSITION = 'attachment; filename="\xe9.txt"';

function write(res: ServerResponse, ...pieces: (string | Uint8Array)[]): void {
  const last = pieces.pop();
  for (const piece of pieces) res.write(piece);
  res.end(last);
}

function remove(res: ServerResponse, name: string): ServerResponse {
  res.removeHeader(name);
  return res;
}

function flush(res: ServerResponse): ServerResponse {
  res.flushHeaders();
  return res;
}

/** Answers `/3` in the third way, and `/3/later` in the same way a little later. */
const answer: RequestListener = (req, res) => {
  const [, index = '0', later] = req.url?.split('/') ?? [];
  const [, run = () => {}] = ANSWERS[Number(index)] ?? [];
  if (later === undefined) void run(res);
  else setTimeout(() => void run(res), 1);
};

let node: Listening;
let ours: Listening;

beforeAll(async () => {
  node = await listenNode(answer);
  ours = await listenOurs(fromNode(answer));
});

afterAll(async () => {
  await Promise.all([node.close(), ours.close()]);
});

describe('fromNode', () => {
  it.each(ANSWERS.map(([name], index) => [name, index]))(
    'frames as node:http does: %s',
    async (_name, index) => {
      for (const target of [`/${index}`, `/${index}/later`]) {
        for (const method of ['GET', 'HEAD']) {
          const text = request(method, target);
          expect(await transcript(ours, text)).toBe(await transcript(node, text));
          const kept = text.replace('Connection: close\r\n', '');
          const steps = [kept, 'answer', kept, 'answer', 'end'] as const;
          expect(await transcript(ours, ...steps)).toBe(await transcript(node, ...steps));
        }
        const old = `GET ${target} HTTP/1.0\r\n\r\n`;
        const expected = await transcript(node, old);
        // RFC 9112 §6.1 forbids chunks in HTTP/1.0; node sends them if the program says so.
        if (/transfer-encoding/i.test(expected)) expect(await transcript(ours, old)).toMatch(/\r\n\r\nx$/);
        else expect(await transcript(ours, old)).toBe(expected);
      }
    },
  );

  it.each([
    ['keep-alive', {}],
    ['Upgrade', { Upgrade: 'x' }],
  ])('sends Connection: %s where the program puts it, unless the connection ends', async (value, more) => {
    const listener: RequestListener = (_req, res) =>
      res.writeHead(426, { ...more, connection: value, A: '1' }).end('x');
    const [plain, wrapped] = [await listenNode(listener), await listenOurs(fromNode(listener))];
    const kept = request('GET', '/').replace('Connection: close\r\n', '');
    expect(await transcript(wrapped, kept, 'answer', 'end')).toBe(
      await transcript(plain, kept, 'answer', 'end'),
    );
    // RFC 9112 §9.6: a server that closes says so; node sends the program's value.
    expect(await transcript(wrapped, request('GET', '/'))).toContain('\r\nconnection: close\r\nA: 1\r\n');
    await Promise.all([plain.close(), wrapped.close()]);
  });

  it('passes on the value that the listener throws or rejects with', async () => {
    const thrown = Object.assign(new Error('thrown'), { status: 418 });
    const programs: RequestListener[] = [
      () => {
        throw thrown;
      },
      async () => {
        await pause(1);
        throw thrown;
      },
    ];
    for (const program of programs) {
      let caught: unknown;
      const onError: ErrorRequestHandler = (error, _req, res, _next) => {
        caught = error;
        res.status(error.status).end();
      };
      const server = await listenNode(express().use(toExpress(fromNode(program)), onError));
      expect(await transcript(server, request('GET', '/'))).toMatch(/^HTTP\/1\.1 418 /);
      expect(caught).toBe(thrown);
      await server.close();
    }
  });

  it('cuts off a response whose listener fails after the head', async () => {
    const server = await listenOurs(
      fromNode(async (_req, res) => {
        res.write('some');
        await pause(5);
        throw new Error('too late');
      }),
    );
    const text = await transcript(server, request('GET', '/')).catch((error: Error) => error.message);
    expect(text).not.toContain('0\r\n\r\n');
    await until(() => server.log.length > 0);
    expect(server.log.join('')).toContain('too late');
    await server.close();
  });

  it('sends a response that was complete before its listener failed and logs the failure', async () => {
    const server = await listenOurs(
      fromNode((_req, res) => {
        res.end('complete');
        throw new Error('afterwards');
      }),
    );
    expect(await transcript(server, request('GET', '/'))).toMatch(/complete$/);
    expect(server.log.join('')).toContain('afterwards');
    await server.close();
  });

  it('closes the messages of a listener that failed', async () => {
    const trail: string[] = [];
    const server = await listenOurs(
      fromNode((_req, res) => {
        res.on('finish', () => trail.push('finish')).on('close', () => trail.push(`close ${res.destroyed}`));
        throw new Error('thrown');
      }),
    );
    expect(await transcript(server, request('GET', '/'))).toMatch(/^HTTP\/1\.1 500 /);
    expect(trail).toEqual(['close true']);
    await server.close();
  });

  it('shows a mounted listener the rest of the target', async () => {
    const app = express().use(
      '/m%C3%BC',
      toExpress(fromNode((req, res) => void res.end(`${req.url} ${req.method}`))),
    );
    const server = await listenNode(app);
    const paths = ['/m%C3%BC', '/m%C3%BC/', '/m%C3%BC?q', '/m%C3%BC/a%2Fb/?x=%20', '/M%c3%bc//x'];
    const seen: string[] = [];
    for (const path of paths)
      seen.push((await transcript(server, request('GET', path))).split('\r\n\r\n')[1] ?? '');
    expect(seen).toEqual(['/ GET', '/ GET', '/?q GET', '/a%2Fb/?x=%20 GET', '//x GET']);
    await server.close();
  });

  it('shows an absolute-form target as node does, with the Host of RFC 9112 §3.2.2', async () => {
    const listener: RequestListener = (req, res) => void res.end(`${req.url} ${req.headers.host}`);
    const server = await listenOurs(fromNode(listener));
    const text = await transcript(server, request('GET', 'http://other.test:81/p?q'));
    expect(text).toMatch(/http:\/\/other\.test:81\/p\?q other\.test:81$/);
    await server.close();
  });

  it('joins repeated fields if told to', async () => {
    const listener: RequestListener = (req, res) => void res.end(req.headers['user-agent']);
    const text = request('GET', '/', ['User-Agent: a', 'User-Agent: b']);
    const answers: string[] = [];
    for (const joinDuplicateHeaders of [undefined, true]) {
      const server = await listenOurs(fromNode(listener, { joinDuplicateHeaders }));
      answers.push((await transcript(server, text)).split('\r\n\r\n')[1] ?? '');
      await server.close();
    }
    expect(answers).toEqual(['a', 'a, b']);
  });

  it('runs under the compatibility API of HTTP/2', async () => {
    const listener: RequestListener = (req, res) => {
      let content = '';
      req.setEncoding('utf8').on('data', (text) => {
        content += text;
      });
      req.on('end', () => {
        res.writeHead(201, { 'x-version': req.httpVersion, Connection: 'close' });
        res.write(content);
        setImmediate(() => res.end('!'));
      });
    };
    const server = createHttp2Server(toNode(fromNode(listener)));
    const listening = await listen(server);
    const session = connectHttp2(`http://127.0.0.1:${listening.port}`);
    const stream = session.request({ ':method': 'POST', ':path': '/x' });
    let content = '';
    const fields = new Promise<Record<string, unknown>>((resolve) => stream.on('response', resolve));
    stream.setEncoding('utf8').on('data', (text) => {
      content += text;
    });
    stream.end('hello');
    await new Promise((resolve) => stream.on('end', resolve));
    expect(await fields).toMatchObject({ ':status': 201, 'x-version': '2.0' });
    expect(content).toBe('hello!');
    session.close();
    await listening.close();
  });

  it('bounds memory by the pace of the client', async () => {
    let written = 0;
    const piece = Buffer.alloc(65_536, 'x');
    const server = await listenOurs(
      fromNode((_req, res) => {
        const fill = (): void => {
          while (written < 400 && res.write(piece)) written += 1;
          written += 1;
          if (written >= 400) res.end();
        };
        res.on('drain', fill);
        fill();
      }),
    );
    const socket = connect(server.port, '127.0.0.1');
    socket.pause();
    socket.write(request('GET', '/'));
    let before = -1;
    while (before !== written) {
      before = written;
      await pause(60);
    }
    // The most that the kernel buffers on both sides.
    expect(written).toBeLessThan(300);
    let length = 0;
    socket.on('data', (octets) => {
      length += octets.length;
    });
    socket.resume();
    await new Promise((resolve) => socket.on('close', resolve));
    expect(length).toBeGreaterThan(400 * piece.length);
    await server.close();
  });

  it('reads content no faster than the listener does', async () => {
    let length = 0;
    let resume = (): void => {};
    const server = await listenOurs(
      fromNode((req, res) => {
        req.on('data', (octets: Buffer) => {
          length += octets.length;
          if (length < 100_000) {
            req.pause();
            resume = () => void req.resume();
          }
        });
        req.on('end', () => res.end(`${length}`));
      }),
    );
    const size = 30_000_000;
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`);
    socket.write(Buffer.alloc(size));
    await until(() => length > 0);
    await pause(100);
    expect(length).toBeLessThan(1_000_000);
    expect(socket.writableLength).toBeGreaterThan(0);
    while (length < 100_000) {
      resume();
      await pause(5);
    }
    let text = '';
    socket.on('data', (octets) => {
      text += octets;
    });
    await new Promise((resolve) => socket.on('close', resolve));
    expect(text).toMatch(new RegExp(`${size}$`));
    await server.close();
  });

  it.each([undefined, {}, 'listener'])('refuses a value that is not a function: %j', (value) => {
    expect(() => fromNode(value as never)).toThrow(TypeError);
  });

  it('returns an application, not a listener', () => {
    const application = fromNode((_req, res) => void res.end());
    expect(() => application({} as never, {} as never)).toThrow(
      /without startResponse: mount it by toExpress/,
    );
  });

  it('tells how to pass an instance of Fastify', () => {
    expect(() => fromNode(fastify() as never)).toThrow(/use fromFastify for an instance of Fastify$/);
    expect(() => fromNode({ fetch() {} } as never)).toThrow(/use fromFetch for an app with fetch/);
    expect(() => fromNode({ callback() {} } as never)).toThrow(/pass app\.callback\(\)/);
    expect(() => fromNode({} as never)).toThrow(/use fromFastify .* and fromFetch /);
    expect(() => fromNode(null as never)).toThrow(/use fromFastify .* and fromFetch /);
  });

  it('calls the listener with the server as this', async () => {
    let self: unknown;
    const server = await listenOurs(
      fromNode(function listener(this: unknown, req, res) {
        self = this;
        res.end(`${(req.socket as unknown as { server: unknown }).server === this}`);
      }),
    );
    expect(await transcript(server, request('GET', '/'))).toMatch(/true$/);
    expect((self as { address(): AddressInfo }).address().port).toBe(server.port);
    await server.close();
  });
});
