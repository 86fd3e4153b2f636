/**
 * The showcase in a real browser: on a screen and on a phone, in light and in dark, by mouse and by keys, with scripts and without.
 * `PICTURES=folder` keeps a picture of each page.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Browser, type Page, type View } from './support/browser.ts';
import { requirePeer } from './support/peer.ts';
import { FAINT_TEXTS, SMALL_TARGETS } from './support/readable.ts';
import { type Showcase, startShowcase } from './support/showcase.ts';

// Browsers and processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const ROOT = join(import.meta.dirname, '..');
const HOSTS = ['server', 'node', 'express', 'fastify', 'cgi'];
const PROGRAMS = ['function', 'class', 'object', 'node', 'express', 'fastify'];
const DESK: View = { width: 1400, scheme: 'light' };

let showcase: Showcase;
let browser: Browser | undefined;
const pictures = process.env.PICTURES ?? mkdtempSync(join(tmpdir(), 'gatebridge-pictures-'));

beforeAll(async () => {
  showcase = await startShowcase({ PORT: '0' });
});

beforeEach(async (context) => {
  browser ??= await Browser.launch(requirePeer(context, 'chromium', 'chromium-browser', 'google-chrome'));
});

afterAll(async () => {
  await browser?.close();
  showcase.child.kill('SIGKILL');
  if (process.env.PICTURES === undefined) rmSync(pictures, { recursive: true });
});

/** Opens the page, and waits until each part of it has come to life. */
async function open(view: View, hash = '') {
  if (browser === undefined) throw new Error('There is no browser');
  const page = await browser.open(`${showcase.url}${hash}`, view);
  if (view.scripts !== false) {
    await page.until("document.querySelectorAll('#groups tr').length > 10");
    await page.until("/Connected/.test(document.querySelector('#sockets-state').textContent)");
  }
  return page;
}

describe.each([1400, 390])('at %d px', (width) => {
  it('fits, can be read and can be hit, and complains of nothing', async () => {
    const page = await open({ width, scheme: 'light' });
    await page.until("/\\d/.test(document.querySelector('[data-figure=connections]').textContent)");
    const openGroups = "document.querySelectorAll('#groups details[open]').length";
    expect(await page.evaluate(openGroups)).toBe(width < 600 ? 0 : 5);
    // A picture of a blank page has a few kilobytes.
    expect(await page.picture(join(pictures, `${width}.png`))).toBeGreaterThan(60_000);

    await page.evaluate("document.querySelectorAll('details').forEach((node) => { node.open = true; })");
    await page.click('#begin');
    await page.until("document.querySelectorAll('#seen li').length > 0");
    await page.click('#leave');
    await page.until("document.querySelectorAll('#seen .strong').length === 3");
    await page.until("/saw it within \\d+ ms/.test(document.querySelector('#leaving-state').textContent)");
    for (const scheme of ['light', 'dark'] as const) {
      await page.paint(scheme);
      expect(await page.evaluate(FAINT_TEXTS)).toEqual([]);
      await page.picture(join(pictures, `${width}-${scheme}.png`));
    }
    expect(await page.evaluate(SMALL_TARGETS)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);

    const foreign = page.requests.filter((address) => new URL(address).host !== new URL(showcase.url).host);
    expect(foreign).toEqual([]);
    expect(page.problems).toEqual([]);
  });
});

describe('on a screen', () => {
  let page: Page;
  beforeEach(async () => {
    page ??= await open(DESK);
  });

  it('holds a browser up that sends faster than the application reads', async () => {
    await page.click('#send button');
    await page.until("document.querySelector('#read').value > 0.2");
    const [sent, read] = Object(
      await page.evaluate("[document.querySelector('#sent').value, document.querySelector('#read').value]"),
    );
    // What is between them waits in the sockets.
    expect(sent).toBeLessThan(0.9);
    expect(read).toBeLessThanOrEqual(sent);
    await page.until("/^32 MB in [\\d.]+ s/.test(document.querySelector('#upload-state').textContent)");
    expect(await page.evaluate("document.querySelector('#read').value")).toBe(1);
  });

  it('chats between two windows', async () => {
    const other = await open({ width: 390, scheme: 'dark' });
    await page.until("/\\d windows/.test(document.querySelector('#sockets-state').textContent)");
    await page.click('#text');
    await page.type('<b>Hello</b>');
    await page.press('Enter');
    await other.until("document.querySelector('#said').lastChild?.textContent === '<b>Hello</b>'");
  });

  it('lets programs and hosts be chosen by keys', async () => {
    await page.evaluate("document.querySelector('[name=host]:checked').focus()");
    await page.press('ArrowRight');
    await page.until("/toFastify\\(hello\\)/.test(document.querySelector('#line').textContent)");
    const ruler = "[...document.querySelectorAll('#ruler > span')].map((node) => node.textContent).join(' ')";
    await page.until(`${ruler} === '/in/fastify/function /café/menu table=5'`);
    expect(await page.evaluate("document.querySelectorAll('.differs').length")).toBeGreaterThan(3);
  });

  it('has code that can be copied', async () => {
    await page.evaluate(`(() => {
      navigator.clipboard.writeText = async (text) => { globalThis.textCopied = text; };
      // It says so for a moment only.
      const button = document.querySelector('.line + .copy');
      new MutationObserver(() => { globalThis.labelSeen ??= button.textContent; }).observe(button, { childList: true });
    })()`);
    await page.click('.line + .copy');
    await page.until("globalThis.labelSeen === 'Copied'");
    const line = await page.evaluate("document.querySelector('#line').textContent");
    expect(await page.evaluate('globalThis.textCopied')).toBe(line);
    const pieces = await page.evaluate("document.querySelectorAll('pre').length");
    expect(await page.evaluate("document.querySelectorAll('pre + .copy').length")).toBe(pieces);
  });

  it('has code that runs: each program in each host', async () => {
    const pairs = HOSTS.flatMap((host) => PROGRAMS.map((program) => ({ host, program })));
    const texts = Object(
      await page.evaluate(`import('/programs.js').then(({ codeFor }) =>
        ${JSON.stringify(pairs)}.map(({ host, program }) => codeFor(program, host).program))`),
    );
    await runAll(pairs.map((pair, index) => ({ ...pair, text: texts[index] })));
  });

  it('shows an error to its developer and to a client', async () => {
    await page.click('[href="/error/shown"]');
    const frame = "document.querySelector('#frame').contentDocument?.body?.innerText ?? ''";
    await page.until(`/The order has no customer/.test(${frame})`);
    await page.picture(join(pictures, 'error.png'));
    await page.click('[href="/error"]');
    await page.until(`${frame} === 'Internal Server Error'`);
    // Browsers report each answer of 500 in the console.
    expect(page.problems.filter((problem) => !problem.includes('status of 500'))).toEqual([]);
  });
});

describe('without a mouse', () => {
  it('everything can be reached, and shows the focus; the address names a pair', async () => {
    const page = await open(DESK, '#in/express/fastify');
    expect(await page.evaluate("document.querySelector('#line').textContent")).toBe(
      "site.use('/hello', toExpress(fromFastify(app)));",
    );
    const reached = new Set<unknown>();
    for (let step = 0; step < 75; step += 1) {
      await page.press('Tab');
      const [name, isVisible] = Object(await page.evaluate(FOCUSED));
      expect([name, isVisible]).toEqual([name, true]);
      reached.add(name);
    }
    const expected = [
      ...['begin', 'file', 'slow', 'text', 'program', 'host', 'path', 'search', 'differing'],
      ...['Copy', 'Source', 'The code'],
    ];
    expect([...reached]).toEqual(expect.arrayContaining(expected));
  });
});

/** The element with the focus, and if a mark around it can be seen. */
const FOCUSED = `(() => {
  const node = document.activeElement;
  const shown = node.matches('fieldset input') ? node.nextElementSibling : node;
  const { outlineStyle, outlineWidth } = getComputedStyle(shown);
  const isVisible = node === document.body || (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1);
  return [node.id || node.name || node.textContent.trim(), isVisible];
})()`;

describe('without scripts', () => {
  it('the page has links and forms, and no dead buttons', async () => {
    const page = await open({ ...DESK, scripts: false });
    const visible = await page.evaluate(`[...document.querySelectorAll('button')]
      .filter((node) => node.checkVisibility()).map((node) => node.textContent)`);
    expect(visible).toEqual(['Upload', 'Ask']);
    await page.picture(join(pictures, 'without-scripts.png'));
    await page.click('#choose [type=submit]');
    await page.until("location.pathname === '/in/express/function/caf%C3%A9/menu' && document.body !== null");
  });
});

/** Runs the modules of the page, each as a file of its own, and asks them for their greeting. */
async function runAll(modules: { host: string; program: string; text: string }[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gatebridge-copied-'));
  try {
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: join(ROOT, 'tsconfig.json') }));
    const ports = await freePorts(modules.length);
    const lines = modules.map(({ host, program, text }, index) => {
      writeFileSync(join(folder, `${index}.js`), text.replaceAll('8124', String(ports[index])));
      const name = JSON.stringify(`${program} in ${host}`);
      if (host === 'cgi') return `await import('./${index}.js');`;
      const path = host === 'express' || host === 'fastify' ? 'hello' : '';
      return `await import('./${index}.js');
        console.log(${name}, (await (await fetch('http://127.0.0.1:${ports[index]}/${path}')).text()).trim());`;
    });
    const all = `process.env.PATH_INFO = '/';\n${lines.join('\n')}\nprocess.exit();`;
    writeFileSync(join(folder, 'all.js'), all);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', join(ROOT, 'node_modules/tsx/dist/loader.mjs'), 'all.js'],
      { cwd: folder, env: { PATH: process.env.PATH, TSX_TSCONFIG_PATH: join(folder, 'tsconfig.json') } },
    );
    for (const { host, program } of modules) {
      if (host !== 'cgi') expect(stdout).toMatch(new RegExp(`^${program} in ${host} .*Hello`, 'm'));
    }
    expect(stdout.match(/^Status: 200 OK/gm)).toHaveLength(PROGRAMS.length);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Finds ports that nobody listens on at this moment. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  // Listens on TCP, as was said.
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => promisify(server.close.bind(server))()));
  return ports;
}
