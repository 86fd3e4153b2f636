/** Clients that leave at any point of a request or a response leave nothing behind. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { HOSTS, type HostProcess, startHost } from './child.ts';

const CUTS = 1000;
const AT_ONCE = 20;

/** Mulberry32: the same cuts in every run. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const content = 'x'.repeat(200_000);
const chunked = `${'1000\r\n'.concat('x'.repeat(0x1000), '\r\n').repeat(40)}0\r\n\r\n`;

/** Returns the requests to cut, below a mount. */
function requests(mount: string): string[] {
  const head = (start: string): string => `${start} HTTP/1.1\r\nHost: a\r\n`;
  return [
    `${head(`GET ${mount}/`)}\r\n`.repeat(3),
    `${head(`GET ${mount}/download?300000`)}\r\n`,
    `${head(`GET ${mount}/drip?200`)}\r\n`,
    `${head(`POST ${mount}/upload`)}Content-Length: ${content.length}\r\n\r\n${content}`,
    `${head(`POST ${mount}/upload`)}Transfer-Encoding: chunked\r\n\r\n${chunked}`,
    `${head(`POST ${mount}/`)}Content-Length: ${content.length}\r\n\r\n${content}`,
  ];
}

/** Sends a part of a request, reads a part of the response, and leaves. */
async function cut(host: HostProcess, random: () => number): Promise<void> {
  const all = requests(host.mount);
  const request = all[Math.floor(random() * all.length)] ?? '';
  const socket = host.connect();
  await once(socket, 'connect');
  const isWhole = random() < 0.6;
  socket.write(isWhole ? request : request.slice(0, Math.floor(random() * request.length)));
  const way = random();
  const enough = random() * 100_000;
  let length = 0;
  socket.on('data', (piece) => {
    length += piece.length;
    if (length >= enough) leave();
  });
  const leave = (): void => {
    if (socket.destroyed) return;
    if (way < 0.4) socket.resetAndDestroy();
    else if (way < 0.9) socket.destroy();
    else socket.end();
  };
  await delay(random() * 20);
  leave();
  await delay(20);
  socket.destroy();
}

describe.each(HOSTS)('cuts: %s', (name) => {
  it(`leaves nothing open after ${CUTS} requests cut off at random`, { timeout: 120_000 }, async () => {
    const host = await startHost(name);
    try {
      const random = createRandom(8124);
      for (let count = 0; count < CUTS; count += AT_ONCE) {
        await Promise.all(Array.from({ length: AT_ONCE }, () => cut(host, random)));
      }
      await vi.waitFor(
        async () => {
          const { open, faults, connections } = await host.report();
          expect({ ...open, ...faults, connections }).toEqual({
            applications: 0,
            iterations: 0,
            bodies: 0,
            doubleCloses: 0,
            connections: 0,
          });
        },
        { timeout: 20_000, interval: 200 },
      );
      // The host still serves.
      const socket = host.connect();
      socket.write(`GET ${host.mount}/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
      expect(Buffer.concat(await socket.toArray()).toString()).toMatch(/^HTTP\/1\.1 200 .*Hello/s);
    } finally {
      await host.stop();
    }
  });
});
