/** The showcase, started as by `npm start`, over HTTP and WebSockets. The test beside this one opens it in a browser. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { explain, readAddress } from '../examples/showcase/address.ts';
import type { ReportEntry } from '../examples/showcase/report.ts';
import type { Application } from '../src/index.ts';
import { serve } from '../src/server/index.ts';
import { requirePeer } from './support/peer.ts';
import { type Showcase, startShowcase } from './support/showcase.ts';
import { expectValid, VALIDATED } from './support/validated/validated.ts';

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const FOLDER = join(import.meta.dirname, '../examples/showcase');
const HOSTS = ['server', 'node', 'express', 'fastify'];
const PROGRAMS = ['function', 'class', 'object', 'node', 'express', 'fastify'];
const PAIRS = HOSTS.flatMap((host) => PROGRAMS.map((program) => [host, program] as const));

let showcase: Showcase;
let url = '';

beforeAll(async () => {
  showcase = await startShowcase({ PORT: '0', ...VALIDATED });
  url = showcase.url;
});

afterAll(async () => {
  showcase.child.kill('SIGKILL');
  await once(showcase.child, 'close');
  // The site; what node:http runs; and each program, in Express and in Fastify.
  expect(showcase.errors().match(/Validates/g)).toHaveLength(2 + 2 * PROGRAMS.length);
  expectValid(showcase.errors());
});

describe('the page', () => {
  it('is served with everything that it loads', async () => {
    const page = await (await fetch(url)).text();
    const loaded = [...page.matchAll(/(?:href|src)="([\w-]+\.(?:css|js|svg))"/g)].map(([, name]) => name);
    expect(loaded).toEqual(expect.arrayContaining(['style.css', 'script.js', 'icon.svg']));
    for (const name of loaded) expect((await fetch(`${url}${name}`)).status).toBe(200);
  });

  it('links to sources and documents that are there, as text', async () => {
    const page = await (await fetch(url)).text();
    const links = [...page.matchAll(/href="\/((?:source|docs)\/[^"]+)"/g)].map(([, path]) => path);
    expect(links.length).toBeGreaterThan(20);
    for (const link of links) {
      const response = await fetch(`${url}${link}`);
      await response.body?.cancel();
      expect([link, response.status, response.headers.get('content-type')]).toEqual([
        link,
        200,
        'text/plain; charset=utf-8',
      ]);
    }
  });

  it('shows code that stands in its sources', () => {
    const page = readFileSync(join(FOLDER, 'public/index.html'), 'utf8');
    const shown = [...page.matchAll(/<code data-source="([\w.]+)">([\s\S]*?)<\/code>/g)];
    expect(shown.length).toBeGreaterThan(5);
    const flat = (text: string) => text.replace(/^ +/gm, '');
    for (const [, file = '', code = ''] of shown) {
      const text = code.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
      expect(flat(readFileSync(join(FOLDER, file), 'utf8'))).toContain(flat(text));
    }
  });

  it('forbids the browser to load anything from elsewhere', async () => {
    const response = await fetch(url);
    await response.body?.cancel();
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'self';/);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('can be cached and compressed', async () => {
    const first = await fetch(`${url}style.css`, { headers: { 'Accept-Encoding': 'gzip' } });
    await first.body?.cancel();
    expect(first.headers.get('content-encoding')).toBe('gzip');
    const again = await fetch(`${url}style.css`, {
      // Otherwise fetch sends no-cache.
      headers: { 'If-None-Match': first.headers.get('etag') ?? '', 'Cache-Control': 'max-age=0' },
    });
    expect(again.status).toBe(304);
  });

  it.each(['docs/../package.json', 'source/..%2f..%2fpackage.json', 'nothing'])(
    'does not give away %s',
    async (path) => {
      const { statusCode, text } = await raw(
        `GET /${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      );
      expect([statusCode, text.includes('"version"')]).toEqual([404, false]);
    },
  );

  it('answers to names of this machine alone', async () => {
    const ask = async (host: string) =>
      (await raw(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).statusCode;
    expect(await ask('localhost:1')).toBe(200);
    expect(await ask('rebound.example')).toBe(400);
  });
});

describe('the programs', () => {
  it.each(PAIRS)('in %s: %s', async (host, program) => {
    expect(await ask(`in/${host}/${program}/caf%C3%A9/menu?table=5`)).toMatchObject({
      REQUEST_METHOD: 'GET',
      SCRIPT_NAME: `/in/${host}/${program}`,
      PATH_INFO: Buffer.from('/café/menu').toString('latin1'),
      QUERY_STRING: 'table=5',
      REQUEST_URI: `/in/${host}/${program}/caf%C3%A9/menu?table=5`,
      HTTP_X_VISITOR: 'test',
    });
    expect(await ask(`in/${host}/${program}`)).toMatchObject({
      SCRIPT_NAME: `/in/${host}/${program}`,
      PATH_INFO: '',
    });
  });

  it("run Fastify's own hooks, and Express' own fields", async () => {
    const response = await fetch(`${url}in/express/fastify/`);
    await response.body?.cancel();
    expect(response.headers.get('x-inner-framework')).toMatch(/^fastify 5\./);
    expect(response.headers.get('x-powered-by')).toBe('Express');
  });

  it('keep state in an object, not in a class', async () => {
    expect(await note('in/server/object')).not.toBe(await note('in/fastify/object'));
    expect(await note('in/server/class')).toBe(await note('in/server/class'));
  });

  it('show nothing of the environment of the process', async () => {
    expect(Object.keys(await ask('in/server/function'))).not.toContain('PATH');
  });

  it('are found by the form of a browser without scripts', async () => {
    const response = await fetch(`${url}choose?program=class&host=fastify&path=/a%20b?c=d`);
    expect(response.url).toBe(`${url}in/fastify/class/a%20b?c=d`);
    expect(response.status).toBe(200);
    for (const query of [
      'path=../../..//example.com',
      'host=..&program=/example.com',
      'host=%0d%0aX:y&path=//x',
    ]) {
      const { headers } = await fetch(`${url}choose?${query}`, { redirect: 'manual' });
      expect(headers.get('location')?.startsWith(url)).toBe(true);
    }
  });
});

describe('the parts', () => {
  it('tell each page of its own requests alone', async () => {
    const mine = await listen('mine');
    const other = await listen('other');
    const leaving = new AbortController();
    const response = await fetch(`${url}leaving?page=mine`, { signal: leaving.signal });
    await response.body?.getReader().read();
    leaving.abort();
    await mine.until(/on_finished is called/);
    const seen = mine.events('leaving').map((event) => String(event).replace(/^(yields line) \d+$/, '$1'));
    expect([...new Set(seen)]).toEqual([
      'yields line',
      'gateway.signal is aborted',
      'finally runs in the generator',
      'gateway.on_finished is called',
    ]);
    await other.until(/event: server/);
    expect(other.events('leaving')).toEqual([]);
  });

  it('count an upload', async () => {
    const mine = await listen('upload');
    const answer = await fetch(`${url}upload?page=upload`, { method: 'PUT', body: Buffer.alloc(2_000_000) });
    expect(await answer.json()).toEqual({
      octets: 2_000_000,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    await mine.until(/event: upload/);
  });

  it('show an error to its developer, and to nobody else', async () => {
    const shown = await fetch(`${url}error/shown`, { headers: { Accept: 'text/html' } });
    expect([shown.status, await shown.text()]).toEqual([
      500,
      expect.stringContaining('The order has no customer'),
    ]);
    const hidden = await fetch(`${url}error`);
    expect([hidden.status, await hidden.text()]).toEqual([500, expect.not.stringContaining('customer')]);
  });

  it('chat, with pages of this site alone', async () => {
    const chat = url.replace('http', 'ws').concat('chat');
    const eve = new WebSocket(chat, { origin: 'https://example.com' });
    expect(String((await once(eve, 'error'))[0])).toContain('403');
    const ada = new WebSocket(chat);
    const said = new Promise((resolve) => {
      ada.on('message', (data) => /Hello/.test(String(data)) && resolve(JSON.parse(String(data))));
    });
    ada.on('open', () => ada.send('Hello'));
    expect(await said).toEqual({ text: 'Hello' });
    ada.close();
  });

  it('answer an upgrade that is not the chat, and a chat that is none, as any request', async () => {
    const head = 'Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    expect((await raw(`GET /nothing HTTP/1.1\r\n${head}`)).statusCode).toBe(404);
    expect((await raw(`GET /chat HTTP/1.1\r\n${head}`)).statusCode).toBe(400);
    expect((await fetch(`${url}chat`)).status).toBe(404);
  });

  it('are in the access log', async () => {
    await (await fetch(`${url}in/server/function/logged`)).text();
    await expect.poll(() => showcase.output()).toMatch(/"GET \/in\/server\/function\/logged HTTP\/1\.1" 200/);
  });
});

describe('the process', () => {
  it('obeys HOST and ends by itself on Ctrl+C, also with open streams', async () => {
    const { child, url, errors } = await startShowcase({ PORT: '0', HOST: 'localhost' });
    expect(url).toMatch(/^http:\/\/localhost:\d+\/$/);
    await fetch(`${url}live`);
    const socket = new WebSocket(url.replace('http', 'ws').concat('chat'));
    await once(socket, 'open');
    child.kill('SIGINT');
    const began = Date.now();
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(Date.now() - began).toBeLessThan(1_900);
    expect(errors()).toBe('');
  });

  it('says what is wrong with PORT, without a stack', async () => {
    await expect(startShowcase({ PORT: 'abc' })).rejects.toThrow(
      /ended with 1: PORT must be a number from 0 to 65535, not 'abc'. For example: PORT=8080 npm start\n$/,
    );
  });

  it.each([
    [{}, { port: 8124, host: '127.0.0.1' }],
    [
      { PORT: '', HOST: ' ' },
      { port: 8124, host: '127.0.0.1' },
    ],
    [
      { PORT: ' 80 ', HOST: '[::1]' },
      { port: 80, host: '::1' },
    ],
  ])('takes %j', (variables, address) => {
    expect(readAddress(variables)).toEqual(address);
  });

  it.each(['99999', '-1', '80.5', '1e3', '0x50', 'http'])('refuses PORT=%s', (PORT) => {
    expect(readAddress({ PORT })).toEqual({ problem: expect.stringContaining(`not '${PORT}'`) });
  });

  it.each(['192.0.2.1', 'no.such.host.invalid'])('says what is wrong with HOST=%s', async (host) => {
    const address = { port: 0, host };
    const message = await serve(hello, address).catch((error) => explain(error, address));
    expect(message).toBe(
      `HOST must be an address of this machine, not '${host}'. For example: HOST=0.0.0.0 npm start`,
    );
  });

  it('reports that its port is in use', async () => {
    const { port } = new URL(url);
    await expect(startShowcase({ PORT: port })).rejects.toThrow(`Port ${port} is in use`);
  });
});

describe('curl', () => {
  it('gets the answers that the page promises', async (context) => {
    const curl = requirePeer(context, 'curl');
    const { stdout } = await promisify(execFile)(curl, ['-sSi', `${url}in/fastify/express/hello`]);
    expect(stdout).toContain('HTTP/1.1 200 OK\r\n');
    expect(stdout).toContain('"value":"/hello"');
  });
});

const hello: Application = () => [];

/** Listens to the live stream as a page. */
async function listen(page: string) {
  const response = await fetch(`${url}live?page=${page}`);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = (await reader?.read())?.value ?? '';
  return {
    async until(pattern: RegExp) {
      while (!pattern.test(text)) text += (await reader?.read())?.value ?? '';
    },
    events(name: string): unknown[] {
      const found = text.matchAll(new RegExp(`event: ${name}\\ndata: (.*)\\n`, 'g'));
      return [...found].map(([, data = '']) => JSON.parse(data));
    },
  };
}

/** Sends octets as they are, and gives what comes back. */
async function raw(request: string): Promise<{ statusCode: number; text: string }> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.end(request);
  let text = '';
  for await (const piece of socket) text += piece;
  return { statusCode: Number(text.slice(9, 12)), text };
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
