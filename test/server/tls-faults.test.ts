/** Faults of TLS after the handshake, and what is negotiated. The same steps run on node:https. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import {
  type AddressInfo,
  connect as connectPlain,
  createServer as createProxy,
  type Socket,
} from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket, type TlsOptions } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fromNode } from '../../bridges/node/index.ts';
import { createServer, type Server } from '../../src/server/index.ts';
import type { Application } from '../../src/wsgi.ts';

const folder = new URL('../support/tls/', import.meta.url);
const tls = {
  key: readFileSync(new URL('key.pem', folder)),
  cert: readFileSync(new URL('cert.pem', folder)),
};
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const UPLOAD = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab';

type EitherServer = HttpsServer | Server;
const answer = (
  request: { method?: string | undefined; resume(): unknown },
  response: { end(text: string): void },
): void => {
  if (request.method === 'POST') request.resume();
  else response.end('Hello');
};
const servers: [string, (options?: TlsOptions) => EitherServer][] = [
  ['node:https', (options) => createHttpsServer({ ...tls, ...options }, answer)],
  ['the standalone server', (options) => createServer(fromNode(answer), { tls: { ...tls, ...options } })],
];

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function start(server: EitherServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  // It listens on a port.
  return (server.address() as AddressInfo).port;
}

async function open(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', ca: tls.cert, servername: 'localhost', ...options });
  socket.on('error', () => {});
  cleanups.push(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

/** Passes octets on, and can add some on the way to the server. */
async function interpose(port: number): Promise<{ port: number; inject(octets: Buffer): void }> {
  let far: Socket | undefined;
  const proxy = createProxy((near) => {
    far = connectPlain(port, '127.0.0.1');
    near
      .on('error', () => {})
      .pipe(far.on('error', () => {}))
      .pipe(near);
    cleanups.push(() => {
      near.destroy();
      far?.destroy();
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  cleanups.push(() => proxy.close());
  return { port: (proxy.address() as AddressInfo).port, inject: (octets) => void far?.write(octets) };
}

/** Resolves at 'close'; `once` would reject at an error before it. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.on('close', () => resolve()));
}

function connections(server: EitherServer): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

describe.each(servers)('on %s', (_name, make) => {
  it('a client that renegotiates again and again is cut at the limit of node', async () => {
    const server = make();
    const told: unknown[] = [];
    const port = await start(server);
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      told.push(error.code);
      socket.destroy();
    });
    const client = await open(port, { maxVersion: 'TLSv1.2' });
    client.write(GET);
    await once(client, 'data');
    let renegotiations = 0;
    const end = closed(client);
    const renegotiate = (): void => {
      client.renegotiate({}, (error) => {
        if (error !== null || client.destroyed || renegotiations > 20) return;
        renegotiations += 1;
        renegotiate();
      });
    };
    renegotiate();
    await end;
    expect(renegotiations).toBe(3);
    expect(told).toEqual(['ERR_TLS_SESSION_ATTACK']);
    await vi.waitFor(async () => expect(await connections(server)).toBe(0));
  });

  it('a renegotiation is refused where it was disabled', async () => {
    const server = make();
    const port = await start(server);
    server.on('secureConnection', (socket: TLSSocket) => socket.disableRenegotiation());
    const client = await open(port, { maxVersion: 'TLSv1.2' });
    client.write(GET);
    await once(client, 'data');
    client.renegotiate({}, () => {});
    await closed(client);
    await vi.waitFor(async () => expect(await connections(server)).toBe(0));
  });

  it.each([
    ['idle', GET],
    ['in the middle of content', UPLOAD],
  ])('octets that are no TLS record end a connection that is %s', async (_when, octets) => {
    const server = make();
    const way = await interpose(await start(server));
    const client = await open(way.port);
    client.write(octets);
    if (octets === GET) await once(client, 'data');
    else await once(server, 'request');
    way.inject(Buffer.from('These are no octets of TLS'));
    await closed(client);
    await vi.waitFor(async () => expect(await connections(server)).toBe(0));
  });

  it('a listener of clientError hears of a fault after the handshake, and of one during it', async () => {
    const server = make();
    const told: unknown[] = [];
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      told.push(error.code);
      socket.destroy();
    });
    const port = await start(server);
    const way = await interpose(port);
    const client = await open(way.port);
    client.write(GET);
    await once(client, 'data');
    way.inject(Buffer.from('These are no octets of TLS'));
    await closed(client);
    const plain = connectPlain(port, '127.0.0.1').on('error', () => {});
    plain.write(GET);
    await closed(plain);
    expect(told).toEqual([expect.stringMatching(/^ERR_SSL_/), 'ERR_SSL_HTTP_REQUEST']);
  });

  it('protocols are negotiated as the option says', async () => {
    const negotiated = async (options: TlsOptions, offered: string[]): Promise<unknown> => {
      const port = await start(make(options));
      const client = connect({
        port,
        host: '127.0.0.1',
        ca: tls.cert,
        ALPNProtocols: offered,
        servername: 'localhost',
      });
      cleanups.push(() => client.destroy());
      return new Promise((resolve) => {
        client.on('secureConnect', () => resolve(client.alpnProtocol));
        client.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
      });
    };
    expect(await negotiated({}, ['h2', 'http/1.1'])).toBe('http/1.1');
    expect(await negotiated({ ALPNProtocols: ['a', 'b'] }, ['b'])).toBe('b');
    expect(await negotiated({ ALPNCallback: ({ protocols }) => protocols[1] }, ['a', 'b'])).toBe('b');
    expect(await negotiated({}, ['h2'])).toMatch(/NO_APPLICATION_PROTOCOL/);
  });
});

describe('the standalone server over TLS', () => {
  it('negotiates http/1.0 too, which node:https refuses', async () => {
    const port = await start(createServer(fromNode(answer), { tls }));
    const client = await open(port, { ALPNProtocols: ['http/1.0'] });
    expect(client.alpnProtocol).toBe('http/1.0');
    client.write('GET / HTTP/1.0\r\n\r\n');
    expect(Buffer.concat(await client.toArray()).toString()).toMatch(/Hello$/);
  });

  it('fails a waiting read after a fault', async () => {
    let failure: unknown;
    const reading: Application = async (environ, startResponse) => {
      try {
        await environ['wsgi.input'].read();
      } catch (error) {
        failure = error;
      }
      startResponse('200 OK', []);
      return [];
    };
    const way = await interpose(await start(createServer(reading, { tls })));
    const client = await open(way.port);
    client.write(UPLOAD);
    await new Promise((resolve) => setTimeout(resolve, 50));
    way.inject(Buffer.from('These are no octets of TLS'));
    await closed(client);
    await vi.waitFor(() => expect(failure).toMatchObject({ code: 'WSGI_ERR_DISCONNECTED' }));
  });

  it('leaves upgraded sockets to their owners on closeAllConnections()', async () => {
    const server = createServer(fromNode(answer), { tls });
    const port = await start(server);
    let taken: Socket | undefined;
    server.on('upgrade', (_request, socket: Socket) => {
      taken = socket;
      socket.write('HTTP/1.1 101 Yes\r\n\r\n');
    });
    const client = await open(port);
    client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n');
    await once(client, 'data');
    server.closeAllConnections();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(taken?.destroyed).toBe(false);
    taken?.destroy();
  });

  it('gives an unfinished handshake a moment during a shutdown, but not its whole time', async () => {
    const server = createServer(fromNode(answer), { tls });
    const port = await start(server);
    const plain = connectPlain(port, '127.0.0.1').on('error', () => {});
    await once(server, 'connection');
    const begin = performance.now();
    await server.shutdown({ timeout: 20_000 });
    expect(performance.now() - begin).toBeLessThan(5_000);
    plain.destroy();
  });
});
