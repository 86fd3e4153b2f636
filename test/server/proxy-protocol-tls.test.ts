/** TLS behind a PROXY protocol header: the header comes before the handshake. */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { FROM_IPV4, header, ssl, tlv } from '../support/proxy-header.ts';
import { type Behind, BINARY, CLIENT, collect, GET, parse, start, TEXT, type Told } from './proxied.ts';

const folder = new URL('../support/tls/', import.meta.url);
const tls = {
  key: readFileSync(new URL('key.pem', folder)),
  cert: readFileSync(new URL('cert.pem', folder)),
};

/** Sends octets in front of the first packet, in the same packet or cut. */
class Preceded extends Duplex {
  readonly #socket: Socket;
  #before: Buffer | undefined;
  readonly #cut: number;

  constructor(socket: Socket, before: Buffer, cut: number) {
    super();
    this.#socket = socket;
    this.#before = before;
    this.#cut = cut;
    socket.on('data', (octets) => this.push(octets));
    socket.on('error', () => {});
    socket.on('close', () => this.destroy());
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const octets = this.#before === undefined ? chunk : Buffer.concat([this.#before, chunk]);
    const cut = this.#before === undefined ? octets.length : this.#cut;
    this.#before = undefined;
    this.#socket.write(octets.subarray(0, cut));
    setTimeout(() => {
      this.#socket.write(octets.subarray(cut));
      done();
    }, 3);
  }
}

describe('TLS behind a header', () => {
  const secure = { 'wsgi.url_scheme': 'https', HTTPS: 'on' };

  async function askSecurely(behind: Behind, before: Buffer, cut: number): Promise<Told | undefined> {
    const socket = connectTls({
      socket: new Preceded(behind.open(), before, cut),
      ca: tls.cert,
      servername: 'localhost',
    });
    socket.write(GET);
    return parse(await collect(socket));
  }

  it.each([
    ['text', TEXT],
    ['binary', BINARY],
  ])('is served, with the address of the client: %s', async (_name, octets) => {
    const behind = await start({ tls });
    const { length } = octets;
    for (const cut of [1, 6, length - 1, length, length + 1, length + 100, 10_000]) {
      expect(await askSecurely(behind, octets, cut), `cut at ${cut}`).toMatchObject({ ...CLIENT, ...secure });
    }
    expect(behind.faults).toEqual([]);
  });

  it('has its own facts, whatever the proxy says of TLS', async () => {
    const behind = await start({ tls });
    const before = header(0x21, 0x11, FROM_IPV4, ssl(1, 1, tlv(0x21, 'SSLv2')));
    const told = await askSecurely(behind, before, 10_000);
    expect(told).toMatchObject({
      ...CLIENT,
      ...secure,
      SSL_CLIENT_VERIFY: 'NONE',
      protocol: { tls: { protocol: 'SSLv2' } },
    });
    expect(told?.SSL_PROTOCOL).toMatch(/^TLSv1/);
  });

  it('shows the proxy for a connection of its own', async () => {
    const behind = await start({ tls });
    expect(await askSecurely(behind, header(0x20, 0), 10_000)).toMatchObject({
      REMOTE_ADDR: '127.0.0.1',
      ...secure,
    });
  });

  it('does not begin without a header', async () => {
    const { open, faults } = await start({ tls });
    const socket = connectTls({ socket: open(), ca: tls.cert, servername: 'localhost' });
    expect(await collect(socket)).toBe('');
    expect(faults).toEqual([['WSGI_ERR_PROXY_HEADER_MISSING', 'WSGI_ERR_PROXY_HEADER_MISSING', false]]);
  });

  it('tells the client of a handshake that fails', async () => {
    const { server, send } = await start({ tls });
    const seen: unknown[] = [];
    server.prependListener('clientError', (_error, socket: Socket) => seen.push(socket.remoteAddress));
    await send(Buffer.concat([TEXT, GET]));
    expect(seen).toEqual(['198.51.100.7']);
  });

  it('is served to others without a header', async () => {
    const { open } = await start({ tls, proxyProtocol: ['10.0.0.0/8'] });
    const socket = connectTls({ socket: open(), ca: tls.cert, servername: 'localhost' });
    socket.write(GET);
    expect(parse(await collect(socket))).toMatchObject({ REMOTE_ADDR: '127.0.0.1', ...secure });
  });

  it('does not hold the server up during the handshake', async () => {
    const { server, open } = await start({ tls, firstRequestGrace: 50, connectionsCheckingInterval: 10 });
    const socket = open()
      .on('error', () => {})
      .resume();
    socket.write(TEXT);
    await delay(60);
    const began = performance.now();
    await server.shutdown({ timeout: 1000 });
    expect(performance.now() - began).toBeLessThan(900);
  });
});
