/** Large content: what the far side does not take is not asked for, in either direction. */
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { HOSTS, site, until } from './fetch-site.ts';

const PIECE = new Uint8Array(65_536).fill(0x61);
const MIB = 1_048_576;
/** Octets that sockets, the kernel and streams on the way may hold. */
const ON_THE_WAY = 24 * MIB;
const TOTAL = 100 * MIB;

/** A stream of so many octets that counts what was asked for. */
function counted(total: number): { stream: ReadableStream<Uint8Array>; asked: () => number } {
  let asked = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (asked >= total) return controller.close();
      asked += PIECE.length;
      controller.enqueue(PIECE);
    },
  });
  return { stream, asked: () => asked };
}

describe.each(HOSTS)('on $name', (host) => {
  it('a response waits for a client that does not read', async () => {
    const { stream, asked } = counted(TOTAL);
    const { url } = await site(() => new Response(stream), { host });
    const { hostname, port, pathname } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.pause();
    socket.write(`GET ${pathname} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await until(() => asked() > 0, 'the first piece');
    let before = -1;
    await until(async () => {
      const isStill = asked() === before;
      before = asked();
      await new Promise((resolve) => setTimeout(resolve, 200));
      return isStill;
    }, 'the rest');
    expect(asked()).toBeLessThan(ON_THE_WAY);
    socket.destroy();
  });

  it('an upload waits for a handler that does not read', async () => {
    let read = async (): Promise<unknown> => undefined;
    let answer = (): void => {};
    const { url } = await site(
      async (request) => {
        const reader = request.body?.getReader();
        read = async () => reader?.read();
        await read();
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        let length = PIECE.length;
        for (let step = await reader?.read(); step?.done === false; step = await reader?.read())
          length += step.value.length;
        return Response.json(length > TOTAL / 2);
      },
      { host },
    );
    const { stream, asked } = counted(TOTAL);
    const sent = fetch(url, { method: 'POST', body: stream, duplex: 'half' });
    let before = -1;
    await until(async () => {
      const isStill = asked() > 0 && asked() === before;
      before = asked();
      await new Promise((resolve) => setTimeout(resolve, 200));
      return isStill;
    }, 'the pause');
    expect(asked()).toBeLessThan(ON_THE_WAY);
    answer();
    expect(await (await sent).json()).toBe(true);
    expect(asked()).toBeGreaterThanOrEqual(TOTAL);
  }, 30_000);
});
