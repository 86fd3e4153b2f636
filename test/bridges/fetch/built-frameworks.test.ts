/**
 * The lines of docs/fetch.md in SvelteKit and Next, each built and served in production as a project of its own: a part of
 * `npm run tour`, because it installs both from npm.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { writeFiles } from '../../cli/command.ts';
import { compiledPackage } from '../../cli/compiled.ts';

const run = promisify(execFile);
const TIMEOUT = 600_000;

const SHOP = `
import { readText } from 'gatebridge';
import { toFetch } from 'gatebridge/fetch';
import { dispatch } from 'gatebridge/middleware';

async function shop(environ, startResponse) {
  const content = await readText(environ);
  startResponse('201 Made', [['Content-Type', 'text/plain'], ['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2']]);
  return (async function* () {
    yield \`\${environ.REQUEST_METHOD} \${environ.SCRIPT_NAME}|\${environ.PATH_INFO}|\`;
    yield \`\${environ.QUERY_STRING}|\${content.length}|\${environ.REMOTE_ADDR}\`;
  })();
}

export const handle = toFetch(dispatch({ '/shop': shop }));
`;

/** A framework as a project: its packages, its files, how it is built and served. */
interface Project {
  readonly packages: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  readonly build: readonly string[];
  readonly serve: (port: string) => readonly string[];
  /** What it tells of the client. */
  readonly address: string;
}

const PROJECTS: Readonly<Record<string, Project>> = {
  SvelteKit: {
    packages: [
      '@sveltejs/kit@2.70.4',
      '@sveltejs/adapter-node@5.5.7',
      '@sveltejs/vite-plugin-svelte@7.3.1',
      'svelte@5.57.3',
      'vite@8.4.0',
    ],
    files: {
      'vite.config.js': `
import { sveltekit } from '@sveltejs/kit/vite';
export default { plugins: [sveltekit()] };`,
      'svelte.config.js': `
import adapter from '@sveltejs/adapter-node';
export default { kit: { adapter: adapter() } };`,
      'src/app.html': '<html><head>%sveltekit.head%</head><body>%sveltekit.body%</body></html>',
      'src/lib/shop.js': SHOP,
      'src/routes/shop/[...path]/+server.js': `
import { handle } from '$lib/shop.js';
export const fallback = ({ request, getClientAddress }) => handle(request, { remoteAddress: getClientAddress() });`,
    },
    build: ['node_modules/vite/bin/vite.js', 'build'],
    serve: () => ['build'],
    address: '127.0.0.1',
  },
  Next: {
    packages: ['next@16.4.6', 'react@19', 'react-dom@19'],
    files: {
      'app/layout.js': 'export default ({ children }) => <html><body>{children}</body></html>;',
      'app/shop.js': SHOP,
      'app/shop/[[...path]]/route.js': `
import { handle } from '../../shop.js';
export const GET = (request) => handle(request);
export { GET as DELETE, GET as HEAD, GET as OPTIONS, GET as PATCH, GET as POST, GET as PUT };`,
    },
    build: ['node_modules/next/dist/bin/next', 'build'],
    serve: (port) => ['node_modules/next/dist/bin/next', 'start', '-H', '127.0.0.1', '-p', port],
    address: 'undefined',
  },
};

it.each(Object.entries(PROJECTS))('in %s a route answers', { timeout: TIMEOUT }, async (_name, project) => {
  const url = await serveProject(project);
  const order = (method: string, type?: string, content?: string): Promise<Response> => {
    const headers = type === undefined ? {} : { 'Content-Type': type };
    return fetch(`${url}/shop/a%20b/c?x=1&y=%2F`, { method, headers, body: content ?? null });
  };
  const large = JSON.stringify('x'.repeat(300_000));
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    const content = method === 'GET' || method === 'OPTIONS' ? undefined : large;
    const response = await order(method, content && 'application/json', content);
    const expected = `${method} /shop|/a b/c|x=1&y=%2F|${content?.length ?? 0}|${project.address}`;
    expect([response.status, await response.text()]).toEqual([201, expected]);
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  }
  const head = await order('HEAD');
  expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([201, 'text/plain', '']);
  const root = await fetch(`${url}/shop`);
  expect(await root.text()).toBe(`GET /shop|||0|${project.address}`);
  // adapter-node allows 512 KiB, and fails the stream beyond.
  const huge = await order('POST', 'application/json', JSON.stringify('x'.repeat(600_000)));
  expect(huge.status).toBe('svelte.config.js' in project.files ? 413 : 201);
  // SvelteKit refuses forms of other origins before a route gets them. This request tells none.
  const form = await order('POST', 'application/x-www-form-urlencoded', 'a=1');
  expect(form.status).toBe('svelte.config.js' in project.files ? 403 : 201);
});

/** Installs, builds and serves a project. @returns its URL */
async function serveProject({ packages, files, build, serve }: Project): Promise<string> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'gatebridge-framework-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFiles(folder, { 'package.json': '{ "type": "module", "private": true }', ...files });
  const options = {
    cwd: folder,
    env: { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' },
  };
  await run('npm', ['install', '--no-audit', '--no-fund', '--include=dev', ...packages], options);
  // A copy: bundlers refuse links that lead out of the project.
  cpSync(compiledPackage(), join(folder, 'node_modules/gatebridge'), { recursive: true });
  await run(process.execPath, [...build], options);
  const port = String(await freePort());
  const env = { ...options.env, HOST: '127.0.0.1', PORT: port };
  const child = spawn(process.execPath, [...serve(port)], { cwd: folder, env, stdio: 'ignore' });
  const exit = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries += 1) {
    try {
      await fetch(url);
      return url;
    } catch (error) {
      if (tries > 300 || child.exitCode !== null) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No port');
  return address.port;
}
