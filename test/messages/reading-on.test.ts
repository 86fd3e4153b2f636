/** A program that has begun to read its request reads on after its answer, on every host; what nobody reads is thrown away. */
import { once } from 'node:events';
import { createServer as createNodeServer, type IncomingMessage, type RequestListener } from 'node:http';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { toExpress } from '../../bridges/express/index.ts';
import { toFastify } from '../../bridges/fastify/index.ts';
import { fromNode, toNode } from '../../bridges/node/index.ts';
import { type Listening, listen, listenNode, listenOurs, pause } from './side-by-side.ts';

type Note = (octets: number) => void;

/** Requests that have had their pause. */
const paused = new WeakSet<IncomingMessage>();

/** Ways to read a request. */
const READERS: Readonly<Record<string, (req: IncomingMessage, note: Note) => unknown>> = {
  pipe: (req, note) => req.pipe(new PassThrough()).on('data', (piece: Buffer) => note(piece.length)),
  "'data'": (req, note) => req.on('data', (piece: Buffer) => note(piece.length)),
  "'data', with pauses": (req, note) =>
    req.on('data', (piece: Buffer) => {
      note(piece.length);
      req.pause();
      setTimeout(() => req.resume(), 1);
    }),
  "'readable'": (req, note) =>
    req.on('readable', () => {
      for (let piece = req.read(); piece !== null; piece = req.read()) note(piece.length);
    }),
  async iteration(req, note) {
    for await (const piece of req) {
      note(piece.length);
      await pause(1);
    }
  },
  "'data', paused in the middle for long": (req, note) =>
    req.on('data', (piece: Buffer) => {
      note(piece.length);
      if (!paused.has(req)) {
        paused.add(req);
        req.pause();
        setTimeout(() => req.resume(), 250);
      }
    }),
  'read(n), one by one': (req, note) => {
    req.on('readable', () => {
      const step = (): void => {
        const piece: Buffer | null = req.read(Math.min(1000, req.readableLength || 1));
        if (piece === null) return;
        note(piece.length);
        setImmediate(step);
      };
      step();
    });
  },
  'once, then a pipe': (req, note) =>
    req.once('data', (first: Buffer) => {
      req.pause();
      req.unshift(first);
      setTimeout(() => req.pipe(new PassThrough()).on('data', (piece: Buffer) => note(piece.length)), 50);
    }),
};

/** When the program answers. */
const MOMENTS: Readonly<Record<string, (answer: () => void, req: IncomingMessage) => unknown>> = {
  'at once': (answer) => answer(),
  'after a promise': async (answer) => {
    await Promise.resolve();
    answer();
  },
  'in a later turn': (answer) => setImmediate(answer),
  'after a first piece': (answer, req) => req.once('data', answer),
};

const HOSTS: Readonly<Record<string, (listener: RequestListener) => Promise<Listening>>> = {
  'node:http': (listener) => listenNode(listener),
  'the standalone server': (listener) => listenOurs(fromNode(listener)),
  toNode: (listener) => listenNode(toNode(fromNode(listener))),
  toExpress: (listener) => listen(createNodeServer(express().use(toExpress(fromNode(listener))))),
  async toFastify(listener) {
    const instance = fastify();
    await instance.register(toFastify(fromNode(listener)));
    await instance.ready();
    return listen(instance.server);
  },
};

const CASES = Object.keys(READERS).flatMap((reader) =>
  Object.keys(MOMENTS).flatMap((moment) =>
    [300_000, 3_000_000].map((length) => [reader, moment, length] as const),
  ),
);

/** Sends a POST with so much content, and a GET behind it, and waits for both answers. */
async function expectBothAnswers(server: Listening, length: number): Promise<void> {
  const client = connect(server.port, '127.0.0.1');
  let answers = '';
  client.on('data', (piece) => {
    answers += piece.toString('latin1');
  });
  client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`);
  client.write(Buffer.alloc(length));
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await expect.poll(() => answers, { timeout: 10_000 }).toMatch(/accepted.*next/s);
  client.destroy();
  await server.close();
}

describe.each(Object.entries(HOSTS))('a program on %s', (name, host) => {
  it.each(CASES)('reads on: by %s, answers %s, %i octets', async (reader, moment, length) => {
    // node:http throws the content away before its listener for 'readable' has its first turn, and while nothing flows.
    if (name === 'node:http' && reader === 'read(n), one by one') return;
    if (name === 'node:http' && reader === "'readable'" && moment === 'at once') return;
    let octets = 0;
    const server = await host((req, res) => {
      READERS[reader]?.(req, (more) => {
        octets += more;
      });
      MOMENTS[moment]?.(() => res.writeHead(202).end('accepted'), req);
    });
    const client = connect(server.port, '127.0.0.1');
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`);
    client.write(Buffer.alloc(length));
    client.resume();
    await expect.poll(() => octets, { timeout: 10_000 }).toBe(length);
    client.destroy();
    await server.close();
  });

  it.each<[string, (req: IncomingMessage) => void]>([
    ['pipes and unpipes', (req) => req.pipe(new PassThrough()) && req.unpipe()],
    ['resumes and pauses', (req) => req.resume().pause()],
    ['adds and removes a listener', (req) => req.on('data', ignore).pause().off('data', ignore)],
  ])('does not read, and the next request is served, if it %s at once', async (_name, touch) => {
    // node:http of Node 26 leaves the request unread, and its connection unused; that of Node 20 serves the next one.
    if (name === 'node:http') return;
    const server = await host((req, res) => {
      if (req.method === 'POST') touch(req);
      res.end(req.method === 'POST' ? 'accepted' : 'next');
    });
    await expectBothAnswers(server, 300_000);
  });

  it('gives the rest up once it has unpiped the request, and serves the next one', async () => {
    const server = await host((req, res) => {
      if (req.method === 'GET') {
        res.end('next');
        return;
      }
      const target = new PassThrough();
      req.pipe(target);
      res.writeHead(202).end('accepted');
      setTimeout(() => {
        req.unpipe(target);
        // node:http itself leaves the request unread, and its connection unused.
        if (name === 'node:http') req.resume();
      }, 30);
    });
    await expectBothAnswers(server, 500_000);
  });

  it('cuts the connection if it destroys the request', async () => {
    const server = await host((req, res) => {
      req.once('data', () => {
        res.writeHead(202).end('accepted');
        setTimeout(() => req.destroy(), 30);
      });
    });
    const client = connect(server.port, '127.0.0.1').on('error', () => {});
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n');
    client.write(Buffer.alloc(100_000));
    client.resume();
    await once(client, 'close');
    await server.close();
  });
});

function ignore(): void {}
