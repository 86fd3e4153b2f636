/** A real browser opens WebSockets of mounted programs: plain, over TLS, and over HTTP/2 (RFC 8441). */

import type { AddressInfo } from 'node:net';
import fastifyWebsocket from '@fastify/websocket';
import fastify from 'fastify';
import { afterAll, describe, expect, it, type TestContext } from 'vitest';
import { fromFastify } from '../../../bridges/fastify/index.ts';
import { dispatch } from '../../../src/middleware/index.ts';
import { createServer } from '../../../src/server/index.ts';
import { Browser, type Page } from '../../support/browser.ts';
import { requirePeer } from '../../support/peer.ts';
import { openForEach, TLS } from './sites.ts';

let browser: Browser | undefined;
afterAll(() => browser?.close());

const openSite = openForEach();

async function visit(context: TestContext, url: string): Promise<Page> {
  const program = requirePeer(context, 'chromium', 'chromium-browser', 'google-chrome');
  browser ??= await Browser.launch(program, ['--ignore-certificate-errors']);
  return browser.open(url, { width: 800, scheme: 'light' });
}

/** Says something, hears the answer, and closes; gives both, with the code of the close. */
const TALK = `(path) => new Promise((resolve) => {
  const socket = new WebSocket(location.origin.replace('http', 'ws') + path, ['first', 'second']);
  socket.binaryType = 'arraybuffer';
  const heard = [];
  socket.onopen = () => socket.send('where');
  socket.onmessage = ({ data }) => {
    heard.push(typeof data === 'string' ? data : data.byteLength);
    if (heard.length === 1) socket.send(new Uint8Array(300000));
    else socket.close(4000, 'bye');
  };
  socket.onclose = ({ code, wasClean }) => resolve([...heard, socket.protocol, code, wasClean].join());
})`;

const PLACES = ['the standalone server', 'Express, below a nested router', 'Fastify, below a prefix'].flatMap(
  (host) => [[host, false] as const, [host, true] as const],
);

describe('a browser', () => {
  it.for(PLACES)('talks to ws on %s, with TLS: %s', async ([host, isTls], context) => {
    const {
      site: { port, mount },
      programs,
    } = await openSite(host, isTls);
    const page = await visit(context, `${isTls ? 'https' : 'http'}://localhost:${port}${mount}/ws/page`);
    expect(await page.evaluate(`(${TALK})('${mount}/ws/a?b')`)).toBe('/a?b true,300000,second,4000,true');
    expect(programs.trail).toEqual(['closed 4000 bye']);
    expect(await page.evaluate(`(${TALK})('${mount}/nowhere')`)).toBe(',1006,false');
  });

  it('uses a stream of HTTP/2 for its WebSockets', async (context) => {
    const versions: unknown[] = [];
    const app = fastify();
    app.register(fastifyWebsocket);
    app.register(async (scope) => {
      scope.get('/', async (_request, reply) => reply.type('text/html').send('<title>page</title>'));
      scope.get('/echo', { websocket: true }, (socket, { raw }) => {
        versions.push(raw.httpVersion);
        socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
      });
    });
    const server = createServer(dispatch({ '/app': fromFastify(app) }), { tls: TLS, http2: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // The address is a string only for a pipe.
    const { port } = server.address() as AddressInfo;
    try {
      const page = await visit(context, `https://127.0.0.1:${port}/app/`);
      expect(await page.evaluate(`(${TALK})('/app/echo')`)).toBe('where,300000,first,4000,true');
      expect(await page.evaluate(`(${TALK})('/app/nowhere')`)).toBe(',1006,false');
      expect(versions).toEqual(['2.0']);
    } finally {
      await app.close();
      await server.shutdown({ timeout: 500 });
    }
  });
});
