/** Stopping a server during uploads and downloads, gracefully and not. */
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { WireResponse } from '../../src/conformance/wire-client.ts';
import {
  connections,
  expectJournal,
  hello,
  type Journal,
  journaled,
  LEFT,
  NORMAL,
  readAll,
} from './journal.ts';
import { type RunningServer, startServer } from './support.ts';

let running: RunningServer;
afterEach(() => running.stop());

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const post = (length: number): string => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`;

describe('stopping a server', () => {
  /** Starts an upload and a download, each on its own connection. */
  async function startTransfers() {
    const journals: Record<'up' | 'down', Journal> = { up: [], down: [] };
    const up = journaled(journals.up, hello, readAll);
    const down = journaled(journals.down, async function* () {
      for (let count = 0; count < 30; count += 1) {
        yield 'x'.repeat(1000);
        await delay(10);
      }
    });
    running = await startServer((environ, startResponse) => {
      if (environ.PATH_INFO === '/idle') {
        startResponse('200 OK', []);
        return [];
      }
      return environ.REQUEST_METHOD === 'POST' ? up(environ, startResponse) : down(environ, startResponse);
    });
    const upload = running.connect();
    const download = running.connect();
    const idle = running.connect();
    upload.send(`${post(10)}abc`);
    download.send(GET);
    idle.send(GET.replace('/', '/idle'));
    await idle.readResponse();
    await download.readHead();
    return { journals, upload, download, idle };
  }

  it('by close() serves uploads and downloads to their end', async () => {
    const { journals, upload, download, idle } = await startTransfers();
    let hasClosed = false;
    running.server.close(() => {
      hasClosed = true;
    });
    expect(await idle.farewell()).toBe('end');
    upload.send('defghij');
    expect((await upload.readResponse()).content.toString()).toBe('Hello');
    let size = 0;
    for (let chunk = await download.readChunk(); chunk !== null; chunk = await download.readChunk()) {
      size += chunk.length;
    }
    expect(size).toBe(30_000);
    await expectJournal(journals.up, NORMAL);
    await expectJournal(journals.down, NORMAL);
    expect(hasClosed).toBe(false);
    running.server.closeIdleConnections();
    await vi.waitFor(() => expect(hasClosed).toBe(true));
  });

  it('by shutdown() serves them to their end and closes', async () => {
    const { journals, upload, download, idle } = await startTransfers();
    const done = running.server.shutdown({ timeout: 5000 });
    expect(await idle.farewell()).toBe('end');
    idle.destroy();
    upload.send('defghij');
    const response = await upload.readResponse();
    expect(response.headers).toContainEqual(['Connection', 'close']);
    expect(await upload.farewell()).toBe('end');
    upload.destroy();
    while ((await download.readChunk()) !== null);
    await download.readFields();
    expect(await download.farewell()).toBe('end');
    download.destroy();
    await done;
    await expectJournal(journals.up, NORMAL);
    await expectJournal(journals.down, NORMAL);
  });

  it('by shutdown() cuts off running requests at the deadline', async () => {
    const { journals, download } = await startTransfers();
    const started = performance.now();
    await running.server.shutdown({ timeout: 100 });
    expect(performance.now() - started).toBeLessThan(5000);
    await expectJournal(journals.up, ['abort', 'finished']);
    await expectJournal(journals.down, LEFT);
    download.destroy();
  });

  it('by closeAllConnections() cuts off everything', async () => {
    const { journals } = await startTransfers();
    running.server.closeAllConnections();
    await expectJournal(journals.up, ['abort', 'finished']);
    await expectJournal(journals.down, LEFT);
    await vi.waitFor(async () => expect(await connections(running)).toBe(0));
  });
});

function connectionOf({ headers }: Pick<WireResponse, 'headers'>): string | undefined {
  return headers.find(([name]) => name === 'Connection')?.[1];
}

describe('shutdown with idleGrace', () => {
  /** Starts a server with an idle connection that has been used. */
  async function startIdle() {
    running = await startServer((_environ, startResponse) => {
      startResponse('200 OK', []);
      return ['Hello'];
    });
    const client = running.connect();
    client.send(GET);
    expect(connectionOf(await client.readResponse())).toBe('keep-alive');
    return client;
  }

  it('serves one more request on an idle connection, and says that it is the last', async () => {
    const client = await startIdle();
    const stopped = running.server.shutdown({ idleGrace: 5_000 });
    await delay(50);
    client.send(GET);
    const response = await client.readResponse();
    expect([connectionOf(response), response.content.toString()]).toEqual(['close', 'Hello']);
    client.halfClose();
    await stopped;
  });

  it('keeps a connection whose client was told so before: one more request is served on it', async () => {
    running = await startServer((environ, startResponse) => {
      startResponse('200 OK', [['Content-Length', '6']]);
      return (async function* () {
        yield 'be';
        if (environ.QUERY_STRING === 'slow') await delay(200);
        yield 'gun!';
      })();
    });
    const client = running.connect();
    client.send(GET.replace('/ ', '/?slow '));
    expect(connectionOf(await client.readHead())).toBe('keep-alive');
    const stopped = running.server.shutdown({ idleGrace: 5_000 });
    expect((await client.readOctets(6)).toString()).toBe('begun!');
    await delay(100);
    client.send(GET);
    const response = await client.readResponse();
    expect([connectionOf(response), response.content.toString()]).toEqual(['close', 'begun!']);
    client.halfClose();
    await stopped;
  });

  it('closes an idle connection when the grace is over', async () => {
    const client = await startIdle();
    const begin = performance.now();
    const stopped = running.server.shutdown({ idleGrace: 300 });
    expect(await client.farewell()).toBe('end');
    expect(performance.now() - begin).toBeGreaterThan(250);
    await stopped;
  });

  it('closes it at once without a grace, and at the deadline if that is earlier', async () => {
    const client = await startIdle();
    const stopped = running.server.shutdown();
    expect(await client.farewell()).toBe('end');
    await stopped;
    const other = await startIdle();
    const begin = performance.now();
    const late = running.server.shutdown({ idleGrace: 60_000, timeout: 200 });
    await other.farewell();
    await late;
    expect(performance.now() - begin).toBeLessThan(5_000);
  });

  it('waits for connections that others have accepted, also for one that was handed over', async () => {
    running = await startServer(async (_environ, startResponse) => {
      await delay(200);
      startResponse('200 OK', []);
      return ['late'];
    });
    const { server } = running;
    server.on('upgrade', (_request, socket) => {
      setTimeout(() => socket.end('bye'), 200);
    });
    const acceptor = createServer({ allowHalfOpen: true }, (socket) => {
      server.emit('connection', socket);
    });
    await new Promise<void>((resolve) => acceptor.listen(0, '127.0.0.1', resolve));
    const address = acceptor.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const answers = ['', 'Connection: Upgrade\r\nUpgrade: word\r\n'].map(async (fields) => {
      const socket = connect(port, '127.0.0.1');
      socket.write(GET.replace('\r\n\r\n', `\r\n${fields}\r\n`));
      return (await socket.toArray()).join('');
    });
    await delay(100);
    await server.shutdown({ timeout: 5_000 });
    const [late = '', upgraded = ''] = await Promise.all(answers);
    expect(late).toMatch(/late$/);
    expect(upgraded).toBe('bye');
    acceptor.close();
  });
});
