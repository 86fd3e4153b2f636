/** Servers behind proxies in TCP mode: the PROXY protocol header on real sockets. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer as createNetServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createServer, type ServerOptions } from '../../src/server/index.ts';
import { ProxiedSockets } from '../../src/server/socket/proxied-sockets.ts';
import { FROM_IPV4, FROM_IPV6, header, path, ssl, TYPE, tlv, withChecksum } from '../support/proxy-header.ts';
import { BINARY, CLIENT, CLIENT_6, collect, GET, KEPT, parse, start, TEXT, tell } from './proxied.ts';

describe('a connection of a trusted proxy', () => {
  it.each<[string, Buffer, object]>([
    ['TCP4', TEXT, CLIENT],
    ['TCP6', Buffer.from('PROXY TCP6 2001:db8::7 2001:db8::9 4711 443\r\n'), CLIENT_6],
    [
      'TCP6 with IPv4 in it',
      Buffer.from('PROXY TCP6 ::ffff:198.51.100.7 ::ffff:203.0.113.9 4711 443\r\n'),
      CLIENT,
    ],
    ['TCP over IPv4', BINARY, CLIENT],
    ['UDP over IPv4', header(0x21, 0x12, FROM_IPV4), CLIENT],
    ['TCP over IPv6', header(0x21, 0x21, FROM_IPV6), CLIENT_6],
    ['additions', withChecksum(header(0x21, 0x11, FROM_IPV4, tlv(TYPE.authority, 'a.test'))), CLIENT],
    ['16 KiB', header(0x21, 0x11, FROM_IPV4, tlv(TYPE.noop, Buffer.alloc(16_000))), CLIENT],
  ])('shows the client: %s', async (_name, octets, client) => {
    const { ask, faults } = await start();
    expect(await ask(Buffer.concat([octets, GET]))).toMatchObject({ ...client, 'wsgi.url_scheme': 'http' });
    expect(await ask(octets, GET)).toMatchObject(client);
    expect(await ask(octets.subarray(0, 7), octets.subarray(7), GET)).toMatchObject(client);
    expect(faults).toEqual([]);
  });

  it.each<[string, Buffer]>([
    ['UNKNOWN', Buffer.from('PROXY UNKNOWN 1.2.3.4 1.2.3.4 1 1\r\n')],
    ['LOCAL', header(0x20, 0)],
    ['LOCAL with addresses', header(0x20, 0x11, FROM_IPV4)],
    ['a unix socket', header(0x21, 0x31, path('/run/a'), path('/run/b'))],
    ['nothing specified', header(0x21, 0)],
  ])('shows the proxy: %s', async (_name, octets) => {
    const { ask, server } = await start();
    const port = String((server.address() as AddressInfo).port);
    const proxy = { REMOTE_ADDR: '127.0.0.1', SERVER_NAME: '127.0.0.1', SERVER_PORT: port };
    expect(await ask(Buffer.concat([octets, GET]))).toMatchObject(proxy);
  });

  it.each([
    ['text', TEXT],
    ['binary', BINARY],
  ])('may cut it anywhere: %s', async (_name, octets) => {
    const { ask, faults } = await start();
    const whole = Buffer.concat([octets, GET]);
    expect(await ask(...Array.from(whole, (octet) => Uint8Array.of(octet)))).toMatchObject(CLIENT);
    const cuts = Array.from({ length: octets.length + 4 }, (_, index) => index + 1);
    const told = await Promise.all(cuts.map((cut) => ask(whole.subarray(0, cut), whole.subarray(cut))));
    for (const one of told) expect(one).toMatchObject(CLIENT);
    expect(faults).toEqual([]);
  });

  it('says it once for all requests', async () => {
    const { send } = await start();
    const answer = await send(Buffer.concat([TEXT, KEPT, KEPT]), KEPT, GET);
    expect(answer.match(/"REMOTE_ADDR":"198.51.100.7"/g)).toHaveLength(4);
    // A second header is no HTTP.
    const second = await send(Buffer.concat([TEXT, KEPT, TEXT, GET]));
    expect(second.match(/"REMOTE_ADDR":"198.51.100.7"/g)).toHaveLength(1);
    expect(second).toContain('HTTP/1.1 400');
  });

  it('may send content behind it', async () => {
    const { ask } = await start();
    const content = Buffer.alloc(3_000_000, 'x');
    const post = Buffer.from(
      `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${content.length}\r\n\r\n`,
    );
    expect(await ask(Buffer.concat([BINARY, post, content]))).toMatchObject({
      ...CLIENT,
      length: content.length,
    });
    expect(await ask(BINARY, Buffer.concat([post, content]))).toMatchObject({
      ...CLIENT,
      length: content.length,
    });
  });

  it('may close its half behind the request', async () => {
    const { open } = await start();
    const socket = open();
    socket.end(Buffer.concat([BINARY, KEPT]));
    expect(parse(await collect(socket))).toMatchObject(CLIENT);
  });

  it('is described by gateway.proxy_protocol', async () => {
    const { open, ask } = await start();
    const socket = open();
    const answer = collect(socket);
    socket.write(Buffer.concat([header(0x21, 0x11, FROM_IPV4, tlv(TYPE.authority, 'a.test')), GET]));
    await once(socket, 'connect');
    const proxy = { address: '127.0.0.1', port: socket.localPort };
    expect(parse(await answer)?.protocol).toMatchObject({
      version: 2,
      command: 'PROXY',
      family: 'IPv4',
      source: { address: '198.51.100.7', port: 4711 },
      destination: { address: '203.0.113.9', port: 443 },
      authority: 'a.test',
      tlvs: [{ type: TYPE.authority }],
      proxy,
    });
    expect((await ask(TEXT, GET))?.protocol).toMatchObject({ version: 1, command: 'PROXY' });
    expect((await ask(header(0x20, 0), GET))?.protocol).toMatchObject({ version: 2, command: 'LOCAL' });
  });

  it('may have ended TLS', async () => {
    const { ask } = await start();
    const https = { 'wsgi.url_scheme': 'https', HTTPS: 'on', SSL_PROTOCOL: 'TLSv1.3', SSL_CIPHER: 'AES' };
    const facts = [tlv(0x21, 'TLSv1.3'), tlv(0x23, 'AES')];
    for (const [bits, verify, result] of [
      [1, 1, 'NONE'],
      [3, 0, 'SUCCESS'],
      [5, 18, 'FAILED:not verified by the proxy'],
    ] as const) {
      const told = await ask(
        Buffer.concat([header(0x21, 0x11, FROM_IPV4, ssl(bits, verify, ...facts)), GET]),
      );
      expect(told).toMatchObject({ ...CLIENT, ...https, SSL_CLIENT_VERIFY: result });
    }
    expect(await ask(header(0x21, 0x11, FROM_IPV4, ssl(0, 0)), GET)).toMatchObject({
      'wsgi.url_scheme': 'http',
    });
  });

  it('keeps the name that the server was given', async () => {
    const { ask } = await start({ serverName: 'a.test' });
    expect(await ask(TEXT, GET)).toMatchObject({ ...CLIENT, SERVER_NAME: 'a.test' });
  });

  it('comes over a unix socket', async () => {
    const place = await mkdtemp(join(tmpdir(), 'gatebridge-'));
    onTestFinished(() => rm(place, { recursive: true }));
    const { ask } = await start({ proxyProtocol: ['unix'] }, { path: join(place, 'socket') });
    expect(await ask(Buffer.concat([BINARY, GET]))).toMatchObject(CLIENT);
    const told = await ask(header(0x20, 0), GET);
    expect(told).toMatchObject({ SERVER_NAME: 'localhost', protocol: { proxy: {} } });
    expect(told).not.toHaveProperty('REMOTE_ADDR');
  });

  it.skipIf(process.platform === 'win32')('can be cut off over a unix socket', async () => {
    const place = await mkdtemp(join(tmpdir(), 'gatebridge-'));
    onTestFinished(() => rm(place, { recursive: true }));
    const errors = { write: vi.fn(), writelines: () => {}, flush: () => {} };
    const server = createServer(
      function* failing(_environ, startResponse) {
        startResponse('200 OK', []);
        yield 'a';
        throw new Error('Fails on purpose');
      },
      { proxyProtocol: ['unix'], environ: { 'wsgi.errors': errors } },
    );
    await once(server.listen(join(place, 'socket')), 'listening');
    onTestFinished(() => server.shutdown({ timeout: 1 }));
    const socket = connect(join(place, 'socket'));
    socket.write(Buffer.concat([BINARY, Buffer.from('GET / HTTP/1.0\r\n\r\n')]));
    expect(await collect(socket)).toMatch(/a$/);
    expect(errors.write).toHaveBeenCalledTimes(1);
  });

  it.each([0, 30])('may be accepted elsewhere, and given after %i ms', async (time) => {
    const { server, faults } = await start();
    const other = createNetServer({ pauseOnConnect: time > 0, allowHalfOpen: true }, (socket) => {
      setTimeout(() => server.emit('connection', socket), time);
    });
    await once(other.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void other.close());
    const socket = connect({ port: (other.address() as AddressInfo).port, host: '127.0.0.1' });
    socket.end(Buffer.concat([TEXT, KEPT]));
    expect(parse(await collect(socket))).toMatchObject(CLIENT);
    expect(faults).toEqual([]);
  });

  it('may be any stream', async () => {
    const { server } = await start();
    let answer = '';
    const stream = new Duplex({
      read() {},
      write(octets, _encoding, done) {
        answer += String(octets);
        done();
      },
    });
    server.emit('connection', stream);
    for (const octet of Buffer.concat([BINARY, GET])) stream.push(Uint8Array.of(octet));
    await vi.waitFor(() => expect(parse(answer)).toMatchObject(CLIENT));
    stream.destroy();
  });
});

describe('a connection of anybody else', () => {
  it.each([
    ['text', TEXT],
    ['binary', BINARY],
  ])('is not believed: %s', async (_name, octets) => {
    const { send, faults } = await start({ proxyProtocol: ['10.0.0.0/8', 'unix'] });
    const answer = await send(Buffer.concat([octets, GET]));
    expect(answer).not.toContain('198.51.100.7');
    expect(faults).toHaveLength(1);
  });

  it('is served with its own address, without a header', async () => {
    for (const proxyProtocol of [['10.0.0.0/8', 'unix'], ['::1'], []]) {
      const { ask } = await start({ proxyProtocol });
      const told = await ask(GET);
      expect(told).toMatchObject({ REMOTE_ADDR: '127.0.0.1' });
      expect(told).not.toHaveProperty('protocol');
    }
  });

  it('is no unix socket if its client has gone', () => {
    const proxied = new ProxiedSockets(['unix', 'loopback'], false);
    // Sockets as far as they are looked at.
    const judge = (socket: object): string => proxied.judge(socket as Socket);
    expect(judge({ remoteAddress: undefined, localAddress: '127.0.0.1' })).toBe('gone');
    expect(judge({ remoteAddress: undefined, localAddress: undefined })).toBe('header');
    expect(judge({ remoteAddress: '::ffff:127.0.0.1', localAddress: '::ffff:127.0.0.1' })).toBe('header');
    expect(judge({ remoteAddress: '10.0.0.1', localAddress: '127.0.0.1' })).toBe('serve');
    expect(judge({ remoteAddress: 'fe80::1%eth0', localAddress: '::1' })).toBe('serve');
  });
});

describe('a connection without a right header', () => {
  it.each<[string, Uint8Array, string]>([
    ['a request', GET, 'WSGI_ERR_PROXY_HEADER_MISSING'],
    ['a handshake', Buffer.from('\x16\x03\x01\x02'), 'WSGI_ERR_PROXY_HEADER_MISSING'],
    ['a malformed line', Buffer.from('PROXY TCP4 1.2.3.4\r\n'), 'WSGI_ERR_PROXY_HEADER_INVALID'],
    ['an endless line', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(200)}`), 'WSGI_ERR_PROXY_HEADER_INVALID'],
    [
      'a wrong checksum',
      header(0x21, 0x11, FROM_IPV4, tlv(TYPE.crc32c, '1234')),
      'WSGI_ERR_PROXY_HEADER_INVALID',
    ],
    ['an endless header', header(0x20, 0, Buffer.alloc(65_535)), 'WSGI_ERR_PROXY_HEADER_INVALID'],
  ])('is closed without an answer: %s', async (_name, octets, code) => {
    const { send, faults } = await start();
    expect(await send(octets)).toBe('');
    expect(faults).toEqual([[code, code, false]]);
    expect(await send(octets.subarray(0, 3), octets.subarray(3), GET)).toBe('');
    expect(faults).toHaveLength(2);
  });

  it('tells the packet, and the address of the proxy', async () => {
    const { server, send } = await start();
    const seen: unknown[] = [];
    server.prependListener('clientError', (error, socket: Socket) => {
      seen.push(Reflect.get(error, 'rawPacket'), socket.remoteAddress);
    });
    await send(GET);
    expect(seen).toEqual([GET, '127.0.0.1']);
  });

  it('is closed without an answer if nobody listens', async () => {
    const { server, send } = await start();
    server.removeAllListeners('clientError');
    expect(await send(GET)).toBe('');
    expect(await send(TEXT, Buffer.from('no HTTP\r\n\r\n'))).toContain('HTTP/1.1 400');
  });

  it('is closed in time', async () => {
    const { open, faults, server } = await start({ headersTimeout: 100, connectionsCheckingInterval: 10 });
    for (const octets of ['', 'PROXY ']) {
      const socket = open();
      const began = performance.now();
      socket.write(octets);
      expect(await collect(socket)).toBe('');
      expect(performance.now() - began).toBeGreaterThan(90);
    }
    const fault = ['ERR_HTTP_REQUEST_TIMEOUT', 'WSGI_ERR_REQUEST_TIMEOUT', false];
    expect(faults).toEqual([fault, fault]);
    expect(server.metrics()).toMatchObject({ timeouts: { head: 2 } });
  });

  it('is closed without traffic, if the server has a time-out', async () => {
    const { open, faults } = await start({
      timeout: 100,
      headersTimeout: 0,
      connectionsCheckingInterval: 10,
    });
    expect(await collect(open())).toBe('');
    expect(faults).toEqual([]);
  });

  it('may be closed by the proxy', async () => {
    const { open, faults, ask } = await start();
    const silent = open();
    silent.end();
    expect(await collect(silent)).toBe('');
    expect(faults).toEqual([]);
    const cut = open();
    cut.end('PROXY TC');
    expect(await collect(cut)).toBe('');
    expect(faults).toEqual([['WSGI_ERR_PROXY_HEADER_INVALID', 'WSGI_ERR_PROXY_HEADER_INVALID', false]]);
    const reset = open();
    await once(reset, 'connect');
    reset.write('PROXY TC');
    await delay(20);
    reset.resetAndDestroy();
    await vi.waitFor(() => expect(faults).toHaveLength(2));
    expect(faults[1]?.[0]).toBe('ECONNRESET');
    // A check of its health, with a header.
    const checked = open();
    checked.end(header(0x20, 0));
    expect(await collect(checked)).toBe('');
    expect(faults).toHaveLength(2);
    expect(await ask(TEXT, GET)).toMatchObject(CLIENT);
  });

  it('does not hold the server up', async () => {
    const { server, open } = await start({ firstRequestGrace: 50, connectionsCheckingInterval: 10 });
    for (const octets of ['', 'PROXY ', TEXT]) {
      const socket = open()
        .on('error', () => {})
        .resume();
      socket.write(octets);
    }
    await delay(50);
    const began = performance.now();
    await server.shutdown({ timeout: 1000 });
    expect(performance.now() - began).toBeLessThan(900);
  });

  it.each(['', 'PROXY '])(
    'leaves with closeAllConnections, and with closeIdleConnections once it is old: %o',
    async (octets) => {
      const { server, open } = await start({ firstRequestGrace: 250 });
      const connectOne = async (): Promise<Socket> => {
        const socket = open()
          .on('error', () => {})
          .resume();
        socket.write(octets);
        await once(socket, 'connect');
        await delay(10);
        return socket;
      };
      const old = await connectOne();
      await delay(300);
      const young = await connectOne();
      server.closeIdleConnections();
      await once(old, 'close');
      expect(young.destroyed).toBe(false);
      server.closeAllConnections();
      await once(young, 'close');
    },
  );

  it('never gets an answer, whatever it sends', async () => {
    const { send, ask } = await start({ headersTimeout: 200, connectionsCheckingInterval: 20 });
    const starts = fc.constantFrom(
      '',
      'PROXY ',
      'PROXY TCP4 ',
      '\r\n\r\n\0\r\nQUIT\n',
      '\r\n\r\n\0\r\nQUIT\n\x21\x11\0',
    );
    const garbage = fc.tuple(starts, fc.uint8Array({ minLength: 1, maxLength: 60 }));
    await fc.assert(
      fc.asyncProperty(fc.array(garbage, { minLength: 20, maxLength: 20 }), async (inputs) => {
        const answers = await Promise.all(
          inputs.map(([begin, rest]) => send(Buffer.concat([Buffer.from(begin, 'latin1'), rest]))),
        );
        for (const answer of answers) expect(answer).toBe('');
      }),
      { numRuns: 10 },
    );
    expect(await ask(TEXT, GET)).toMatchObject(CLIENT);
  });
});

describe('the option proxyProtocol', () => {
  it.each<[unknown, RegExp]>([
    [true, /proxyProtocol must be a list of names such as \['loopback', '10\.0\.0\.0\/8'\], not true/],
    ['loopback', /proxyProtocol must be a list of names such as/],
    [['nonsense'], /Trusted address must be an address, .*not "nonsense"/],
    [['10.0.0.0/33'], /Trusted address must be/],
  ])('refuses %o', (proxyProtocol, message) => {
    // Not allowed by the types; possible in JavaScript.
    expect(() => createServer(tell, { proxyProtocol } as ServerOptions)).toThrow(message);
  });
});
