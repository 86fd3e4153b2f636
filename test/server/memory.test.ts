/** Memory that content leaves behind: in the connection, and in pieces that an application keeps. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import { fromNode } from '../../bridges/node/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { echo, type RunningServer, startServer } from './support.ts';

let running: RunningServer;
afterEach(() => running.stop());

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Octets of buffers that are alive. */
async function bufferMemory(): Promise<number> {
  for (let count = 0; count < 3; count += 1) {
    await delay(20);
    collect();
  }
  return process.memoryUsage().arrayBuffers;
}

const post = (length: number): string => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`;

const APPLICATIONS: Record<string, Application> = {
  'a gateway application': async (environ, startResponse) => {
    await echo(environ, startResponse);
    return ['ok'];
  },
  'a wrapped program': fromNode((request, response) => {
    request.resume().on('end', () => response.end('ok'));
  }),
  'an application that does not read': (_environ, startResponse) => {
    startResponse('200 OK', []);
    return ['ok'];
  },
};

describe.each(Object.entries(APPLICATIONS))('a kept connection of %s', (_name, application) => {
  const CLIENTS = 40;

  it.each([40_000, 200_000])('holds no buffers after one POST of %d octets', async (size) => {
    running = await startServer(application, { keepAliveTimeout: 60_000 });
    const clients = Array.from({ length: CLIENTS }, () => running.connect());
    const postAll = (length: number): Promise<unknown> =>
      Promise.all(
        clients.map(async (client) => {
          client.send(post(length));
          await delay(5);
          client.send('x'.repeat(length));
          expect((await client.readResponse()).statusCode).toBe(200);
        }),
      );
    await postAll(10);
    const before = await bufferMemory();
    await postAll(size);
    expect(((await bufferMemory()) - before) / CLIENTS).toBeLessThan(10_000);
  });
});

describe('pieces of content that an application keeps', () => {
  it.each([
    ['16,500 and 1 octets by turns', [16_500, 1]],
    ['40,000 and 1 octets by turns', [40_000, 1]],
    ['20,000 octets', [20_000]],
    ['33,000 octets', [33_000]],
    ['65,536 octets', [65_536]],
  ])('hold at most about twice their size, sent as %s', async (_name, sizes) => {
    const kept: Uint8Array[] = [];
    let noted = 0;
    running = await startServer(async (environ, startResponse) => {
      for await (const piece of environ['wsgi.input'].chunks()) {
        kept.push(piece);
        noted += piece.length;
      }
      startResponse('200 OK', []);
      return ['ok'];
    });
    const client = running.connect();
    const total = 50 * sizes.reduce((sum, size) => sum + size, 0);
    const accepted = once(running.server, 'connection') as Promise<[Socket]>;
    client.send(post(total));
    await accepted;
    let sent = 0;
    for (let count = 0; count < 50; count += 1) {
      for (const size of sizes) {
        client.send(Buffer.alloc(size));
        sent += size;
        while (noted < sent) await delay(1);
      }
    }
    await client.readResponse();
    const buffers = new Set(kept.map(({ buffer }) => buffer));
    const held = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
    expect(held / total).toBeLessThan(2.2);
  });
});
