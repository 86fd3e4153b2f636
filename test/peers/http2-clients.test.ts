/** Real clients of HTTP/2 on the standalone server: curl, nghttp, h2load and a browser. */
import { execFile } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import express from 'express';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fromExpress } from '../../bridges/express/index.ts';
import { type Server, serve } from '../../src/server/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { Browser } from '../support/browser.ts';
import { requirePeer } from '../support/peer.ts';

const run = promisify(execFile);
const TLS_FOLDER = join(import.meta.dirname, '../support/tls');
/** Some hundred kilobytes: more than a window. */
const LARGE_FILE = join(import.meta.dirname, '../../package-lock.json');
const tls = {
  key: readFileSync(join(TLS_FOLDER, 'key.pem')),
  cert: readFileSync(join(TLS_FOLDER, 'cert.pem')),
};

const application: Application = async (environ, startResponse) => {
  const content = await environ['wsgi.input'].read();
  environ['gateway.early_hints']?.([['Link', '</style.css>; rel=preload']]);
  environ['gateway.send_trailers']?.([['X-Length', String(content.length)]]);
  const isPage = environ.PATH_INFO === '/page';
  startResponse('200 OK', [['Content-Type', isPage ? 'text/html' : 'text/plain']]);
  return isPage ? ['<!doctype html><title>Page</title>'] : [`${environ.SERVER_PROTOCOL} ${content.length}`];
};

let plain: Server;
let secure: Server;

beforeAll(async () => {
  plain = await serve(application, { port: 0, http2: true });
  secure = await serve(application, { port: 0, http2: true, tls });
});

afterAll(async () => {
  await plain.shutdown({ timeout: 500 });
  await secure.shutdown({ timeout: 500 });
});

it('curl with prior knowledge, over TLS, and with Upgrade', async (context) => {
  const curl = requirePeer(context, 'curl');
  const get = async (...words: string[]): Promise<string> => (await run(curl, ['-sk', ...words])).stdout;
  const url = String(plain.url);
  expect(await get('--http2-prior-knowledge', url)).toBe('HTTP/2.0 0');
  expect(await get('--http2', String(secure.url))).toBe('HTTP/2.0 0');
  // Upgrade: h2c is ignored (RFC 9113 §3.1).
  expect(await get('--http2', url)).toBe('HTTP/1.1 0');
  expect(await get('--http1.1', String(secure.url))).toBe('HTTP/1.1 0');
  const large = ['--data-binary', `@${LARGE_FILE}`];
  const { size } = statSync(LARGE_FILE);
  expect(await get('--http2-prior-knowledge', ...large, url)).toBe(`HTTP/2.0 ${size}`);
  const head = await get('--http2-prior-knowledge', '-I', url);
  expect(head).toMatch(/^HTTP\/2 103/);
  expect(head).toMatch(/HTTP\/2 200 \r\ncontent-type: text\/plain/);
});

it('nghttp, with trailers and many streams at once', async (context) => {
  const nghttp = requirePeer(context, 'nghttp');
  const urls = Array.from({ length: 20 }, (_, index) => `${plain.url}${index}`);
  const { stdout } = await run(nghttp, [
    '-v',
    '--trailer',
    'x-end: 1',
    '-d',
    join(TLS_FOLDER, 'cert.pem'),
    ...urls,
  ]);
  expect(stdout).not.toContain('RST_STREAM');
  expect(stdout.match(/:status: 200/g)).toHaveLength(20);
  expect(stdout.match(/x-length: \d+/g)).toHaveLength(20);
});

it('h2load, all of whose requests succeed', async (context) => {
  const h2load = requirePeer(context, 'h2load');
  for (const url of [plain.url, secure.url]) {
    const { stdout } = await run(h2load, ['-n', '2000', '-c', '10', '-m', '50', String(url)]);
    expect(stdout).toContain('2000 succeeded, 0 failed, 0 errored');
  }
  const large = ['-n', '20', '-c', '2', '-m', '4', '-d', LARGE_FILE, String(plain.url)];
  expect((await run(h2load, large)).stdout).toContain('20 succeeded, 0 failed, 0 errored');
});

it('Chromium, with fetch, uploads, streams, aborts and server-sent events of an Express app', {
  timeout: 60_000,
}, async (context) => {
  const program = requirePeer(context, 'chromium', 'chromium-browser', 'google-chrome');
  let closes = 0;
  const app = express();
  app.get('/', (_req, res) => res.type('html').send('<!doctype html><title>Page</title>'));
  app.post('/echo', express.text({ limit: '10mb' }), (req, res) => res.send(String(req.body.length)));
  app.get('/events', (_req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const timer = setInterval(() => res.write(`data: ${Date.now()}\n\n`), 20);
    res.on('close', () => {
      closes += 1;
      clearInterval(timer);
    });
  });
  const server = await serve(fromExpress(app), { port: 0, http2: true, tls });
  const browser = await Browser.launch(program, ['--ignore-certificate-errors']);
  try {
    const { port } = server.address() as AddressInfo;
    const page = await browser.open(`https://127.0.0.1:${port}/`, { width: 400, scheme: 'light' });
    const protocol = `performance.getEntriesByType('navigation')[0].nextHopProtocol`;
    expect(await page.evaluate(protocol)).toBe('h2');
    const upload = `fetch('/echo', { method: 'POST', body: 'x'.repeat(3_000_000) }).then((r) => r.text())`;
    expect(await page.evaluate(upload)).toBe('3000000');
    const many = `Promise.all(Array.from({ length: 50 }, (_, i) => fetch('/?' + i).then((r) => r.status)))`;
    expect(await page.evaluate(`${many}.then((all) => all.every((code) => code === 200))`)).toBe(true);
    const events = `new Promise((resolve) => {
      const source = new EventSource('/events');
      source.onmessage = () => { source.close(); resolve('heard'); };
    })`;
    expect(await page.evaluate(events)).toBe('heard');
    await expect.poll(() => closes).toBe(1);
    expect(server.metrics().connections.open).toBe(1);
  } finally {
    await browser.close();
    await server.shutdown({ timeout: 500 });
  }
});
