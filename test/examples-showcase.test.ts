/**
 * The showcase as a visitor meets it: started as by `npm start`, asked over HTTP, and opened in a real browser.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReportEntry } from '../examples/showcase/report.ts';
import { requirePeer } from './support/peer.ts';
import { expectValid, VALIDATED } from './support/validated/validated.ts';

const ROOT = join(import.meta.dirname, '..');
const MOUNTS = ['function', 'class', 'instance', 'fastify'];

let showcase: ChildProcess;
let url = '';
let written: () => string;

beforeAll(async () => {
  ({ child: showcase, url, written } = await start({ PORT: '0', ...VALIDATED }));
}, 30_000);

afterAll(async () => {
  showcase.kill('SIGKILL');
  await once(showcase, 'close');
  // The five of the page: the function, the class, the instance, Fastify, and Express around them.
  expect(written().match(/Validates/g)).toHaveLength(5);
  expectValid(written());
});

describe('the page', () => {
  it('is served with everything that it loads', async () => {
    const page = await (await fetch(url)).text();
    const loaded = [...page.matchAll(/(?:href|src)="([\w-]+\.(?:css|js|svg))"/g)].map(([, name]) => name);
    expect(loaded).toEqual(expect.arrayContaining(['style.css', 'script.js', 'icon.svg']));
    for (const name of loaded) expect((await fetch(`${url}${name}`)).status).toBe(200);
  });

  it('forbids the browser to load anything from elsewhere', async () => {
    const response = await fetch(url);
    await response.body?.cancel();
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'self';/);
  });

  it('can be cached: its files answer conditional requests', async () => {
    const first = await fetch(`${url}style.css`);
    await first.body?.cancel();
    const again = await fetch(`${url}style.css`, {
      // Otherwise fetch sends no-cache.
      headers: { 'If-None-Match': first.headers.get('etag') ?? '', 'Cache-Control': 'max-age=0' },
    });
    expect(again.status).toBe(304);
  });
});

describe('the mounts', () => {
  it.each(MOUNTS)('show their mount as SCRIPT_NAME: /%s', async (mount) => {
    const environ = await ask(`${mount}/caf%C3%A9/menu?table=5`);
    expect(environ).toMatchObject({
      REQUEST_METHOD: 'GET',
      SCRIPT_NAME: `/${mount}`,
      PATH_INFO: Buffer.from('/café/menu').toString('latin1'),
      QUERY_STRING: 'table=5',
      REQUEST_URI: `/${mount}/caf%C3%A9/menu?table=5`,
      HTTP_X_VISITOR: 'test',
    });
  });

  it.each(MOUNTS)('show an empty PATH_INFO on an exact hit: /%s', async (mount) => {
    expect(await ask(mount)).toMatchObject({ SCRIPT_NAME: `/${mount}`, PATH_INFO: '' });
  });

  it('leave the root to Express', async () => {
    expect(await ask('express/x')).toMatchObject({ SCRIPT_NAME: '', PATH_INFO: '/express/x' });
  });

  it("run Fastify's own hooks", async () => {
    const response = await fetch(`${url}fastify/`);
    await response.body?.cancel();
    expect(response.headers.get('x-inner-framework')).toMatch(/^fastify 5\./);
    expect(response.headers.get('x-powered-by')).toBe('Express');
  });

  it('keep state in an instance, not in a class', async () => {
    const notes = async (mount: string) => [await note(mount), await note(mount)];
    const [first, second] = await notes('instance');
    expect(first).not.toBe(second);
    const [before, after] = await notes('class');
    expect(before).toBe(after);
  });

  it('show nothing of the environment of the process', async () => {
    expect(Object.keys(await ask('function'))).not.toContain('PATH');
  });
});

describe('the process', () => {
  it('obeys HOST and ends by itself on Ctrl+C', async () => {
    const { child, url } = await start({ PORT: '0', HOST: 'localhost' });
    expect(url).toMatch(/^http:\/\/localhost:\d+\/$/);
    expect((await fetch(url)).status).toBe(200);
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('reports that its port is taken', async () => {
    await expect(start({ PORT: new URL(url).port })).rejects.toThrow(/ended .*Port \d+ is taken/s);
  });
});

describe('curl', () => {
  it('gets the answers that the page promises', async (context) => {
    const curl = requirePeer(context, 'curl');
    const output = await execute(curl, ['-sSi', `${url}function/hello`, `${url}fastify/hello`]);
    expect(output.match(/HTTP\/1\.1 200 OK\r\n/g)).toHaveLength(2);
    expect(output).toContain('"value":"/hello"');
  });
});

describe('a browser', () => {
  it('draws the page and shows what each mount saw', async (context) => {
    const chromium = requirePeer(context, 'chromium', 'chromium-browser', 'google-chrome');
    const dom = await browse(chromium, ['--dump-dom', `${url}#fastify`]);
    expect(dom).toContain('aria-selected="true"');
    expect(dom).toMatch(/<span data-key="SCRIPT_NAME"[^>]*>\/fastify<\/span>/);
    expect(dom).toMatch(/<span data-key="PATH_INFO"[^>]*>\/café\/menu<\/span>/);
    expect(dom).toContain('Fastify routed');
    expect(dom).toMatch(/<dd data-key="SERVER_SOFTWARE">gatebridge\//);
  }, 60_000);

  it('takes a screenshot that is not blank', async (context) => {
    const chromium = requirePeer(context, 'chromium', 'chromium-browser', 'google-chrome');
    const folder = mkdtempSync(join(tmpdir(), 'gatebridge-picture-'));
    const picture = join(folder, 'page.png');
    try {
      await browse(chromium, ['--window-size=1280,1600', `--screenshot=${picture}`, url]);
      // A blank page of this size compresses to a few kilobytes.
      expect(readFileSync(picture).length).toBeGreaterThan(50_000);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);
});

async function start(
  settings: Record<string, string>,
): Promise<{ child: ChildProcess; url: string; written: () => string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'examples/showcase/main.ts'], {
    cwd: ROOT,
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = new Promise((resolve) => {
    child.once('close', resolve);
  });
  let errors = '';
  child.stderr.on('data', (data) => {
    errors += data;
  });
  for await (const line of createInterface(child.stdout)) {
    const found = /http:\/\/\S+\//.exec(line)?.[0];
    if (found !== undefined) return { child, url: found, written: () => errors };
  }
  await closed;
  throw new Error(`The showcase ended before it said its address: ${errors}`);
}

async function report(path: string): Promise<{ note: string; entries: ReportEntry[] }> {
  const response = await fetch(`${url}${path}`, { headers: { 'X-Visitor': 'test' } });
  expect(response.status).toBe(200);
  return JSON.parse(await response.text());
}

async function note(path: string): Promise<string> {
  return (await report(path)).note;
}

async function ask(path: string): Promise<Record<string, string>> {
  const { entries } = await report(path);
  return Object.fromEntries(entries.map(({ key, value }) => [key, value]));
}

async function browse(chromium: string, parameters: string[]): Promise<string> {
  const profile = mkdtempSync(join(tmpdir(), 'gatebridge-browser-'));
  const settings = [
    ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
    ...['--disable-background-networking', '--disable-component-update', '--virtual-time-budget=5000'],
    `--user-data-dir=${profile}`,
  ];
  try {
    return await execute(chromium, [...settings, ...parameters]);
  } finally {
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function execute(program: string, parameters: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, parameters, {
    timeout: 50_000,
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout;
}
