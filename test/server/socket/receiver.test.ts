/**
 * Many connections share one receive buffer: kept octets must not change when the next packet of another connection
 * arrives.
 */
import { once } from 'node:events';
import { connect, createServer as createNetServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { readBody } from '../../../src/index.ts';
import { createServer, type Server, type ServerOptions } from '../../../src/server/index.ts';
import type { Application, Environ } from '../../../src/wsgi.ts';

async function open(
  application: Application,
  options?: ServerOptions,
): Promise<[Server, () => Promise<Socket>]> {
  const server = createServer(application, options);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port');
  onTestFinished(() => server.shutdown({ timeout: 0 }));
  const dial = async (): Promise<Socket> => {
    const socket = connect(address.port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  return [server, dial];
}

/** Reads until a text has arrived. */
async function receive(socket: Socket, text: string): Promise<string> {
  let received = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    received += String(chunk);
    if (received.includes(text)) break;
  }
  return received;
}

/** Answers with the content once all of it has arrived. */
const echo: Application = async (environ, startResponse) => {
  const content = await readBody(environ, { limit: 4_000_000 });
  startResponse('200 OK', [['X-Target', environ.RAW_URI ?? '']]);
  return [content];
};

test('heads that arrive in parts on two connections are not mixed', async () => {
  const [, dial] = await open(echo);
  const [one, other] = [await dial(), await dial()];
  const heads: [Socket, string][] = [
    [one, `/${'1'.repeat(40)}`],
    [other, `/${'2'.repeat(40)}`],
  ];
  for (const part of [0, 1, 2, 3]) {
    for (const [socket, target] of heads) {
      const head = `GET ${target} HTTP/1.1\r\nHost: a\r\nX-Long: ${'v'.repeat(60)}\r\n\r\n`;
      const size = Math.ceil(head.length / 4);
      socket.write(head.slice(part * size, (part + 1) * size));
      await delay(5);
    }
  }
  for (const [socket, target] of heads)
    expect(await receive(socket, '\r\n\r\n')).toContain(`X-Target: ${target}\r\n`);
});

test('content that the application keeps does not change', async () => {
  const kept: Uint8Array[] = [];
  const [, dial] = await open(async (environ, startResponse) => {
    for await (const piece of environ['wsgi.input'].chunks?.() ?? []) kept.push(piece);
    startResponse('200 OK', []);
    return ['done'];
  });
  const [one, other] = [await dial(), await dial()];
  one.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 600\r\n\r\n');
  for (let part = 0; part < 6; part += 1) {
    one.write('1'.repeat(100));
    other.write(`GET /${'2'.repeat(150)} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await delay(5);
  }
  await receive(one, 'done');
  expect(Buffer.concat(kept).toString()).toBe('1'.repeat(600));
});

test('content that arrives with its head and is read later does not change', async () => {
  let start = (): void => {};
  const started = new Promise<void>((resolve) => {
    start = resolve;
  });
  const [, dial] = await open(async (environ, startResponse) => {
    if (environ.REQUEST_METHOD === 'POST') await started;
    return echo(environ, startResponse);
  });
  const [one, other] = [await dial(), await dial()];
  one.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\n${'1'.repeat(300)}`);
  await delay(10);
  other.write(`GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${'2'.repeat(600)}\r\n\r\n`);
  await receive(other, '\r\n\r\n');
  start();
  expect(await receive(one, '1'.repeat(300))).toContain('200 OK');
});

test('uploads on several connections at once arrive unchanged', async () => {
  const [, dial] = await open(echo);
  const size = 3_000_000;
  const answers = ['a', 'b', 'c'].map(async (letter) => {
    const socket = await dial();
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`);
    socket.write(letter.repeat(size));
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    const answer = Buffer.concat(chunks).toString('latin1');
    return answer.slice(answer.indexOf('\r\n\r\n') + 4) === letter.repeat(size);
  });
  expect(await Promise.all(answers)).toEqual([true, true, true]);
});

test('requests of a batch that wait for a slow application do not change', async () => {
  const [, dial] = await open(async (environ, startResponse) => {
    await delay(20);
    return echo(environ, startResponse);
  });
  const [one, other] = [await dial(), await dial()];
  one.write(
    'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /last HTTP/1.1\r\nHost: a\r\n\r\n',
  );
  for (let count = 0; count < 5; count += 1) {
    other.write(`GET /${'x'.repeat(200)} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await delay(5);
  }
  const answers = await receive(one, '/last');
  expect(answers.match(/X-Target: .*/g)).toEqual(['X-Target: /1', 'X-Target: /2', 'X-Target: /last']);
});

test('a listener of upgrade gets the rest of the packet, and a socket that reads on', async () => {
  const [server, dial] = await open(echo);
  const heads: string[] = [];
  server.on('upgrade', (_request, socket, rest: Buffer) => {
    heads.push(rest.toString());
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.pipe(socket);
  });
  const [one, other] = [await dial(), await dial()];
  one.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nfirst octets');
  await receive(one, '\r\n\r\n');
  other.write(`GET /${'x'.repeat(200)} HTTP/1.1\r\nHost: a\r\n\r\n`);
  await receive(other, '\r\n\r\n');
  one.write('hello');
  expect(await receive(one, 'hello')).toBe('hello');
  const large = 'y'.repeat(1_000_000);
  one.end(large);
  let echoed = 0;
  for await (const chunk of one) echoed += Buffer.from(chunk).length;
  expect(echoed).toBe(large.length);
  expect(heads).toEqual(['first octets']);
});

test('a socket that was handed over holds its client back while it is not read', async () => {
  const [server, dial] = await open(echo);
  const taken = once(server, 'upgrade');
  const client = await dial();
  client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n');
  const [, socket] = await taken;
  client.write(Buffer.alloc(20_000_000));
  await delay(50);
  expect(socket.readableLength).toBeLessThan(200_000);
  expect(client.writableLength).toBeGreaterThan(0);
  let length = 0;
  client.end();
  for await (const chunk of socket) length += Buffer.from(chunk).length;
  expect(length).toBe(20_000_000);
});

test('a listener of clientError sees the wrong packet, even if the packet waited for its turn', async () => {
  const packets: string[] = [];
  const [server, dial] = await open(async (environ, startResponse) => {
    await delay(20);
    return echo(environ, startResponse);
  });
  server.on('clientError', (error: { rawPacket?: Buffer }, socket: Socket) => {
    packets.push(String(error.rawPacket));
    socket.destroy();
  });
  const [one, other] = [await dial(), await dial()];
  const packet = 'GET / HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n';
  one.resume();
  one.write(packet);
  await delay(5);
  other.write(`GET /${'x'.repeat(200)} HTTP/1.1\r\nHost: a\r\n\r\n`);
  await once(one, 'close');
  expect(packets).toEqual([packet]);
});

test('a listener of clientError sees the beginning of an incomplete head', async () => {
  const packets: string[] = [];
  const [server, dial] = await open(echo, { headersTimeout: 100, connectionsCheckingInterval: 20 });
  server.on('clientError', (error: { rawPacket?: Buffer }, socket: Socket) => {
    packets.push(String(error.rawPacket));
    socket.destroy();
  });
  const [one, other] = [await dial(), await dial()];
  one.write('GET / HTTP/1.1\r\nHost: a\r\n');
  await delay(5);
  other.write(`GET /${'x'.repeat(200)} HTTP/1.1\r\nHost: a\r\n\r\n`);
  await once(one, 'close');
  expect(packets).toEqual(['GET / HTTP/1.1\r\nHost: a\r\n']);
});

test('sockets other than those of node:net are read by their events', async () => {
  const targets: string[] = [];
  const [server] = await open((environ: Environ, startResponse) => {
    targets.push(environ.RAW_URI ?? '');
    startResponse('200 OK', []);
    return ['done'];
  });
  const answers: string[] = [];
  const stream = new Duplex({
    read() {},
    write(chunk, _encoding, callback) {
      answers.push(String(chunk));
      callback();
    },
  });
  onTestFinished(() => void stream.destroy());
  server.emit('connection', stream);
  stream.push('GET /pushed HTTP/1.1\r\nHost: a\r\n\r\n');
  await expect.poll(() => answers.join('')).toContain('done');
  expect(targets).toEqual(['/pushed']);
});

test('a socket that was read before keeps octets that were put back', async () => {
  const gate = createNetServer({ allowHalfOpen: true });
  const [server] = await open(echo);
  // As with the PROXY protocol in front of the first request.
  gate.on('connection', (socket) => {
    socket.once('data', (octets) => {
      socket.pause();
      const text = String(octets);
      socket.unshift(Buffer.from(text.slice(text.indexOf('\r\n') + 2)));
      server.emit('connection', socket);
      socket.resume();
    });
  });
  gate.listen(0, '127.0.0.1');
  await once(gate, 'listening');
  onTestFinished(() => void gate.close());
  const address = gate.address();
  if (address === null || typeof address === 'string') throw new Error('No port');
  const client = connect(address.port, '127.0.0.1');
  onTestFinished(() => void client.destroy());
  client.write('PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\nGET /behind HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(await receive(client, '\r\n\r\n')).toContain('X-Target: /behind');
});
