/** Connections whose first octets are awaited: for a PROXY protocol header, and for the preface of HTTP/2. */
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createServer, type Server, type ServerOptions } from '../../src/server/index.ts';
import { hello } from './support.ts';

let server: Server;
afterEach(() => server.shutdown({ timeout: 100 }));

async function open(options: ServerOptions): Promise<Socket> {
  server = createServer(hello, { connectionsCheckingInterval: 20, ...options });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // It listens on TCP.
  const { port } = server.address() as AddressInfo;
  return connect(port, '127.0.0.1').on('error', () => {});
}

/** Waits for the fault that listeners are told of. */
async function fault(): Promise<unknown[]> {
  const [error, socket] = await once(server, 'clientError');
  return [error.code, socket.destroyed];
}

const gone = (): unknown => expect.poll(() => server.metrics().connections.open).toBe(0);

describe.each<[string, ServerOptions, string, string]>([
  [
    'a PROXY protocol header',
    { proxyProtocol: ['loopback'] },
    'PROXY TCP4 ',
    'WSGI_ERR_PROXY_HEADER_INVALID',
  ],
  ['the preface of HTTP/2', { http2: true }, 'PRI * HT', 'HPE_INVALID_EOF_STATE'],
])('whoever awaits %s', (_name, options, part, code) => {
  it('closes in silence if nothing comes before the end', async () => {
    const client = await open(options);
    client.resume().end();
    await once(client, 'close');
    await gone();
    expect(server.metrics().clientErrors).toBe(0);
  });

  it('refuses a part of it, and listeners get a socket that is destroyed', async () => {
    const client = await open(options);
    const heard = fault();
    client.resume().end(part);
    expect(await heard).toEqual([code, true]);
    expect(server.metrics().clientErrors).toBe(1);
    await gone();
  });

  it('waits as long as for a head', async () => {
    const client = await open({ ...options, headersTimeout: 100 });
    const heard = fault();
    client.write(part);
    expect(await heard).toEqual(['ERR_HTTP_REQUEST_TIMEOUT', true]);
    expect(server.metrics().timeouts.head).toBe(1);
    await gone();
  });

  it('is dropped by a shutdown once its grace is over', async () => {
    const client = await open({ ...options, firstRequestGrace: 300 });
    client.resume().write(part);
    const closed = once(client, 'close');
    await expect.poll(() => server.metrics().connections.open).toBe(1);
    server.close();
    await closed;
    await gone();
  });
});
