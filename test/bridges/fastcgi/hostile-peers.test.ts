/** Peers that are slow, broken or hostile, on both sides of a connection. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type FastCgiServer, serveFastCgi } from '../../../bridges/fastcgi/index.ts';
import { encodeNameValues } from '../../../bridges/fastcgi/name-values.ts';
import {
  encodeEndRequest,
  encodeRecords,
  RecordParser,
  RecordType,
} from '../../../bridges/fastcgi/records.ts';
import {
  type Application,
  type ApplicationFunction,
  type Environ,
  readBody,
  type StartResponse,
} from '../../../src/index.ts';
import { encodeBeginRequest } from './begin-request.ts';
import { HELLO, serveFrom, startResponder } from './responders.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatebridge-hostile-'));
const cleanUps: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];

afterEach(async () => {
  while (cleanUps.length > 1) await cleanUps.pop()?.();
});

const output = (text: string, id = 1): Buffer => {
  const records = [
    encodeRecords(RecordType.stdout, id, Buffer.from(text)),
    encodeEndRequest(id, { appStatus: 0, protocolStatus: 0 }),
  ];
  return Buffer.concat(records.flat());
};

/** Starts a responder that does something with each connection once the request has come. */
async function answerBy(act: (socket: Socket) => unknown): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => void act(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUps.push(() => server.close());
  // It listens on TCP.
  return (server.address() as AddressInfo).port;
}

describe('a responder', () => {
  it('that sends its records octet by octet is understood', async () => {
    const port = await answerBy(async (socket) => {
      socket.setNoDelay(true);
      for (const octet of output(HELLO)) {
        socket.write(Buffer.from([octet]));
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    const { url } = await serveFrom({ port });
    expect(await (await fetch(url)).text()).toBe('Hello');
  });

  it('that cuts its output anywhere fails the request, and never hangs it', async () => {
    const whole = output('Content-Type: a/b\n\nHello');
    let length = 0;
    const port = await answerBy((socket) => {
      socket.end(whole.subarray(0, length));
    });
    const { url } = await serveFrom({ port });
    const statuses = new Set<string>();
    for (; length < whole.length; length += 1) {
      const outcome = await fetch(url).then((response) =>
        response.text().then(
          () => response.status,
          () => 'cut',
        ),
      );
      statuses.add(`${outcome}`);
    }
    expect([...statuses].sort()).toEqual(['502', 'cut']);
  });

  it.each<[string, Buffer]>([
    ['answers with the id of nobody', output(HELLO, 2)],
    ['ends the request twice', Buffer.concat([output(HELLO), output('')])],
    ['goes on after the end', Buffer.concat([output(HELLO), Buffer.from('rubbish')])],
    ['sends a short end', Buffer.concat(encodeRecords(RecordType.endRequest, 1, Buffer.from([0])))],
    ['asks for values', Buffer.concat([...encodeRecords(RecordType.getValues, 0), output(HELLO)])],
    ['sends records of unknown types', Buffer.concat([...encodeRecords(99, 0), output(HELLO)])],
    [
      'sends standard error without end',
      Buffer.concat(encodeRecords(RecordType.stderr, 1, Buffer.alloc(9_000))),
    ],
  ])('that %s harms only this request', async (_name, octets) => {
    const port = await answerBy((socket) => socket.write(octets));
    const { url } = await serveFrom({ port, keepAlive: 2, timeout: 300 });
    for (let count = 0; count < 3; count += 1) {
      const response = await fetch(url);
      await response.text();
      expect([200, 502, 504]).toContain(response.status);
    }
  });

  it('whose head has no end is refused', async () => {
    const port = await answerBy((socket) => {
      const timer = setInterval(
        () => socket.write(Buffer.concat(encodeRecords(6, 1, Buffer.alloc(50_000, 'x')))),
        1,
      );
      socket.once('close', () => clearInterval(timer));
    });
    const { url, log } = await serveFrom({ port });
    expect((await fetch(url)).status).toBe(502);
    expect(log()).toContain('exceeds 65536 octets (option maxHeadSize)');
  });

  it('that answers before it has the content, and closes, is heard', async () => {
    const path = join(folder, 'early.sock');
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        socket.pause();
        socket.end(output(HELLO));
        setTimeout(() => socket.destroy(), 5);
      });
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    cleanUps.push(() => server.close());
    const { url } = await serveFrom({ path });
    for (let count = 0; count < 20; count += 1) {
      const response = await fetch(url, { method: 'POST', body: Buffer.alloc(2_000_000) });
      expect([response.status, await response.text()]).toEqual([200, 'Hello']);
    }
  });

  it('that sends its head alone has it passed on', async () => {
    const responder = await startResponder({
      onContent: (request) => request.write('stdout', 'Content-Type: text/event-stream\n\n'),
    });
    const { url } = await serveFrom({ port: responder.port });
    const response = await fetch(url);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    responder.requests[0]?.answer('data: 1');
    expect(await response.text()).toBe('data: 1');
  });

  it('that breaks the protocol after a piece of content has that passed on', async () => {
    const port = await answerBy((socket) => {
      socket.write(Buffer.concat([...encodeRecords(6, 1, Buffer.from(HELLO)), Buffer.alloc(8)]));
    });
    const { url } = await serveFrom({ port });
    const response = await fetch(url);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow('terminated');
  });
});

const echo: ApplicationFunction = async (environ, startResponse) => {
  const body = await readBody(environ, { limit: 1e9 });
  startResponse('200 OK', [['Content-Type', 'a/b']]);
  return [Buffer.from(`${environ.HTTP_X_LONG?.length ?? 0} ${body.length}`)];
};

async function listen(options: object = {}): Promise<{ server: FastCgiServer; port: number }> {
  const server = await serveFastCgi(echo, { port: 0, closeDeadline: 100, ...options });
  cleanUps.push(() => server.close());
  // It listens on TCP.
  return { server, port: (server.address() as AddressInfo).port };
}

function requestOf(id: number, variables: Record<string, string>, content: string): Buffer {
  const all = { REQUEST_METHOD: 'POST', SCRIPT_NAME: '/', SERVER_PROTOCOL: 'HTTP/1.1', ...variables };
  const contents = encodeNameValues(Object.entries(all));
  const records = [
    encodeBeginRequest(id, true),
    ...contents.map((one) => encodeRecords(RecordType.params, id, one)),
    encodeRecords(RecordType.params, id),
    ...(content === '' ? [] : [encodeRecords(RecordType.stdin, id, Buffer.from(content))]),
    encodeRecords(RecordType.stdin, id),
  ];
  return Buffer.concat(records.flat());
}

/** Collects the output of a connection, by request. */
function collect(socket: Socket): Map<number, string> {
  const parser = new RecordParser();
  const texts = new Map<number, string>();
  socket
    .on('error', () => {})
    .on('data', (octets) => {
      for (const { type, requestId, content } of parser.push(octets)) {
        const addition = type === RecordType.endRequest ? '<end>' : content.toString('latin1');
        texts.set(requestId, (texts.get(requestId) ?? '') + addition);
      }
    });
  return texts;
}

async function until(holds: () => boolean): Promise<void> {
  for (let waited = 0; waited < 5_000 && !holds(); waited += 10) await delay(10);
  expect(holds()).toBe(true);
}

describe('serveFastCgi()', () => {
  it('understands records in single octets, and ids that are used again', async () => {
    const { port } = await listen();
    const socket = connect(port, '127.0.0.1').setNoDelay(true);
    const texts = collect(socket);
    for (const length of ['3', '']) {
      texts.clear();
      for (const octet of requestOf(7, { CONTENT_LENGTH: length }, 'abc')) socket.write(Buffer.from([octet]));
      await until(() => texts.get(7)?.endsWith('\r\n\r\n0 3<end>') === true);
    }
    socket.destroy();
  });

  it('takes a parameter of many records', async () => {
    const { port } = await listen();
    const socket = connect(port, '127.0.0.1');
    const texts = collect(socket);
    socket.write(requestOf(1, { HTTP_X_LONG: 'x'.repeat(200_000) }, ''));
    await until(() => texts.get(1)?.endsWith('\r\n\r\n200000 0<end>') === true);
    socket.destroy();
  });

  it('ignores records of requests that are over, and of none', async () => {
    const { port } = await listen();
    const socket = connect(port, '127.0.0.1');
    const texts = collect(socket);
    socket.write(requestOf(1, { CONTENT_LENGTH: '1' }, 'a'));
    await until(() => texts.get(1)?.endsWith('<end>') === true);
    for (const type of [2, 4, 5, 8, 77])
      socket.write(Buffer.concat(encodeRecords(type, 1, Buffer.from('x'))));
    for (const type of [2, 4, 5, 8, 77]) socket.write(Buffer.concat(encodeRecords(type, 9)));
    texts.clear();
    socket.write(requestOf(1, { CONTENT_LENGTH: '1' }, 'a'));
    await until(() => texts.get(1)?.endsWith('0 1<end>') === true);
    socket.destroy();
  });

  it('survives rubbish of any kind', async () => {
    const { port } = await listen({ maxParamsSize: 10_000 });
    const whole = requestOf(1, { CONTENT_LENGTH: '3' }, 'abc');
    let seed = 1;
    for (let round = 0; round < 300; round += 1) {
      const octets = Buffer.from(whole);
      for (let change = 0; change < 4; change += 1) {
        seed = (seed * 48_271) % 2_147_483_647;
        octets[seed % octets.length] = (seed >> 8) & 0xff;
      }
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      socket.end(octets.subarray(0, 1 + (seed % octets.length)));
      await new Promise((resolve) => socket.resume().once('close', resolve));
    }
    const socket = connect(port, '127.0.0.1');
    const texts = collect(socket);
    socket.write(whole);
    await until(() => texts.get(1)?.endsWith('0 3<end>') === true);
    socket.destroy();
  });

  it('cuts a response off without harm to others on the connection', async () => {
    const application: Application = async function* (environ: Environ, startResponse: StartResponse) {
      startResponse('200 OK', [['Content-Type', 'a/b']]);
      yield Buffer.from('begun');
      await delay(50);
      if (environ.SCRIPT_NAME === '') throw new Error('on purpose');
      await delay(100);
      yield Buffer.from(' whole');
    };
    const errors = { write() {}, writelines() {}, flush() {} };
    const server = await serveFastCgi(application, {
      port: 0,
      mount: '/ok',
      environ: { 'wsgi.errors': errors },
    });
    cleanUps.push(() => server.close());
    // It listens on TCP.
    const { port } = server.address() as AddressInfo;
    const { url } = await serveFrom({ port, multiplex: 4, maxConnections: 1 });
    const ask = (environ: string): Promise<string> =>
      fetch(`${url}${environ}`)
        .then((response) => response.text())
        .catch(() => 'cut');
    expect(await Promise.all([ask('/ok/1'), ask('/fail'), ask('/ok/2')])).toEqual([
      'begun whole',
      'cut',
      'begun whole',
    ]);
  });

  it('takes the id of an aborted request again while its application runs on', async () => {
    let runs = 0;
    const slow: Application = async (_environ: Environ, startResponse: StartResponse) => {
      const run = ++runs;
      await delay(run === 1 ? 50 : 100);
      startResponse('200 OK', [['Content-Type', 'a/b']]);
      return [Buffer.from(`run ${run}`)];
    };
    const server = await serveFastCgi(slow, { port: 0, closeDeadline: 100 });
    cleanUps.push(() => server.close());
    // It listens on TCP.
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const texts = collect(socket);
    socket.write(requestOf(1, {}, ''));
    await until(() => runs === 1);
    socket.write(Buffer.concat(encodeRecords(RecordType.abortRequest, 1)));
    await until(() => texts.get(1)?.endsWith('<end>') === true);
    texts.clear();
    socket.write(requestOf(1, {}, ''));
    await until(() => texts.get(1)?.endsWith('<end>') === true);
    expect(texts.get(1)).toMatch(/\r\n\r\nrun 2<end>$/);
    socket.destroy();
  });

  it('replaces a socket that was left, and no other file', async () => {
    const path = join(folder, 'file.sock');
    writeFileSync(path, 'precious');
    await expect(serveFastCgi(echo, { path })).rejects.toThrow('exists and is no socket');
    expect(existsSync(path)).toBe(true);
  });
});
