/** Sockets that somebody else has accepted and emits as 'connection'. The same steps run on node:http. */
import { once } from 'node:events';
import { createServer as createNodeServer, type Server as NodeServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect, createServer as createPlainServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { fromNode } from '../../../bridges/node/index.ts';
import { createServer, type Server } from '../../../src/server/index.ts';

const GET = 'GET /target HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

type EitherServer = NodeServer | Server;

const servers: [string, (listener: RequestListener) => EitherServer][] = [
  ['node:http', createNodeServer],
  ['the standalone server', (listener) => createServer(fromNode(listener))],
];

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

/** Listens for connections, and hands each one over by a function. */
async function front(handOver: (socket: Socket) => unknown): Promise<number> {
  const server = createPlainServer({ allowHalfOpen: true }, handOver).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close());
  // It listens on a port.
  return (server.address() as AddressInfo).port;
}

async function ask(port: number, octets: string = GET): Promise<string> {
  const socket = connect(port, '127.0.0.1', () => socket.write(octets));
  cleanups.push(() => socket.destroy());
  return Buffer.concat(await socket.toArray()).toString();
}

describe.each(servers)('on %s', (_name, make) => {
  it('a socket keeps the properties that it was given before', async () => {
    const symbol = Symbol('proxy');
    const seen: unknown[] = [];
    const server = make((request, response) => {
      const { socket } = request;
      seen.push(Reflect.get(socket, 'clientId'), Reflect.get(socket, symbol), Reflect.get(socket, 'hop'));
      seen.push(socket.remoteAddress, socket.remotePort, Reflect.get(socket, 'encrypted'));
      Reflect.set(socket, 'clientId', 'changed');
      response.end('Hello');
    });
    let given: object | undefined;
    const port = await front((socket) => {
      given = socket;
      Object.assign(socket, { clientId: 'one', [symbol]: 2, encrypted: true });
      Object.defineProperty(socket, 'hop', { enumerable: true, get: () => 'three' });
      // As libraries of the PROXY protocol do.
      Object.defineProperty(socket, 'remoteAddress', { value: '192.0.2.1' });
      Object.defineProperty(socket, 'remotePort', { value: 7 });
      server.emit('connection', socket);
    });
    expect(await ask(port)).toMatch(/Hello$/);
    expect(seen).toEqual(['one', 2, 'three', '192.0.2.1', 7, true]);
    expect(Reflect.get(Object(given), 'clientId')).toBe('changed');
  });

  /** Ways to give octets back that were read from a socket. */
  const ways: [string, (server: EitherServer, socket: Socket, octets: Buffer) => unknown][] = [
    [
      'unshift before',
      (server, socket, octets) => {
        socket.unshift(octets);
        server.emit('connection', socket);
      },
    ],
    [
      'unshift after',
      (server, socket, octets) => {
        server.emit('connection', socket);
        socket.unshift(octets);
      },
    ],
    [
      'push after',
      (server, socket, octets) => {
        server.emit('connection', socket);
        socket.push(octets);
      },
    ],
    [
      // As @socket.io/sticky does.
      'pause, emit, resume',
      (server, socket, octets) => {
        socket.pause();
        server.emit('connection', socket);
        socket.emit('data', octets);
        socket.resume();
      },
    ],
    [
      'unshift a tick later',
      (server, socket, octets) => {
        server.emit('connection', socket);
        setImmediate(() => socket.unshift(octets));
      },
    ],
  ];

  it.each(ways)('octets that were read before reach the parser: %s', async (way, giveBack) => {
    const server = make((request, response) => {
      let content = '';
      request.on('data', (octets) => {
        content += octets;
      });
      request.on('end', () => response.end(`${content}.`));
    });
    const post = 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc';
    // Where the rest waits in the socket, it would overtake what comes later.
    const isLate = way === 'push after' || way === 'unshift a tick later';
    for (const length of isLate ? [post.length] : [1, 4, post.length]) {
      const port = await front((socket) => {
        socket.once('readable', () => {
          const octets: Buffer = socket.read(length);
          socket.removeAllListeners('readable');
          giveBack(server, socket, octets);
          // Listening for 'readable' has paused it.
          socket.resume();
        });
      });
      expect(await ask(port, post)).toMatch(/\r\n\r\nabc\.$/);
    }
  });

  it.each(ways)('octets that came another way reach the parser: %s', async (_way, giveBack) => {
    const server = make((_request, response) => response.end('Hello'));
    // A process that was sent the socket and what another had read from it; nothing more comes.
    const port = await front((socket) => giveBack(server, socket, Buffer.from(GET)));
    expect(await ask(port, '')).toMatch(/Hello$/);
  });

  it('a listener that has taken the place of the server reads first, and gives octets back', async () => {
    const server = make((_request, response) => response.end('Hello'));
    const [own] = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      socket.once('data', (octets) => {
        own?.call(server, socket);
        // The head of the PROXY protocol is not for the server.
        socket.unshift(octets.subarray(octets.indexOf('\n') + 1));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    expect(await ask(port, `PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n${GET}`)).toMatch(/Hello$/);
  });

  it('a listener of connection sees them, and what it sets stays', async () => {
    const seen: unknown[] = [];
    const server = make((request, response) => {
      seen.push(Reflect.get(request.socket, 'clientId'), Reflect.get(request.socket, 'mark'));
      response.end('Hello');
    });
    server.on('connection', (socket: Socket) => {
      seen.push(Reflect.get(socket, 'clientId'));
      Reflect.set(socket, 'mark', 'set');
    });
    const port = await front((socket) =>
      server.emit('connection', Object.assign(socket, { clientId: 'one' })),
    );
    expect(await ask(port)).toMatch(/Hello$/);
    expect(seen).toEqual(['one', 'one', 'set']);
  });
});
