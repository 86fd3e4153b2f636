/** The object that a wrapped program finds in the place of the socket. */
import { EventEmitter } from 'node:events';
import {
  createServer as createNodeServer,
  type IncomingMessage,
  type Server as NodeServer,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, connect, Socket } from 'node:net';
import { Duplex, finished, Stream } from 'node:stream';
import { TLSSocket } from 'node:tls';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { fromExpress } from '../../../bridges/express/index.ts';
import { fromNode } from '../../../bridges/node/index.ts';
import { MessageSocket } from '../../../src/messages/socket/message-socket.ts';
import { socketFor } from '../../../src/messages/socket/socket-registry.ts';
import { createServer, type Server } from '../../../src/server/index.ts';
import type { ApplicationFunction, Environ } from '../../../src/wsgi.ts';
import { listenNode, listenOurs, pause, request, transcript, until } from '../side-by-side.ts';

/** Collects what a program sees on node:http and on the standalone server. */
async function onBoth<T>(
  look: (req: IncomingMessage, res: ServerResponse) => T,
): Promise<[node: T[], ours: T[]]> {
  const seen: [T[], T[]] = [[], []];
  const kept = request('GET', '/').replace('Connection: close\r\n', '');
  const listener =
    (list: T[]): RequestListener =>
    (req, res) => {
      list.push(look(req, res));
      res.end();
    };
  const [node, ours] = [await listenNode(listener(seen[0])), await listenOurs(fromNode(listener(seen[1])))];
  for (const server of [node, ours]) {
    await transcript(server, kept, 'answer', kept, 'answer', 'end');
    await server.close();
  }
  return seen;
}

/** A server that the test closes by itself. */
async function stoppable(
  server: NodeServer | Server,
): Promise<{ readonly port: number; stop(closed: () => void): void }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // The address is a string only for a pipe.
  const { port } = server.address() as AddressInfo;
  return { port, stop: (closed) => void server.close(closed) };
}

function environ(more: Record<string, unknown> = {}): Environ {
  return { SERVER_NAME: '127.0.0.1', SERVER_PORT: '80', 'wsgi.url_scheme': 'http', ...more } as Environ;
}

describe('the socket of a wrapped program', () => {
  it('has the same addresses and states as on node:http', async () => {
    const [node, ours] = await onBoth(({ socket }) => {
      const { remoteAddress, remoteFamily, localAddress, localFamily, destroyed, readable, writable } =
        socket;
      const facts = { remoteAddress, remoteFamily, localAddress, localFamily, destroyed, readable, writable };
      const { connecting, readyState, writableHighWaterMark, readableHighWaterMark } = socket;
      const more = { connecting, readyState, writableHighWaterMark, readableHighWaterMark };
      const encrypted: unknown = Reflect.get(socket, 'encrypted');
      const kinds = [EventEmitter, Stream, Duplex, Socket, TLSSocket].map((kind) => socket instanceof kind);
      const types = [typeof socket.remotePort, typeof socket.localPort, typeof socket.bytesWritten];
      return { ...facts, ...more, encrypted, kinds, types };
    });
    expect(ours).toEqual(node);
  });

  it('is the same for all requests of a connection, keeps properties set on it, and closes with it', async () => {
    const sockets = new Set<unknown>();
    const marks: unknown[] = [];
    let closed = 0;
    await onBoth(({ socket }) => {
      sockets.add(socket);
      marks.push(Reflect.get(socket, 'mark'));
      if (Reflect.get(socket, 'mark') === undefined) socket.on('close', () => closed++);
      Reflect.set(socket, 'mark', 'set');
    });
    expect(sockets.size).toBe(2);
    expect(marks).toEqual([undefined, 'set', undefined, 'set']);
    await until(() => closed === 2);
  });

  it('lets a program say that the connection is secure', async () => {
    const app = express();
    app.use((req, _res, next) => {
      Reflect.set(req.socket, 'encrypted', true);
      next();
    });
    app.use((req, res) => void res.send(`${req.secure} ${req.protocol}`));
    const server = await listenOurs(fromExpress(app));
    expect(await transcript(server, request('GET', '/'))).toMatch(/true https$/);
    await server.close();
  });

  it('is secure for each request whose scheme is https', async () => {
    const seen: unknown[] = [];
    const application = fromNode((req, res) => {
      seen.push(Reflect.get(req.socket, 'encrypted'));
      res.end();
    });
    const schemes = ['https', 'http', 'https'];
    const behindProxy: ApplicationFunction = (given, startResponse) =>
      application({ ...given, 'wsgi.url_scheme': schemes.shift() as 'http' }, startResponse);
    const server = await listenOurs(behindProxy);
    const kept = request('GET', '/').replace('Connection: close\r\n', '');
    await transcript(server, kept, 'answer', kept, 'answer', request('GET', '/'));
    expect(seen).toEqual([true, undefined, true]);
    await server.close();
  });

  it('takes an address that middleware changed', async () => {
    const application = fromNode(
      (req, res) => void res.end(`${req.socket.remoteAddress} ${req.socket.remotePort}`),
    );
    const server = await listenOurs((given, startResponse) =>
      application({ ...given, REMOTE_ADDR: '192.0.2.7', REMOTE_PORT: '1' }, startResponse),
    );
    expect(await transcript(server, request('GET', '/'))).toMatch(/192\.0\.2\.7 1$/);
    await server.close();
  });

  it('takes TLS methods from the connection below', () => {
    const hostSocket = {
      server: undefined,
      authorized: true,
      getProtocol: () => 'TLSv1.3',
      getPeerCertificate: () => ({ subject: 'me' }),
    };
    const socket = new MessageSocket(environ({ 'wsgi.url_scheme': 'https' }), hostSocket);
    expect(socket).toMatchObject({ encrypted: true, authorized: true });
    expect(Reflect.get(socket, 'getProtocol')()).toBe('TLSv1.3');
    expect(Reflect.get(socket, 'getCipher')).toBeUndefined();
    expect(new MessageSocket(environ(), hostSocket)).not.toHaveProperty('getProtocol');
  });

  it('works without a connection below', () => {
    const socket = socketFor(environ({ REMOTE_ADDR: '::1', REMOTE_PORT: '5' }));
    const { remoteAddress, remoteFamily, remotePort, localAddress, localPort, bytesRead, server } = socket;
    expect([remoteAddress, remoteFamily, remotePort]).toEqual(['::1', 'IPv6', 5]);
    expect([localAddress, localPort, bytesRead, server]).toEqual(['127.0.0.1', 80, 0, undefined]);
    expect(socket.address()).toEqual({ address: '127.0.0.1', family: 'IPv4', port: 80 });
    expect(socket.setNoDelay().setKeepAlive().ref().unref().pause()).toBe(socket);
  });

  it('is a new one while the connection is busy', () => {
    const given = environ({ 'gateway.socket': new EventEmitter() });
    const first = socketFor(given);
    expect(socketFor(given)).toBe(first);
    const owner = { isLeaving: false };
    const response = {} as never;
    first.attach(owner as never, response, given);
    expect(socketFor(given)).not.toBe(first);
    first.detachResponse(response);
    first.detach(owner as never);
    expect(socketFor(given)).toBe(first);
  });

  it('serves the next request once the one before only has to report its end', () => {
    const given = environ({ 'gateway.socket': new EventEmitter() });
    const first = socketFor(given);
    const [response, next] = [{}, {}] as never[];
    const owner = { isLeaving: true };
    first.attach(owner as never, response as never, given);
    expect(socketFor(given)).toBe(first);
    first.attach({ isLeaving: false } as never, next as never, given);
    first.detachResponse(response as never);
    first.detach(owner as never);
    expect(first._httpMessage).toBe(next);
    expect(socketFor(given)).not.toBe(first);
  });

  it('follows the connection below to its end, with its error', async () => {
    const hostSocket = new EventEmitter();
    const socket = socketFor(environ({ 'gateway.socket': hostSocket }));
    const trail: string[] = [];
    socket
      .on('error', (error) => trail.push(error.message))
      .on('close', (hadError) => trail.push(`${hadError}`));
    hostSocket.emit('error', new Error('reset'));
    hostSocket.emit('close', true);
    await until(() => trail.length === 2);
    expect(trail).toEqual(['reset', 'true']);
    expect(socket).toMatchObject({ destroyed: true, readable: false, writable: false, readyState: 'closed' });
  });

  it('cuts the connection below when it serves no request', async () => {
    let destroyed = 0;
    const hostSocket = { destroy: () => destroyed++ };
    const socket = new MessageSocket(environ(), hostSocket);
    expect(socket.destroy().destroy()).toBe(socket);
    expect(destroyed).toBe(1);
    await new Promise((resolve) => socket.on('close', resolve));
    expect(socket.setTimeout(5)).toBe(socket);
  });

  it('can be waited for with stream.finished', async () => {
    const socket = new MessageSocket(environ(), undefined);
    const outcome = new Promise((resolve) => finished(socket, (error) => resolve(error?.code ?? 'none')));
    socket.destroy();
    expect(await outcome).toBeTypeOf('string');
  });

  it('lets a program write a raw response to the connection', async () => {
    const listener: RequestListener = (req) => {
      req.socket.write('HTTP/1.1 299 Raw\r\n\r\n');
      req.socket.end('raw');
    };
    const [node, ours] = [await listenNode(listener), await listenOurs(fromNode(listener))];
    const text = await transcript(ours, request('GET', '/'));
    expect(text).toBe('HTTP/1.1 299 Raw\r\n\r\nraw');
    expect(await transcript(node, request('GET', '/'))).toBe(text);
    await Promise.all([node.close(), ours.close()]);
  });

  it('reports a time-out of the connection below during a request', () => {
    const hostSocket = new EventEmitter();
    const socket = socketFor(environ({ 'gateway.socket': hostSocket }));
    let calls = 0;
    socket.on('timeout', () => calls++);
    hostSocket.emit('timeout');
    expect(calls).toBe(0);
    const response = { req: { complete: true }, emit: () => calls++ };
    socket.attach({} as never, response as never, environ());
    hostSocket.emit('timeout');
    expect(calls).toBe(2);
    expect(socket.destroyed).toBe(false);
  });

  it.each(['node:http', 'ours'])('closes at once if destroyed in a response: %s', async (kind) => {
    const order: string[] = [];
    const listener: RequestListener = (req, res) => {
      res.write('a');
      setTimeout(() => {
        server.stop(() => order.push('server'));
        req.socket.destroy();
      }, 10);
    };
    const server = await stoppable(
      kind === 'ours' ? createServer(fromNode(listener)) : createNodeServer(listener),
    );
    const client = connect(server.port, '127.0.0.1');
    client.on('close', () => order.push('client'));
    client.write(request('GET', '/'));
    client.resume();
    await until(() => order.length === 2);
    expect(order).toEqual(['server', 'client']);
  });

  it('refuses data when there is no connection', async () => {
    const socket = new MessageSocket(environ(), undefined);
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => {
      expect(socket.write('HTTP/1.1 101 x', resolve)).toBe(false);
    });
    expect(error.code).toBe('ERR_METHOD_NOT_IMPLEMENTED');
    expect(() => socket.setEncoding()).toThrow(expect.objectContaining({ code: 'ERR_HTTP_SOCKET_ENCODING' }));
  });

  it('handles time-outs as node does', async () => {
    const socket = new MessageSocket(environ(), undefined);
    expect(() => socket.setTimeout('1' as never)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
    expect(() => socket.setTimeout(-1)).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
    let calls = 0;
    const count = (): void => void calls++;
    socket.setTimeout(5, count).setTimeout(0, count);
    expect(socket.listenerCount('timeout')).toBe(0);
    await pause(15);
    expect(calls).toBe(0);
    socket.setTimeout(5, count);
    await until(() => calls === 1);
    expect(socket.destroyed).toBe(true);
  });
});
