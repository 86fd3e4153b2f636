/** webpack-dev-server replaces modules of a page that is open. Its `server.type` may make a server of ours. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createNodeServer, get, type IncomingMessage, type RequestListener } from 'node:http';
import { get as getSecurely } from 'node:https';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import webpack from 'webpack';
import WebpackDevServer from 'webpack-dev-server';
import { WebSocket } from 'ws';
import { fromNode } from '../../../bridges/node/index.ts';
import { createServer } from '../../../src/server/index.ts';

const folder = new URL('../../support/tls/', import.meta.url);
const tls = {
  key: readFileSync(new URL('key.pem', folder)),
  cert: readFileSync(new URL('cert.pem', folder)),
};

/** Makers of servers, and the protocol of their WebSockets. */
const SERVERS: Record<string, [make: (app: RequestListener) => NetServer, protocol: 'ws' | 'wss']> = {
  'node:http': [(app) => createNodeServer(app), 'ws'],
  'the standalone server': [(app) => createServer(fromNode(app)), 'ws'],
  'the standalone server over TLS': [(app) => createServer(fromNode(app), { tls }), 'wss'],
};

/** A message of the development server to its client in the page. */
interface Message {
  readonly type: string;
  readonly data?: unknown;
}

async function fetchText(port: number, path: string, isSecure: boolean): Promise<string> {
  const url = `${isSecure ? 'https' : 'http'}://127.0.0.1:${port}${path}`;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = isSecure
      ? getSecurely(url, { rejectUnauthorized: false, agent: false }, resolve)
      : get(url, { agent: false }, resolve);
    request.on('error', reject);
  });
  return `${response.statusCode} ${Buffer.concat(await response.toArray())}`;
}

describe.each(Object.entries(SERVERS))('webpack-dev-server on %s', (_name, [make, protocol]) => {
  it('replaces a module', { timeout: 60_000 }, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'webpack-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const entry = join(directory, 'main.js');
    writeFileSync(entry, "console.log('before'); module.hot.accept();");
    const compiler = webpack({ mode: 'development', devtool: false, context: directory, entry });
    if (compiler === null) throw new Error('No compiler');
    let server: NetServer | undefined;
    const devServer = new WebpackDevServer(
      {
        host: '127.0.0.1',
        port: 'auto',
        hot: true,
        static: false,
        setupExitSignals: false,
        // Its app is a listener; its type of servers leaves out what ours has.
        server: { type: ((_options: unknown, app: RequestListener) => (server = make(app))) as never },
        allowedHosts: 'all',
      },
      compiler,
    );
    compiler.hooks.infrastructureLog.tap('quiet', () => true);
    await devServer.start();
    onTestFinished(() => devServer.stop());
    if (server === undefined) throw new Error('No server');
    // It listens on a port.
    const { port } = server.address() as AddressInfo;
    const isSecure = protocol === 'wss';

    const messages: Message[] = [];
    const socket = new WebSocket(`${protocol}://127.0.0.1:${port}/ws`, { rejectUnauthorized: false });
    onTestFinished(() => socket.terminate());
    socket.on('message', (text) => messages.push(JSON.parse(String(text))));
    await once(socket, 'open');
    const types = (): string[] => messages.map(({ type }) => type);
    await vi.waitFor(() => expect(types()).toContain('ok'), 20_000);
    expect(types()).toEqual(expect.arrayContaining(['hot', 'liveReload', 'hash']));

    // The client in the page opens its socket by what the server looks like.
    const page = await fetchText(port, '/main.js', isSecure);
    expect(page).toMatch(/^200 [\s\S]*console\.log\('before'\)/);
    expect(page).toContain(`protocol=${protocol}%3A`);

    const before = messages.findLast(({ type }) => type === 'hash')?.data;
    messages.length = 0;
    writeFileSync(entry, "console.log('after'); module.hot.accept();");
    await vi.waitFor(() => expect(types()).toContain('ok'), 20_000);
    const after = messages.findLast(({ type }) => type === 'hash')?.data;
    expect(after).not.toBe(before);
    expect(await fetchText(port, `/main.${before}.hot-update.json`, isSecure)).toContain('"main"');
    expect(await fetchText(port, `/main.${before}.hot-update.js`, isSecure)).toContain(
      "console.log('after')",
    );
    expect(await fetchText(port, '/missing', isSecure)).toMatch(/^404 /);
  });
});
