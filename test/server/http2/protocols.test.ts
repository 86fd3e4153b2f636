/** Which connections speak HTTP/2: by ALPN over TLS, by the preface without; and what a server without the option does. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { request as requestHttps } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { createServer, type Server, serve } from '../../../src/server/index.ts';
import type { Application } from '../../../src/wsgi.ts';
import { startServer } from '../support.ts';
import { headers, PREFACE, settings, TYPE } from './frames.ts';
import { fetchHttp2, startForEach } from './support.ts';

const TLS_FOLDER = join(import.meta.dirname, '../../support/tls');
const tls = {
  key: readFileSync(join(TLS_FOLDER, 'key.pem')),
  cert: readFileSync(join(TLS_FOLDER, 'cert.pem')),
};

const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const start = startForEach();

async function startSecure(options: object = {}): Promise<{ server: Server; port: number }> {
  const server = await serve(protocol, { port: 0, tls, http2: true, ...options });
  stops.push(() => server.shutdown({ timeout: 100 }));
  return { server, port: (server.address() as AddressInfo).port };
}

const protocol: Application = (environ, startResponse) => {
  startResponse('200 OK', []);
  return [`${environ.SERVER_PROTOCOL} ${environ['wsgi.url_scheme']}`];
};

describe('without TLS', () => {
  it('serves HTTP/2 and HTTP/1.1 at one port', async () => {
    const { session, port } = await start(protocol);
    expect(String((await fetchHttp2(session())).content)).toBe('HTTP/2.0 http');
    expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('HTTP/1.1 http');
  });

  it('knows the preface wherever it is cut', async () => {
    const { frames } = await start(protocol);
    const begin = Buffer.concat([Buffer.from(PREFACE), settings(), headers(1)]);
    const cuts = Array.from({ length: PREFACE.length + 8 }, (_, index) => index + 1);
    await Promise.all(
      cuts.map(async (cut) => {
        const client = frames().send(begin.subarray(0, cut));
        await delay(20);
        client.send(begin.subarray(cut));
        expect(await client.end(1)).toBe('whole');
        expect(String(client.content(1))).toBe('HTTP/2.0 http');
      }),
    );
  });

  it('serves HTTP/1.1 that begins like the preface, cut at each octet', async () => {
    const { port } = await start((environ, startResponse) => {
      startResponse('200 OK', []);
      return [environ.REQUEST_METHOD];
    });
    for (const text of ['PRI / HTTP/1.1\r\nHost: a\r\n\r\n', 'P /x HTTP/1.1\r\nHost: a\r\n\r\n']) {
      for (const cut of [1, 2, 3, 4, 5]) {
        const socket = connect(port, '127.0.0.1');
        socket.write(text.slice(0, cut));
        await delay(10);
        socket.write(text.slice(cut));
        const [answer] = await once(socket, 'data');
        expect(String(answer)).toMatch(/^HTTP\/1\.1 200 OK/);
        socket.destroy();
      }
    }
  });

  it('serves pipelined requests of HTTP/1.1 that come in one packet', async () => {
    const { port } = await start(protocol);
    const socket = connect(port, '127.0.0.1');
    socket.end('GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    let text = '';
    socket.on('data', (octets) => {
      text += octets;
    });
    await once(socket, 'close');
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
  });

  it('closes connections on which the first octets do not come, or not all of the preface', async () => {
    const { port, server } = await start(protocol, { headersTimeout: 200, requestTimeout: 200 });
    const codes: unknown[] = [];
    server.on('clientError', (error: NodeJS.ErrnoException) => codes.push(error.code));
    for (const text of ['', 'PRI * HT']) {
      const socket = connect(port, '127.0.0.1');
      socket.write(text);
      let answer = '';
      socket.on('data', (octets) => {
        answer += octets;
      });
      await once(socket, 'close');
      expect(answer).toBe('');
    }
    expect(codes).toEqual(['ERR_HTTP_REQUEST_TIMEOUT', 'ERR_HTTP_REQUEST_TIMEOUT']);
    expect(server.metrics().timeouts.head).toBe(2);
    await expect.poll(() => server.metrics().connections.open).toBe(0);
  });

  it('closes a connection whose client ends in the middle of the preface', async () => {
    const { port, server } = await start(protocol);
    const socket = connect(port, '127.0.0.1');
    socket.resume().end('PRI * HTTP/2.0\r\n');
    await once(socket, 'close');
    expect(server.metrics().connections.open).toBe(0);
  });

  it('counts a connection once, whatever it speaks', async () => {
    const { port, server, session } = await start(protocol);
    const silent = connect(port, '127.0.0.1');
    await once(silent, 'connect');
    await fetchHttp2(session());
    await (await fetch(`http://127.0.0.1:${port}`)).text();
    await delay(20);
    const { connections, requests } = server.metrics();
    expect(connections).toMatchObject({ open: 3, accepted: 3, idle: 3, upgraded: 0, handshaking: 0 });
    expect(requests).toMatchObject({ total: 2, inFlight: 0 });
    silent.destroy();
  });

  it('speaks HTTP/2 on a unix socket too', async () => {
    const path = join(import.meta.dirname, `.socket-${process.pid}`);
    const server = await serve(protocol, { path, http2: true });
    stops.push(() => server.shutdown({ timeout: 100 }));
    const session = connectHttp2('http://a.test', { createConnection: () => connect(path) });
    expect(String((await fetchHttp2(session)).content)).toBe('HTTP/2.0 http');
    session.destroy();
  });

  it('serves streams that others have accepted and emit', async () => {
    const server = createServer(protocol, { http2: true });
    const { createServer: createNetServer } = await import('node:net');
    const net = createNetServer((socket) => server.emit('connection', socket));
    await new Promise<void>((resolve) => net.listen(0, '127.0.0.1', resolve));
    const session = connectHttp2(`http://127.0.0.1:${(net.address() as AddressInfo).port}`);
    expect(String((await fetchHttp2(session)).content)).toBe('HTTP/2.0 http');
    session.destroy();
    net.close();
  });
});

describe('over TLS', () => {
  it('makes no session of a connection that a listener has destroyed', async () => {
    const { server, port } = await startSecure();
    server.prependListener('secureConnection', (socket: TLSSocket) => socket.destroy());
    const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    session.on('error', () => {});
    await new Promise((resolve) => session.on('close', resolve));
    await expect.poll(() => server.metrics().connections.open).toBe(0);
  });

  it('lets a listener of session destroy it', async () => {
    const { server, session } = await start(protocol);
    server.on('session', (one) => one.destroy());
    const client = session();
    await new Promise((resolve) => client.on('close', resolve));
    await expect.poll(() => server.metrics().connections.open).toBe(0);
  });

  it('lets the client choose by ALPN', async () => {
    const { port } = await startSecure();
    const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    expect(String((await fetchHttp2(session)).content)).toBe('HTTP/2.0 https');
    session.destroy();
    const answer = await new Promise<string>((resolve) => {
      requestHttps({ port, host: '127.0.0.1', rejectUnauthorized: false }, (response) => {
        response.on('data', (octets) => resolve(String(octets)));
      }).end();
    });
    expect(answer).toBe('HTTP/1.1 https');
  });

  const open = async (port: number, protocols: string[] | undefined): Promise<TLSSocket> => {
    const options = { port, host: '127.0.0.1', rejectUnauthorized: false };
    const socket = connectTls(protocols === undefined ? options : { ...options, ALPNProtocols: protocols });
    await once(socket, 'secureConnect');
    return socket;
  };

  it('prefers HTTP/2, and offers the versions of HTTP/1 besides', async () => {
    const { port } = await startSecure();
    const choices = [['http/1.1', 'h2'], ['http/1.0'], ['http/1.1']];
    const chosen: unknown[] = [];
    for (const protocols of choices) {
      const socket = await open(port, protocols);
      chosen.push(socket.alpnProtocol);
      socket.destroy();
    }
    expect(chosen).toEqual(['h2', 'http/1.0', 'http/1.1']);
  });

  it('speaks HTTP/1.1 to a client without ALPN, even if it sends the preface', async () => {
    const { port } = await startSecure();
    const socket = await open(port, undefined);
    socket.write(PREFACE);
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 505/);
    socket.destroy();
  });

  it('obeys the protocols of the deployer', async () => {
    const { port } = await startSecure({ tls: { ...tls, ALPNProtocols: ['http/1.1'] } });
    const socket = await open(port, ['h2', 'http/1.1']);
    expect(socket.alpnProtocol).toBe('http/1.1');
    socket.destroy();
  });

  it('has the facts of TLS in the environ', async () => {
    const facts: Application = (environ, startResponse) => {
      startResponse('200 OK', []);
      return [JSON.stringify([environ.SSL_PROTOCOL, environ.SSL_CLIENT_VERIFY, environ.HTTPS])];
    };
    const server = await serve(facts, { port: 0, tls, http2: true });
    stops.push(() => server.shutdown({ timeout: 100 }));
    const { port } = server.address() as AddressInfo;
    const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    expect(JSON.parse(String((await fetchHttp2(session)).content))).toEqual(['TLSv1.3', 'NONE', 'on']);
    session.destroy();
  });
});

describe('the option', () => {
  it('is off: the preface is refused', async () => {
    const { connect: open, stop } = await startServer(protocol);
    const client = open();
    client.send(PREFACE);
    expect((await client.readResponse()).statusCode).toBe(505);
    await stop();
  });

  it('is checked, like those of HTTP/2', () => {
    const make = (options: object) => () => createServer(protocol, options);
    expect(make({ http2: 'yes' })).toThrow(/http2 must be true or false/);
    expect(make({ http2: true, maxConcurrentStreams: 0 })).toThrow(RangeError);
    expect(make({ http2: true, maxSessionMemory: '10' })).toThrow(TypeError);
  });

  it('advertises what it is given', async () => {
    const options = { maxConcurrentStreams: 7, initialWindowSize: 100_000, maxHeaderSize: 1_000 };
    const { frames } = await start(protocol, { ...options, maxHeaderListPairs: 10 });
    const { payload } = await frames().begin().next(TYPE.SETTINGS);
    const pairs = Array.from({ length: payload.length / 6 }, (_, index) => [
      payload.readUInt16BE(index * 6),
      payload.readUInt32BE(index * 6 + 2),
    ]);
    // RFC 9113 §6.5.2: push, streams, window, list of fields.
    expect(Object.fromEntries(pairs)).toMatchObject({ 2: 0, 3: 7, 4: 100_000, 6: 2_320 });
  });
});
