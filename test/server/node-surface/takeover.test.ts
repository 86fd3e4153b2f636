/** Who gets a connection that asks for another protocol, as listeners come and go. The same steps run on node:http. */
import { once } from 'node:events';
import { createServer as createNodeServer, type Server as NodeServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fromNode } from '../../../bridges/node/index.ts';
import { createServer, type Server } from '../../../src/server/index.ts';
import { type Listening, listen } from '../../messages/side-by-side.ts';

const CONNECT = 'CONNECT b.example:1 HTTP/1.1\r\nHost: b.example:1\r\n\r\n';
const UPGRADE = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n';
const EXPECT = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx';

/** The common part of both servers. */
type EitherServer = NodeServer | Server;

const answer = (_request: unknown, response: { end(text: string): void }): void => response.end('Hello');

const servers: [string, () => EitherServer][] = [
  ['node:http', () => createNodeServer(answer)],
  ['the standalone server', () => createServer(fromNode(answer))],
];

let listening: Listening;
afterEach(() => listening.close());

/** A client that notes what it gets, also a reset. */
function open(port: number): { socket: Socket; text(): string } {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  let text = '';
  socket.setEncoding('latin1').on('data', (piece) => {
    text += piece;
  });
  return { socket, text: () => text };
}

describe.each(servers)('on %s', (name, make) => {
  const isOurs = name !== 'node:http';

  it('CONNECT whose listener has gone since the connection was opened ends that connection alone', async () => {
    const server = make();
    listening = await listen(server);
    server.once('connect', (_request, socket: Socket) => socket.end('HTTP/1.1 200 OK\r\n\r\ntunnel'));
    const first = open(listening.port);
    const second = open(listening.port);
    await Promise.all([once(first.socket, 'connect'), once(second.socket, 'connect')]);
    await vi.waitFor(async () => expect(await connections(server)).toBe(2));
    first.socket.write(CONNECT);
    await once(first.socket, 'close');
    expect(first.text()).toBe('HTTP/1.1 200 OK\r\n\r\ntunnel');
    second.socket.write(CONNECT);
    await once(second.socket, 'end');
    // docs/http.md: node:http says nothing.
    expect(second.text()).toMatch(isOurs ? /^HTTP\/1\.1 501 / : /^$/);
    second.socket.resetAndDestroy();
    await vi.waitFor(async () => expect(await connections(server)).toBe(0));
  });

  it('CONNECT is given to a listener that was added after the connection was opened', async () => {
    const server = make();
    listening = await listen(server);
    const client = open(listening.port);
    await once(server, 'connection');
    server.on('connect', (_request, socket: Socket) => socket.end('HTTP/1.1 200 OK\r\n\r\ntunnel'));
    client.socket.write(CONNECT);
    await once(client.socket, 'close');
    expect(client.text()).toBe('HTTP/1.1 200 OK\r\n\r\ntunnel');
  });

  it('an upgrade, or an expectation, whose listener has gone is an ordinary request', async () => {
    const server = make();
    listening = await listen(server);
    server.once('upgrade', (_request, socket: Socket) => socket.end('HTTP/1.1 101 Yes\r\n\r\n'));
    server.once('checkContinue', (_request, response) => response.end('checked'));
    const heads = [UPGRADE, UPGRADE, EXPECT, EXPECT];
    const answers: string[] = [];
    for (const head of heads) {
      const client = open(listening.port);
      client.socket.write(head);
      await vi.waitFor(() => expect(client.text()).toMatch(/101 Yes\r\n\r\n$|checked|Hello/));
      answers.push(client.text().replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, ''));
      client.socket.destroy();
    }
    expect(answers[0]).toBe('HTTP/1.1 101 Yes\r\n\r\n');
    expect(answers[1]).toMatch(/^HTTP\/1\.1 200 OK\r\n.*Hello/s);
    expect(answers[2]).toMatch(/checked/);
    expect(answers[3]).toMatch(/^HTTP\/1\.1 200 OK\r\n.*Hello/s);
  });

  it('the time-out of the server is no affair of a connection that a listener has', async () => {
    const server = make();
    server.timeout = 400;
    let told = 0;
    listening = await listen(server);
    server.on('timeout', () => {
      told += 1;
    });
    server.on('upgrade', (_request, socket: Socket) => socket.write('HTTP/1.1 101 Yes\r\n\r\n'));
    const client = open(listening.port);
    client.socket.write(UPGRADE);
    await once(client.socket, 'data');
    await delay(700);
    expect(told).toBe(0);
    expect(client.socket.readyState).toBe('open');
    client.socket.destroy();
  });
});

function connections(server: EitherServer): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

describe.each(servers)('what a listener throws on %s', (_name, make) => {
  it.each([
    ['upgrade', UPGRADE],
    ['connect', CONNECT],
  ])('is an uncaught exception: %s', async (event, request) => {
    const server = make();
    listening = await listen(server);
    const thrown = new Error(`listener of ${event}`);
    server.on(event, () => {
      throw thrown;
    });
    const uncaught = new Promise<unknown>((resolve) => {
      // Instead of the test runner's own listeners, which would fail the run.
      const others = process.rawListeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => {
        // The runner's were listeners of this event.
        for (const other of others)
          process.on('uncaughtException', other as NodeJS.UncaughtExceptionListener);
        resolve(error);
      });
    });
    const client = open(listening.port);
    client.socket.write(request);
    expect(await uncaught).toBe(thrown);
    client.socket.destroy();
  });
});
