/** Memory that a wrapped program gives away is not told to be free before the operating system has it, or it was copied. */

import { once } from 'node:events';
import { createServer as createNodeServer, type RequestListener, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { toExpress } from '../../bridges/express/index.ts';
import { toFastify } from '../../bridges/fastify/index.ts';
import { fromNode, toNode } from '../../bridges/node/index.ts';
import { buildEnviron } from '../../src/testing/index.ts';
import type { ApplicationFunction, Body, Environ } from '../../src/wsgi.ts';
import { type Listening, listen, listenNode, listenOurs, until } from './side-by-side.ts';

/** Ways to answer with memory and to hear that it is free again. */
const ANSWERS: Readonly<Record<string, (res: ServerResponse, memory: Buffer, free: () => void) => void>> = {
  "end, 'finish'": (res, memory, free) => res.on('finish', free).end(memory),
  "end, then 'finish'": (res, memory, free) => res.end(memory).on('finish', free),
  "end, 'close'": (res, memory, free) => res.on('close', free).end(memory),
  'the callback of end': (res, memory, free) => res.end(memory, free),
  'the callback of write': (res, memory, free) => {
    res.setHeader('Content-Length', memory.length);
    res.write(memory, free);
    res.end();
  },
  'the callback of write, in chunks': (res, memory, free) => {
    res.write(memory, free);
    res.end();
  },
  "end in a later turn, 'finish'": (res, memory, free) =>
    setImmediate(() => res.on('finish', free).end(memory)),
};

const HOSTS: Readonly<Record<string, (application: ApplicationFunction) => Promise<Listening>>> = {
  'the standalone server': (application) => listenOurs(application),
  toNode: (application) => listenNode(toNode(application)),
  toExpress: (application) => listen(createNodeServer(express().use(toExpress(application)))),
  async toFastify(application) {
    const instance = fastify();
    await instance.register(toFastify(application));
    await instance.ready();
    return listen(instance.server);
  },
};

/** The same memory answers all requests of one size, filled with the letter of each path. */
function pooled(
  size: number,
  answer: (res: ServerResponse, memory: Buffer, free: () => void) => void,
): RequestListener {
  const pool: Buffer[] = [];
  return (req, res) => {
    const memory = pool.pop() ?? Buffer.alloc(size);
    memory.fill(req.url?.slice(1) ?? '');
    answer(res, memory, () => pool.push(memory));
  };
}

const get = (letter: string) => `GET /${letter} HTTP/1.1\r\nHost: a\r\n\r\n`;

/** Asks often and reads nothing until `others` have been served; gives the letters of the content. */
async function letters(port: number, count: number, others: () => Promise<void>): Promise<Set<string>> {
  const client = connect(port, '127.0.0.1').pause();
  await once(client, 'connect');
  client.write(get('a').repeat(count));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await others();
  const found = new Set<string>();
  let answers = 0;
  let rest = '';
  client.on('data', (piece) => {
    const text = rest + piece.toString('latin1');
    answers += text.split('HTTP/1.1 200').length - 1;
    rest = text.slice(-11);
    for (const letter of ['aaaaaaaa', 'bbbbbbbb']) if (text.includes(letter)) found.add(letter);
  });
  client.resume();
  await until(() => answers >= count);
  client.destroy();
  return found;
}

async function askOften(port: number, count: number): Promise<void> {
  const client: Socket = connect(port, '127.0.0.1');
  let octets = '';
  client.on('data', (piece) => {
    octets += piece.toString('latin1').replaceAll(/(.)\1{20,}/g, '$1');
  });
  for (let index = 1; index <= count; index += 1) {
    client.write(get('b'));
    await until(() => octets.split('HTTP/1.1 200').length > index);
  }
  client.destroy();
}

describe.each(Object.entries(HOSTS))('memory of a program in %s', (_name, host) => {
  it.each(
    [100, 4_096, 15_000, 70_000].flatMap((size) => Object.keys(ANSWERS).map((how) => [size, how] as const)),
  )('is kept until it has gone: %i octets, %s', async (size, how) => {
    const answer = ANSWERS[how];
    if (answer === undefined) throw new Error(how);
    const server = await host(fromNode(pooled(size, answer)));
    const count = Math.min(1_500, Math.ceil(12_000_000 / size));
    const found = await letters(server.port, count, () => askOften(server.port, 5));
    expect([...found]).toEqual(['aaaaaaaa']);
    await server.close();
  });
});

describe('a gateway with nothing but PEP 3333', () => {
  async function call(listener: RequestListener): Promise<Body> {
    const environ: Environ = buildEnviron('/');
    for (const key of Object.keys(environ)) if (key.startsWith('gateway.')) delete environ[key];
    return fromNode(listener)(environ, () => async () => {});
  }

  it.each(Object.keys(ANSWERS))('gets a copy of little: %s', async (how) => {
    const memory = Buffer.alloc(16_000, 'a');
    let isFree = false;
    const body = await call((_req, res) => {
      ANSWERS[how]?.(res, memory, () => {
        isFree = true;
        memory.fill('b');
      });
    });
    await until(() => isFree);
    let text = '';
    for await (const chunk of body) text += Buffer.from(chunk as Uint8Array).toString();
    expect(text).toBe('a'.repeat(16_000));
  });

  it.each(Object.keys(ANSWERS))(
    'gets an iterable of more, which tells when it has been read: %s',
    async (how) => {
      const memory = Buffer.alloc(100_000, 'a');
      let isFree = false;
      const body = await call((_req, res) => {
        ANSWERS[how]?.(res, memory, () => {
          isFree = true;
          memory.fill('b');
        });
      });
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(isFree).toBe(false);
      expect(typeof body.close).toBe('function');
      let text = '';
      for await (const chunk of body) text += Buffer.from(chunk as Uint8Array).toString();
      await body.close?.();
      expect(text).toBe('a'.repeat(100_000));
      await until(() => isFree);
    },
  );

  it('is told the length of a response that is complete at once', async () => {
    const heads: string[][] = [];
    const environ: Environ = buildEnviron('/');
    for (const key of Object.keys(environ)) if (key.startsWith('gateway.')) delete environ[key];
    const application = fromNode((_req, res) => res.end(Buffer.alloc(100_000)));
    await application(environ, (_status, headers) => {
      heads.push(headers.map(([name, value]) => `${name}: ${value}`));
      return async () => {};
    });
    expect(heads).toEqual([['Content-Length: 100000']]);
  });
});
