/**
 * Misbehaving clients, one function for each misbehaviour.
 *
 * Rule 1: each ends when the server closes it, when its own time is over, or when it is told to.
 * Rule 2: the table below bounds their number and their pauses: some 300 at once and 300 connections a second. The
 *          soak checks that the server contains them, not how a machine behaves that has run out of CPU.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { generateInput } from '../fuzz/generator.ts';
import { Random } from '../fuzz/random.ts';

export interface Misbehaviour {
  /** The number of clients at once. */
  readonly clients: number;
  /** Milliseconds between two connections of one client. */
  readonly pause: number;
  /** Over TLS. */
  readonly isSecure?: boolean;
  misbehave(socket: Socket, random: Random): Promise<void> | void;
}

const HOST = 'Host: soak\r\n';
const GET = `GET / HTTP/1.1\r\n${HOST}\r\n`;
const POST = `POST /upload HTTP/1.1\r\n${HOST}`;
const DRIP = 100;
const PIECE = 16_384;

export const MISBEHAVIOURS: Readonly<Record<string, Misbehaviour>> = {
  'slow heads': {
    clients: 80,
    pause: 50,
    misbehave: (socket) => drip(socket, `GET / HTTP/1.1\r\n${HOST}X: ${'x'.repeat(1_000)}`),
  },
  'slow bodies': {
    clients: 40,
    pause: 50,
    misbehave(socket) {
      socket.write(`${POST}Content-Length: 100000\r\n\r\n`);
      return drip(socket, 'x'.repeat(1_000));
    },
  },
  'slow readers': {
    clients: 20,
    pause: 50,
    async misbehave(socket) {
      socket.pause();
      socket.write(`GET /download?20000000 HTTP/1.1\r\n${HOST}\r\n`);
      await wait(socket, 5_000);
    },
  },
  'readers of a drop at a time': {
    clients: 10,
    pause: 50,
    async misbehave(socket) {
      socket.pause();
      socket.write(`GET /stream?20000000 HTTP/1.1\r\n${HOST}\r\n`);
      for (let count = 0; count < 50 && !socket.destroyed; count += 1) {
        socket.read(100);
        await wait(socket, DRIP);
      }
    },
  },
  resets: {
    clients: 6,
    pause: 80,
    async misbehave(socket, random) {
      const request = random.pick([
        GET.repeat(20),
        `GET /download?1000000 HTTP/1.1\r\n${HOST}\r\n`,
        `${POST}Content-Length: 50000\r\n\r\n${'x'.repeat(50_000)}`,
        `${POST}Transfer-Encoding: chunked\r\n\r\nffff\r\n${'x'.repeat(10_000)}`,
      ]);
      socket.write(request.slice(0, random.below(request.length)));
      await wait(socket, random.below(30));
      socket.resetAndDestroy();
    },
  },
  'bad heads': {
    clients: 6,
    pause: 80,
    async misbehave(socket, random) {
      socket.write(generateInput(random), 'latin1');
      await wait(socket, random.pick([10, 50, 100]));
    },
  },
  'half-closes': {
    clients: 6,
    pause: 100,
    async misbehave(socket, random) {
      const request = random.pick([
        GET,
        `${POST}Content-Length: 5\r\n\r\nhello`,
        `GET /stream?500000 HTTP/1.1\r\n${HOST}\r\n`,
      ]);
      socket.end(random.once(2) ? request : request.slice(0, random.below(request.length)));
      await wait(socket, 3_000);
    },
  },
  'pipelining bursts': {
    clients: 4,
    pause: 1000,
    async misbehave(socket, random) {
      if (random.once(2)) socket.pause();
      socket.write(GET.repeat(1_000));
      await wait(socket, 500);
    },
  },
  'pipelining without pause': {
    clients: 2,
    pause: 1000,
    async misbehave(socket) {
      const until = performance.now() + 4_000;
      while (socket.writable && performance.now() < until) {
        if (!socket.write(GET.repeat(500))) await wait(socket, 3_000, 'drain');
        await wait(socket, 20);
      }
    },
  },
  'what never ends': {
    clients: 6,
    pause: 250,
    async misbehave(socket, random) {
      const chunked = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
      const start = random.pick([
        `${chunked}1;a=`,
        `${chunked}0\r\nX: `,
        `${chunked}0`,
        `GET / HTTP/1.1\r\n${HOST}X: `,
        'GET /',
      ]);
      socket.write(start);
      while (!socket.destroyed && socket.writable) {
        if (!socket.write('0'.repeat(PIECE))) await wait(socket, 3_000, 'drain');
        await wait(socket, 1);
      }
    },
  },
  'connects without a word': { clients: 80, pause: 50, misbehave: (socket) => wait(socket, 5_000) },
  'hanging up': { clients: 6, pause: 60, misbehave: (socket, random) => wait(socket, random.below(5)) },
  'promised content that does not come': {
    clients: 10,
    pause: 50,
    async misbehave(socket) {
      socket.write(`${POST}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`);
      await wait(socket, 6_000);
    },
  },
  'content that nobody wants': {
    clients: 3,
    pause: 1000,
    async misbehave(socket) {
      socket.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: 20000000\r\n\r\n`);
      for (let sent = 0; sent < 20_000_000 && socket.writable; sent += PIECE) {
        if (!socket.write('x'.repeat(PIECE))) await wait(socket, 3_000, 'drain');
      }
      await wait(socket, 1_000);
    },
  },
  'content that nobody wants, slowly': {
    clients: 10,
    pause: 100,
    misbehave(socket) {
      socket.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: 1000\r\n\r\n`);
      return drip(socket, 'x'.repeat(100));
    },
  },
  'content that nobody wants, after the close': {
    clients: 4,
    pause: 200,
    async misbehave(socket) {
      socket.write(`POST / HTTP/1.1\r\n${HOST}Connection: close\r\nContent-Length: 20000000\r\n\r\n`);
      await drip(socket, 'x'.repeat(60));
    },
  },
  'leaving a long poll over HTTP/1.0': {
    clients: 10,
    pause: 300,
    async misbehave(socket, random) {
      socket.write('GET /wait HTTP/1.0\r\n\r\n');
      await wait(socket, random.below(200));
    },
  },
  renegotiations: {
    clients: 2,
    pause: 500,
    isSecure: true,
    async misbehave(socket) {
      await wait(socket, 1_000, 'secureConnect');
      socket.write(GET);
      for (let count = 0; count < 20 && !socket.destroyed; count += 1) {
        await renegotiate(socket);
      }
    },
  },
  'octets that are no TLS': {
    clients: 2,
    pause: 300,
    isSecure: true,
    async misbehave(socket, random) {
      await wait(socket, 1_000, 'secureConnect');
      socket.write(GET);
      await wait(socket, random.below(50));
      // Below TLS.
      if (socket instanceof TLSSocket) carriers.get(socket)?.write('no record of TLS'.repeat(20));
      await wait(socket, 1_000);
    },
  },
  'chunks of one octet': {
    clients: 4,
    pause: 500,
    async misbehave(socket) {
      socket.write(`${POST}Transfer-Encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(5_000)}0\r\n\r\n`);
      await wait(socket, 300);
    },
  },
};

/** The connections below those of TLS. */
const carriers = new WeakMap<Socket, Socket>();

/** Writes octet by octet, until the end or until the server closes. */
async function drip(socket: Socket, text: string): Promise<void> {
  for (const octet of text) {
    if (socket.destroyed || !socket.writable) return;
    socket.write(octet);
    await wait(socket, DRIP);
  }
}

function open(port: number): Socket {
  return connect(port, '127.0.0.1').setNoDelay(true);
}

/** Opens a connection of TLS 1.2, the last version that renegotiates. */
function openSecure(port: number): TLSSocket {
  const carrier = open(port).on('error', () => {});
  const socket = connectTls({ socket: carrier, rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
  carriers.set(socket, carrier);
  return socket;
}

/** Renegotiates once, or ends with the connection. */
function renegotiate(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      socket.off('close', end);
      resolve();
    };
    socket.once('close', end);
    if (!(socket instanceof TLSSocket) || socket.renegotiate({}, end) === false) end();
  });
}

/** Waits for the time, the event or the close of the socket, whichever comes first. */
async function wait(socket: Socket, milliseconds: number, event = 'close'): Promise<void> {
  if (socket.destroyed) return;
  const ending = new AbortController();
  const end = (): void => ending.abort();
  socket.once('close', end).once(event, end);
  await delay(milliseconds, undefined, { signal: ending.signal }).catch(() => {});
  socket.off('close', end).off(event, end);
}

/** The ports of a server. */
export interface Ports {
  readonly port: number;
  readonly securePort: number;
}

/** Starts all of them. The returned function ends them, and counts the connections of each kind. */
export function startHostileClients(ports: Ports, scale = 1): () => Promise<Record<string, number>> {
  const lives: Record<string, number> = {};
  const stopping = new AbortController();
  const sockets = new Set<Socket>();
  const clients = Object.entries(MISBEHAVIOURS).flatMap(([name, misbehaviour], kind) => {
    lives[name] = 0;
    const count = Math.max(1, Math.round(misbehaviour.clients * scale));
    return Array.from({ length: count }, async (_, index) => {
      const random = new Random(3 + kind, index);
      while (!stopping.signal.aborted) {
        lives[name] = (lives[name] ?? 0) + 1;
        await live(misbehaviour, random);
      }
    });
  });

  async function live({ misbehave, pause, isSecure }: Misbehaviour, random: Random): Promise<void> {
    const socket = isSecure === true ? openSecure(ports.securePort) : open(ports.port);
    sockets.add(socket);
    // Being cut off is expected.
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.resume();
    await misbehave(socket, random);
    socket.destroy();
    sockets.delete(socket);
    await delay(pause * (0.5 + random.below(100) / 100));
  }

  return async () => {
    stopping.abort();
    for (const socket of sockets) socket.destroy();
    await Promise.all(clients);
    return lives;
  };
}
