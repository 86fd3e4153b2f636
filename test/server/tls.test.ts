import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createServer as createNodeServer, Server as HttpServer, type RequestListener } from 'node:http';
import {
  createServer as createHttpsServer,
  Server as HttpsServer,
  type Server as NodeTlsServer,
  request,
} from 'node:https';
import {
  type AddressInfo,
  connect as connectPlain,
  Server as NetServer,
  Socket as NetSocket,
} from 'node:net';
import { tmpdir } from 'node:os';
import { Duplex, Stream } from 'node:stream';
import { connect, type SecureContextOptions, TLSSocket, Server as TlsServer } from 'node:tls';
import supertest from 'supertest';
import { describe, expect, it, vi } from 'vitest';
import { fromNode } from '../../bridges/node/index.ts';
import { createServer, Server, serve } from '../../src/server/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { hello } from './support.ts';

const folder = new URL('../support/tls/', import.meta.url);
const read = (name: string): Buffer => readFileSync(new URL(name, folder));
const tls = { key: read('key.pem'), cert: read('cert.pem') };
const client = { key: read('client-key.pem'), cert: read('client-cert.pem') };

const tellTls: Application = (environ, startResponse) => {
  startResponse('200 OK', []);
  const keys = [
    'wsgi.url_scheme',
    'HTTPS',
    'SSL_PROTOCOL',
    'SSL_CIPHER',
    'SSL_CLIENT_VERIFY',
    'SSL_CLIENT_CERT',
  ];
  return [JSON.stringify(Object.fromEntries(keys.map((key) => [key, environ[key]])))];
};

async function get(server: Server, options: SecureContextOptions = {}): Promise<Record<string, string>> {
  const { port } = server.address() as AddressInfo;
  const text = await new Promise<string>((resolve, reject) => {
    const outgoing = request(
      { port, host: 'localhost', ca: tls.cert, agent: false, ...options },
      (response) => {
        response.toArray().then((pieces) => resolve(Buffer.concat(pieces).toString()), reject);
      },
    );
    outgoing.on('error', reject).end();
  });
  return JSON.parse(text);
}

describe('TLS', () => {
  it('works with supertest, which recognizes an https.Server', async () => {
    const response = await supertest(createServer(hello, { tls }))
      .get('/')
      .ca(tls.cert)
      .set('Host', 'localhost');
    expect(response.text).toBe('Hello');
  });

  it("has the requests' socket in secureConnection, and accepts more certificates", async () => {
    const sockets: unknown[] = [];
    const application = fromNode((request, response) => {
      sockets.push(request.socket);
      response.end('{}');
    });
    const server = await serve(application, { port: 0, tls });
    server.addContext('other.example', tls);
    server.setTicketKeys(server.getTicketKeys());
    server.on('secureConnection', (socket) => sockets.push(socket));
    await get(server);
    expect(sockets).toHaveLength(2);
    expect(sockets[0]).toBe(sockets[1]);
    await server.shutdown();
  });

  it.each([
    {},
    { keyFile: 'key.pem', certFile: 'cert.pem' },
    { key: tls.key },
    { cert: tls.cert },
    { key: undefined, cert: undefined },
  ])('is refused by listen if no handshake can succeed: %o', async (options) => {
    await expect(serve(hello, { port: 0, tls: options })).rejects.toThrow(/Option tls needs key and cert/);
    const server = createServer(hello, { tls: options });
    expect(() => server.listen(0)).toThrow(TypeError);
    // As a server does that gets its certificates later.
    server.addContext('*', tls);
    await new Promise<void>((resolve) => server.listen(0, resolve));
    await server.shutdown();
  });

  it('is not refused if the certificate comes from elsewhere', async () => {
    const callbacks = [{ SNICallback: () => {} }, { pskCallback: () => null }];
    for (const options of callbacks) await (await serve(hello, { port: 0, tls: options })).shutdown();
    const server = createServer(hello, { tls: {} });
    server.setSecureContext(tls);
    await new Promise<void>((resolve) => server.listen(0, resolve));
    await expect(get(server)).rejects.toThrow(/Hello/);
    await server.shutdown();
  });

  it('decides which methods and prototypes a server has, also if it is a subclass', () => {
    class Special extends Server {
      readonly label: string = 'special';
      tell(): string {
        return `${this.label} ${this.timeout}`;
      }
    }
    for (const Type of [Server, Special]) {
      const plain = new Type(hello, {});
      const secure = new Type(hello, { tls });
      for (const [server, node] of [
        [plain, createNodeServer()],
        [secure, createHttpsServer()],
      ] as const) {
        for (const name of ['setSecureContext', 'addContext', 'getTicketKeys', 'setTicketKeys']) {
          expect(typeof Reflect.get(server, name), name).toBe(typeof Reflect.get(node, name));
        }
        for (const kind of [NetServer, TlsServer, HttpServer, HttpsServer, EventEmitter]) {
          expect(server instanceof kind, kind.name).toBe(node instanceof kind);
        }
        expect(server instanceof Server).toBe(true);
        expect(server instanceof Special).toBe(Type === Special);
        expect(server.constructor).toBe(Type);
        if (server instanceof Special) expect(server.tell()).toBe('special 0');
      }
    }
  });

  it('is shown to programs as on node:https', async () => {
    const methods = Object.keys(TLSSocket.prototype).filter((name) => !name.startsWith('_'));
    const seen: unknown[][] = [];
    const make: ((listener: RequestListener) => NodeTlsServer | Server)[] = [
      (listener) => createHttpsServer(tls, listener),
      (listener) => createServer(fromNode(listener), { tls }),
    ];
    for (const makeServer of make) {
      const notes: unknown[] = [];
      const server = makeServer((request, response) => {
        const { socket } = request;
        const { servername, alpnProtocol, authorized, authorizationError, encrypted } = socket as TLSSocket;
        notes.push({ servername, alpnProtocol, authorized, authorizationError, encrypted });
        notes.push(methods.filter((name) => typeof Reflect.get(socket, name) !== 'function'));
        notes.push(typeof (socket as TLSSocket).exportKeyingMaterial(8, 'label', Buffer.alloc(0)));
        notes.push(
          Reflect.get(socket, 'server') === server,
          Reflect.get(response.socket ?? {}, 'server') === server,
        );
        notes.push([NetSocket, TLSSocket, Duplex, Stream].map((type) => socket instanceof type));
        response.end('{}');
      });
      server.on('secureConnection', function secured(this: unknown, socket: TLSSocket) {
        notes.push(
          this === server,
          [NetSocket, TLSSocket, Duplex].map((type) => socket instanceof type),
        );
      });
      server.on('keylog', (line: Buffer) => notes.push(Buffer.isBuffer(line)));
      server.on('newSession', (_id, _data, done: () => void) => {
        notes.push('newSession');
        done();
      });
      server.on('OCSPRequest', (_certificate, _issuer, done: (error: null, response: null) => void) => {
        notes.push('OCSPRequest');
        done(null, null);
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const options = { port, host: '127.0.0.1', servername: 'localhost', ca: tls.cert, requestOCSP: true };
      const socket = connect({ ...options, maxVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] });
      socket.end('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      await socket.toArray();
      server.close();
      seen.push(notes);
    }
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[0]).toContain('OCSPRequest');
  });

  it('appears in the environ', async () => {
    const server = await serve(tellTls, { port: 0, tls });
    const variables = await get(server);
    expect(variables).toMatchObject({ 'wsgi.url_scheme': 'https', HTTPS: 'on', SSL_CLIENT_VERIFY: 'NONE' });
    expect(variables.SSL_PROTOCOL).toMatch(/^TLSv1\.[23]$/);
    expect(variables.SSL_CIPHER).toBeTruthy();
    await server.shutdown();
  });

  it('gives the certificate of a client and the result of its verification', async () => {
    const options = { ...tls, requestCert: true, rejectUnauthorized: false };
    const server = await serve(tellTls, { port: 0, tls: { ...options, ca: tls.cert } });
    expect(await get(server, client)).toMatchObject({
      SSL_CLIENT_VERIFY: 'SUCCESS',
      SSL_CLIENT_CERT: client.cert.toString(),
    });
    await server.shutdown();
    const doubtful = await serve(tellTls, { port: 0, tls: options });
    expect((await get(doubtful, client)).SSL_CLIENT_VERIFY).toMatch(/^FAILED:/);
    await doubtful.shutdown();
  });

  it('negotiates http/1.1', async () => {
    const server = await serve(hello, { port: 0, tls });
    const { port } = server.address() as AddressInfo;
    const socket = connect({ port, host: 'localhost', ca: tls.cert, ALPNProtocols: ['h2', 'http/1.1'] });
    await new Promise((resolve) => socket.on('secureConnect', resolve));
    expect(socket.alpnProtocol).toBe('http/1.1');
    socket.destroy();
    await server.shutdown();
  });

  it('reports a failed handshake and continues to serve', async () => {
    const server = await serve(tellTls, { port: 0, tls });
    const onError = vi.fn((_error: Error, socket: { destroy(): void }) => socket.destroy());
    server.on('tlsClientError', onError);
    const { port } = server.address() as AddressInfo;
    const plain = connectPlain(port, '127.0.0.1').on('error', () => {});
    plain.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await vi.waitFor(() => expect(onError).toHaveBeenCalledTimes(1));
    expect(await get(server)).toHaveProperty('HTTPS', 'on');
    await server.shutdown();
  });

  it('does not let an unfinished handshake hold up a shutdown', async () => {
    const server = await serve(hello, { port: 0, tls });
    const { port } = server.address() as AddressInfo;
    const socket = connectPlain(port, '127.0.0.1').on('error', () => {});
    await new Promise((resolve) => server.once('connection', resolve));
    await server.shutdown({ timeout: 20 });
    socket.destroy();
  });

  it('accepts a new certificate', async () => {
    const server = await serve(tellTls, { port: 0, tls });
    server.setSecureContext(client);
    await expect(get(server)).rejects.toThrow();
    server.setSecureContext(tls);
    expect(await get(server)).toHaveProperty('HTTPS', 'on');
    await server.shutdown();
  });
});

describe('a response to HTTP/1.0 that fails after its head', () => {
  const failing: Application = function* (_environ, startResponse) {
    startResponse('200 OK', []);
    yield 'x';
    throw new Error('too late');
  };
  const errors = { write: () => {}, writelines: () => {}, flush: () => {} };
  const environ = { 'wsgi.errors': errors };

  it('ends the connection over TLS', async () => {
    await using server = await serve(failing, { port: 0, tls, environ });
    const { port } = server.address() as AddressInfo;
    const socket = connect({ port, host: 'localhost', ca: tls.cert }).on('error', () => {});
    socket.write('GET / HTTP/1.0\r\n\r\n');
    let answer = '';
    socket.on('data', (octets) => {
      answer += octets.toString('latin1');
    });
    await once(socket, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nx$/);
  });

  it('ends the connection of a unix socket', async () => {
    const path = `${await mkdtemp(`${tmpdir()}/gatebridge-`)}/socket`;
    await using _server = await serve(failing, { path, environ });
    const socket = connectPlain(path).on('error', () => {});
    socket.write('GET / HTTP/1.0\r\n\r\n');
    let answer = '';
    socket.on('data', (octets) => {
      answer += octets.toString('latin1');
    });
    await once(socket, 'close');
    expect(answer).toMatch(/\r\n\r\nx$/);
  });
});

describe('a client that closes its half', () => {
  it('counts as gone for a wrapped program, and is answered by a gateway application', async () => {
    let closed = (): void => {};
    const over = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const wrapped = fromNode((_req, res) => {
      res.on('close', closed);
    });
    const later: Application = async (environ, startResponse) => {
      await over;
      return hello(environ, startResponse);
    };
    const server = await serve(
      (environ, startResponse) =>
        (environ.PATH_INFO === '/wrapped' ? wrapped : later)(environ, startResponse),
      { port: 0, tls },
    );
    const { port } = server.address() as AddressInfo;
    const ask = (path: string): Promise<Buffer[]> => {
      // Missing from the types.
      const options = { port, host: 'localhost', ca: tls.cert, allowHalfOpen: true };
      const socket = connect(options);
      socket.end(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      return socket.toArray();
    };
    const [nothing, answer] = await Promise.all([ask('/wrapped'), ask('/later')]);
    expect(Buffer.concat(nothing).toString()).toBe('');
    expect(Buffer.concat(answer).toString()).toContain('Hello');
    await server.shutdown();
  });
});
