/** serveFastCgi, asked by fromFastCgi and by hand. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import {
  type FastCgiServer,
  type ServeFastCgiOptions,
  serveFastCgi,
} from '../../../bridges/fastcgi/index.ts';
import { decodeNameValues, encodeNameValues } from '../../../bridges/fastcgi/name-values.ts';
import {
  decodeEndRequest,
  encodeRecords,
  type FastCgiRecord,
  RecordParser,
  RecordType,
} from '../../../bridges/fastcgi/records.ts';
import type { Application, ApplicationFunction } from '../../../src/index.ts';
import { readBody } from '../../../src/index.ts';
import { validate } from '../../../src/validate/index.ts';
import { encodeBeginRequest } from './begin-request.ts';
import { serveFrom } from './responders.ts';

const servers: FastCgiServer[] = [];
const folder = mkdtempSync(join(tmpdir(), 'gatebridge-fastcgi-'));

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function listen(application: Application, options: ServeFastCgiOptions = {}): Promise<number> {
  const server = await serveFastCgi(validate(application), { port: 0, closeDeadline: 100, ...options });
  servers.push(server);
  // It listens on TCP.
  return (server.address() as AddressInfo).port;
}

/** A web server in the hands of a test. */
class Peer {
  readonly records: FastCgiRecord[] = [];
  readonly socket: Socket;

  constructor(port: number) {
    const parser = new RecordParser();
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (octets) => this.records.push(...parser.push(octets))).on('error', () => {});
  }

  write(...records: Uint8Array[][]): void {
    this.socket.write(Buffer.concat(records.flat()));
  }

  begin(id: number, variables: Record<string, string> = {}, keepsOpen = true): void {
    const all = {
      REQUEST_METHOD: 'GET',
      SCRIPT_NAME: '',
      PATH_INFO: '/',
      SERVER_NAME: 'x',
      SERVER_PORT: '80',
      ...variables,
    };
    const contents = encodeNameValues(Object.entries({ SERVER_PROTOCOL: 'HTTP/1.1', ...all }));
    this.write(
      encodeBeginRequest(id, keepsOpen),
      ...contents.map((one) => encodeRecords(RecordType.params, id, one)),
    );
    this.write(encodeRecords(RecordType.params, id));
  }

  outputOf(id: number): string {
    const own = this.records.filter((one) => one.requestId === id && one.type === RecordType.stdout);
    return Buffer.concat(own.map((one) => one.content)).toString('latin1');
  }

  endOf(id: number): number | undefined {
    const end = this.records.find((one) => one.requestId === id && one.type === RecordType.endRequest);
    return end === undefined ? undefined : decodeEndRequest(end.content).protocolStatus;
  }
}

async function until(holds: () => boolean, milliseconds = 5_000): Promise<boolean> {
  for (let waited = 0; waited < milliseconds && !holds(); waited += 10) await delay(10);
  return holds();
}

const hello: ApplicationFunction = (environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [Buffer.from(`${environ.SCRIPT_NAME}|${environ.PATH_INFO}|${environ.REMOTE_USER ?? ''}`)];
};

const echo: ApplicationFunction = async (environ, startResponse) => {
  const body = await readBody(environ, { limit: 1e9 });
  startResponse('200 OK', [['Content-Type', 'a/b']]);
  return [body];
};

describe('serveFastCgi() behind fromFastCgi', () => {
  it.each([{}, { keepAlive: 4 }, { multiplex: 8 }])('answers requests, with %j', async (options) => {
    const port = await listen(echo);
    const { url } = await serveFrom({ port, maxConnections: 2, ...options });
    const sizes = [0, 1, 70_000, 300_000, 5];
    const answers = sizes.map(async (size) => {
      const response = await fetch(url, { method: 'POST', body: Buffer.alloc(size, 'y') });
      return (await response.text()).length;
    });
    expect(await Promise.all(answers)).toEqual(sizes);
  });

  it('cuts off a response that fails', async () => {
    const port = await listen(
      async function* (_environ, startResponse) {
        startResponse('200 OK', [['Content-Type', 'a/b']]);
        yield Buffer.from('begun');
        await delay(20);
        throw new Error('on purpose');
      } as ApplicationFunction,
      { environ: { 'wsgi.errors': { write() {}, writelines() {}, flush() {} } } },
    );
    const { url } = await serveFrom({ port });
    await expect(fetch(url).then((response) => response.text())).rejects.toThrow('terminated');
  });
});

describe('serveFastCgi()', () => {
  it('takes SCRIPT_NAME and PATH_INFO together, and splits them by its mount', async () => {
    const root = new Peer(await listen(hello));
    const below = new Peer(await listen(hello, { mount: '/app' }));
    root.begin(1, { SCRIPT_NAME: '/app/x', PATH_INFO: '' });
    below.begin(1, { SCRIPT_NAME: '/app/x', PATH_INFO: '', REMOTE_USER: 'ada' });
    below.begin(2, { SCRIPT_NAME: '/app', PATH_INFO: '/x' });
    below.begin(3, { SCRIPT_NAME: '/apple', PATH_INFO: '' });
    expect(await until(() => root.endOf(1) === 0 && [1, 2, 3].every((id) => below.endOf(id) === 0))).toBe(
      true,
    );
    expect(root.outputOf(1)).toBe(
      'Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\n|/app/x|',
    );
    expect([1, 2, 3].map((id) => below.outputOf(id).split('\r\n\r\n')[1])).toEqual([
      '/app|/x|ada',
      '/app|/x|',
      '|/apple|',
    ]);
  });

  it('answers FCGI_GET_VALUES and unknown records', async () => {
    const peer = new Peer(await listen(hello));
    const [names] = encodeNameValues([
      ['FCGI_MPXS_CONNS', ''],
      ['FCGI_MAX_REQS', ''],
      ['other', ''],
    ]);
    peer.write(encodeRecords(RecordType.getValues, 0, names), encodeRecords(99, 0));
    expect(await until(() => peer.records.length === 2)).toBe(true);
    expect(Object.fromEntries(decodeNameValues(peer.records[0]?.content ?? Buffer.alloc(0)))).toEqual({
      FCGI_MPXS_CONNS: '1',
      FCGI_MAX_REQS: `${1_024 * 1_024}`,
    });
    expect(peer.records[1]).toMatchObject({
      type: RecordType.unknownType,
      content: Buffer.from([99, 0, 0, 0, 0, 0, 0, 0]),
    });
  });

  it.each<[string, Uint8Array[]]>([
    ['unknown records', encodeRecords(99, 0)],
    [
      'requests of another role',
      encodeRecords(RecordType.beginRequest, 5, Buffer.from([0, 2, 1, 0, 0, 0, 0, 0])),
    ],
  ])('reads no more %s while the peer takes no answers', async (_name, record) => {
    const peer = new Peer(await listen(hello));
    peer.socket.pause();
    const block = Buffer.concat(Array.from({ length: 4_096 }, () => record).flat());
    const isTaken = (): Promise<boolean> => {
      const taken = new Promise<boolean>((resolve) => peer.socket.write(block, () => resolve(true)));
      return Promise.race([taken, delay(2_000, false)]);
    };
    let sent = 0;
    // More than the buffers of the system hold.
    while (sent < 40_000_000 && (await isTaken())) sent += block.length;
    expect(sent).toBeLessThan(40_000_000);
    peer.socket.destroy();
  });

  it('closes the connection after a request that does not keep it', async () => {
    const peer = new Peer(await listen(hello));
    peer.begin(1, {}, false);
    expect(await until(() => peer.socket.destroyed)).toBe(true);
    expect(peer.endOf(1)).toBe(0);
  });

  it.each<[string, (peer: Peer) => void]>([
    ['an abort', (peer) => peer.write(encodeRecords(RecordType.abortRequest, 1))],
    ['the end of the connection', (peer) => peer.socket.destroy()],
  ])('tells the application of %s', async (_name, leave) => {
    let aborted = false;
    let closed = false;
    const port = await listen((environ, startResponse) => {
      environ['gateway.signal']?.().addEventListener('abort', () => {
        aborted = true;
      });
      startResponse('200 OK', [['Content-Type', 'a/b']]);
      const body = {
        async *[Symbol.asyncIterator]() {
          for (;;) {
            yield Buffer.alloc(1_000, 'x');
            await delay(10);
          }
        },
        close() {
          closed = true;
        },
      };
      return body;
    });
    const peer = new Peer(port);
    peer.begin(1);
    expect(await until(() => peer.records.length > 2)).toBe(true);
    leave(peer);
    expect(await until(() => aborted && closed)).toBe(true);
  });

  it.each<[string, (peer: Peer) => void]>([
    ['no FastCGI', (peer) => peer.socket.write('GET / HTTP/1.1\r\n\r\n')],
    ['a request twice', (peer) => peer.write(encodeBeginRequest(1, true), encodeBeginRequest(1, true))],
    [
      'incomplete parameters',
      (peer) =>
        peer.write(encodeBeginRequest(1, true), encodeRecords(4, 1, Buffer.from([9])), encodeRecords(4, 1)),
    ],
    [
      'endless parameters',
      (peer) => peer.write(encodeBeginRequest(1, true), encodeRecords(4, 1, Buffer.alloc(2_000_000))),
    ],
    ['a short FCGI_BEGIN_REQUEST', (peer) => peer.write(encodeRecords(1, 1, Buffer.from([0])))],
  ])('closes a connection with %s', async (_name, act) => {
    const peer = new Peer(await listen(hello));
    act(peer);
    expect(await until(() => peer.socket.destroyed)).toBe(true);
  });

  it('refuses other roles and too many requests', async () => {
    const peer = new Peer(await listen(() => new Promise(() => {}), { maxRequests: 1 }));
    peer.write(encodeRecords(RecordType.beginRequest, 5, Buffer.from([0, 2, 1, 0, 0, 0, 0, 0])));
    peer.begin(1);
    peer.begin(2);
    expect(await until(() => peer.endOf(2) !== undefined)).toBe(true);
    expect([peer.endOf(5), peer.endOf(2), peer.endOf(1)]).toEqual([3, 2, undefined]);
    peer.socket.destroy();
  });

  it('stops reading content that nobody reads', async () => {
    const peer = new Peer(await listen(() => new Promise(() => {})));
    peer.begin(1, { REQUEST_METHOD: 'POST', CONTENT_LENGTH: '50000000' });
    for (const one of encodeRecords(RecordType.stdin, 1, Buffer.alloc(50_000_000))) peer.socket.write(one);
    await delay(300);
    expect(peer.socket.writableLength).toBeGreaterThan(30_000_000);
    peer.socket.destroy();
  });

  it('drains when it is closed', async () => {
    let answer: (() => void) | undefined;
    const port = await listen(
      async (_environ, startResponse) => {
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        startResponse('200 OK', [['Content-Type', 'a/b']]);
        return [Buffer.from('late')];
      },
      { closeDeadline: 5_000 },
    );
    const peer = new Peer(port);
    peer.begin(1);
    expect(await until(() => answer !== undefined)).toBe(true);
    const closed = servers[0]?.close();
    await delay(20);
    answer?.();
    await closed;
    expect(await until(() => peer.socket.destroyed)).toBe(true);
    expect(peer.outputOf(1)).toContain('late');
  });

  it('listens at a unix socket, and leaves a live one alone', async () => {
    const path = join(folder, 'app.sock');
    const first = await serveFastCgi(hello, { path, mode: 0o660 });
    expect(statSync(path).mode & 0o777).toBe(0o660);
    await expect(serveFastCgi(hello, { path })).rejects.toThrow('EADDRINUSE');
    await first.close();
    expect(existsSync(path)).toBe(false);
  });

  it('says why no socket can be made at a path', async () => {
    const refusal = (path: string): Promise<string> =>
      serveFastCgi(hello, { path }).then(
        () => 'listens',
        (error: Error) => error.message,
      );
    const missing = join(folder, 'missing');
    expect(await refusal(join(missing, 'app.sock'))).toContain(
      `folder ${missing} does not exist. mkdir -p ${missing}`,
    );
    const file = join(folder, 'file.txt');
    writeFileSync(file, 'kept');
    expect(await refusal(file)).toContain(`${file} exists and is no socket`);
    expect(readFileSync(file, 'utf8')).toBe('kept');
    expect(await refusal(join(folder, 'x'.repeat(120)))).toMatch(/may have 10[37] octets/);
  });

  it.each<[ServeFastCgiOptions, string]>([
    [{}, 'one of path'],
    [{ port: 0, mount: 'app' }, 'begin with a slash'],
    [{ port: 0, mount: '/app/' }, 'begin with a slash'],
  ])('refuses %j', async (options, message) => {
    await expect(serveFastCgi(hello, options)).rejects.toThrow(message);
  });
});
