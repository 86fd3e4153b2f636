/** What the command loads, and what it says where it cannot. */
import { describe, expect, it, vi } from 'vitest';
import { Command, HELLO, projectFolder, runCommand } from './command.ts';

// The first test compiles the package.
vi.setConfig({ testTimeout: 60_000 });

const EXPRESS = `
import express from 'express';
const app = express();
app.get('/', (request, response) => response.send('Hello from express'));
export default app;
`;

const FASTIFY = `
import fastify from 'fastify';
export const app = fastify();
app.get('/', async () => 'Hello from fastify');
`;

const NODE = `export default (request, response) => response.end('Hello from node');`;

/** Prints the answer to a request for the root. */
async function fetched(
  files: Readonly<Record<string, string>>,
  args: readonly string[],
  packages: readonly string[] = [],
) {
  return runCommand(['fetch', ...args], { folder: projectFolder(files, packages) });
}

describe('forms', () => {
  it.each([
    ['an export', { 'app.js': HELLO }, ['app.js:app', '/x'], 'Hello from the root/x'],
    ['the export app without its name', { 'app.js': HELLO }, ['app.js', '/'], 'Hello from the root/'],
    ['a file without its extension', { 'app.js': HELLO }, ['app', '/'], 'Hello from the root/'],
    ['a folder', { 'site/index.js': HELLO }, ['site', '/'], 'Hello from the root/'],
    ['a path with a dot', { 'app.js': HELLO }, ['./app.js:app', '/'], 'Hello from the root/'],
    [
      'a default export',
      { 'app.js': `${HELLO} export default app;` },
      ['app.js', '/'],
      'Hello from the root/',
    ],
    [
      'the member of an export',
      { 'app.js': `${HELLO} export const all = { site: { app } };` },
      ['app.js:all.site.app', '/'],
      'Hello from the root/',
    ],
    [
      'a factory',
      { 'app.js': `${HELLO} export const make = () => app;` },
      ['app.js:make', '/', '--factory'],
      'Hello from the root/',
    ],
    [
      'an async factory',
      { 'app.js': `${HELLO} export default async () => app;` },
      ['app.js', '/', '--factory'],
      'Hello from the root/',
    ],
    [
      'a promise',
      { 'app.js': `${HELLO} export const later = Promise.resolve(app);` },
      ['app.js:later', '/'],
      'Hello from the root/',
    ],
    [
      'a class',
      {
        'app.js': `export default class { constructor(e, s) { s('200 OK', []); } *[Symbol.iterator]() { yield 'class'; } }`,
      },
      ['app.js', '/'],
      'class',
    ],
    [
      'an object',
      { 'app.js': `export default { call(e, s) { s('200 OK', []); return ['object']; } };` },
      ['app.js', '/'],
      'object',
    ],
    [
      'module.exports',
      { 'app.cjs': `module.exports = (e, s) => { s('200 OK', []); return ['cjs']; };` },
      ['app.cjs', '/'],
      'cjs',
    ],
    [
      'exports.app',
      { 'app.cjs': `exports.app = (e, s) => { s('200 OK', []); return ['cjs']; };` },
      ['app.cjs', '/'],
      'cjs',
    ],
    [
      'exports.app by name',
      { 'app.cjs': `exports.app = (e, s) => { s('200 OK', []); return ['cjs']; };` },
      ['app.cjs:app', '/'],
      'cjs',
    ],
    [
      'a compiled default export',
      {
        'app.cjs': `exports.__esModule = true; exports.default = (e, s) => { s('200 OK', []); return ['compiled']; };`,
      },
      ['app.cjs', '/'],
      'compiled',
    ],
    ['a node listener', { 'app.js': NODE }, ['app.js', '/', '--interface', 'node'], 'Hello from node'],
  ])('%s', async (_name, files, args, expected) => {
    const { stdout, stderr, code } = await fetched(files, args);
    expect({ stdout, stderr, code }).toEqual({ stdout: expected, stderr: '', code: 0 });
  });

  it.each([
    ['an Express app', { 'app.js': EXPRESS }, 'express'],
    ['an instance of Fastify', { 'app.js': FASTIFY }, 'fastify'],
  ])('%s', async (_name, files, packageName) => {
    const { stdout, stderr, code } = await fetched(files, ['app.js', '/'], [packageName]);
    expect({ stdout, stderr, code }).toEqual({ stdout: `Hello from ${packageName}`, stderr: '', code: 0 });
  });

  it('TypeScript, by Node itself or by tsx', async () => {
    const source = `${HELLO.replace('environ, startResponse', 'environ: object & { SCRIPT_NAME: string; PATH_INFO: string }, startResponse: Function')}`;
    const { stdout, stderr } = await fetched(
      { 'app.ts': source },
      ['app.ts:app', '/'],
      ['tsx', 'get-tsconfig'],
    );
    expect({ stdout, stderr }).toEqual({ stdout: 'Hello from the root/', stderr: '' });
  });

  it('what --import names is loaded first', async () => {
    const files = {
      'app.js': `${HELLO} if (!globalThis.isReady) throw new Error('too early');`,
      'first.js': 'globalThis.isReady = true;',
    };
    expect(await fetched(files, ['app.js', '/', '--import', './first.js'])).toMatchObject({
      stdout: 'Hello from the root/',
      code: 0,
    });
  });
});

describe('errors name the file, the export, and the cure', () => {
  it.each([
    ['no file', {}, ['app.js:app'], /File app\.js does not exist in \S+\n/, 3],
    ['a folder', { 'api/app.js': HELLO }, ['api:app'], /Folder api has no index file\n.*api\/app\.ts/, 3],
    ['the current folder', { 'app.js': HELLO }, ['.'], /Folder \. has no index file/, 3],
    ['a file with another name', { 'server.js': HELLO }, ['servr.js'], /Did you mean server\.js\?/, 3],
    [
      'no such export',
      { 'app.js': HELLO },
      ['app.js:ap'],
      /app\.js has no export ap\n.*Did you mean app\?/,
      3,
    ],
    [
      'no export at all',
      { 'app.js': 'export {};' },
      ['app.js'],
      /has no default export.*\n.*It exports nothing/,
      3,
    ],
    [
      'exports with other names',
      { 'app.js': 'export const site = 1;' },
      ['app.js'],
      /It exports site: gatebridge app\.js:site/,
      3,
    ],
    [
      'no application',
      { 'app.js': 'export const app = 1;' },
      ['app.js'],
      /app\.js:app is not a gateway application: Application must be a function/,
      3,
    ],
    [
      'an object of Koa',
      { 'app.js': 'export const app = { callback() {}, use() {}, listen() {} };' },
      ['app.js'],
      /an app of Koa: pass fromNode\(app\.callback\(\)\)/,
      3,
    ],
    [
      'a wrong --interface',
      { 'app.js': HELLO },
      ['app.js', '--interface', 'express'],
      /app\.js:app is not an Express app.*\n.*looks like a gateway application/,
      3,
    ],
    [
      'a factory that is none',
      { 'app.js': 'export const app = 1;' },
      ['app.js', '--factory'],
      /is not a function, and --factory calls it/,
      3,
    ],
    [
      'a factory that fails',
      { 'app.js': `export const app = () => { throw new Error('no database'); };` },
      ['app.js', '--factory'],
      /The factory app\.js:app failed: Error: no database\n.*\n? *at .*app\.js:1/,
      3,
    ],
    [
      'a module that throws',
      { 'app.js': `throw new Error('no database');` },
      ['app.js'],
      /app\.js could not be loaded: Error: no database\n.*\n? *at .*app\.js:1/,
      3,
    ],
    [
      'a missing package',
      { 'app.js': `import 'no-such-package';` },
      ['app.js'],
      /npm install no-such-package/,
      3,
    ],
    [
      'a missing extension',
      { 'app.js': `import './other';`, 'other.js': '' },
      ['app.js'],
      /Write the import with its extension: other\.js/,
      3,
    ],
    ['require in a module', { 'app.js': `require('node:fs');` }, ['app.js'], /Rename it to \.cjs/, 3],
    [
      'a missing --import',
      { 'app.js': HELLO },
      ['app.js', '--import', 'no-such-package'],
      /--import no-such-package: no such package/,
      2,
    ],
    [
      'two applications',
      { 'app.js': HELLO },
      ['app.js', 'other.js'],
      /One application is served, and 2 are named/,
      2,
    ],
    ['no application named', {}, [], /No application is named/, 2],
    [
      'a root path without its slash',
      { 'app.js': HELLO },
      ['app.js', '--root-path', 'shop'],
      /--root-path must be a path such as \/shop/,
      2,
    ],
    [
      'a key without its certificate',
      { 'app.js': HELLO },
      ['app.js', '--key', 'a.pem'],
      /--cert needs|--key needs/,
      2,
    ],
    [
      'an option of the server out of range',
      { 'app.js': HELLO },
      ['app.js', '--connections-checking-interval', '0'],
      /--connections-checking-interval must be 1 or more/,
      2,
    ],
    [
      'a config file with an unknown key',
      { 'app.js': HELLO, 'gatebridge.config.js': 'export default { wokers: 2 };' },
      ['app.js'],
      /has an unknown key wokers\n.*Did you mean workers\?/,
      2,
    ],
    [
      'a config file with a wrong value',
      { 'app.js': HELLO, 'gatebridge.config.json': '{ "workers": "many" }' },
      ['app.js'],
      /Option workers must be a number or 'auto', not "many"/,
      2,
    ],
    [
      'a config file that is not JSON',
      { 'app.js': HELLO, 'gatebridge.config.json': '{' },
      ['app.js'],
      /is not JSON/,
      2,
    ],
    [
      'a config file that is missing',
      { 'app.js': HELLO },
      ['app.js', '--config', 'no.js'],
      /Config file \S+no\.js does not exist/,
      2,
    ],
  ])('%s', async (_name, files, args, message, code) => {
    const done = await runCommand([...args, '--check'], { folder: projectFolder(files) });
    expect(done.stderr).toMatch(message);
    expect(done.code).toBe(code);
    expect(done.stdout).toBe('');
    // The stack is that of the user's own files.
    expect(done.stderr).not.toMatch(/node:internal|gatebridge\/dist/);
  });

  it('a missing environment file', async () => {
    const done = await runCommand(['app.js', '--env-file', 'no.env', '--check'], {
      folder: projectFolder({ 'app.js': HELLO }),
    });
    // Node 20 takes the flag for its own, also behind the script.
    expect(done.stderr).toMatch(/Environment file \S+no\.env cannot be read|no\.env: not found/);
    expect([2, 9]).toContain(done.code);
  });

  it('--env-file sets variables before the application is loaded', async () => {
    const files = {
      'a.env': 'WORD=read',
      'app.js': `export const app = (e, s) => { s('200 OK', []); return [process.env.WORD]; };`,
    };
    const config = `export default { envFile: ['a.env'], app: 'app.js' };`;
    const folder = projectFolder({ ...files, 'gatebridge.config.js': config });
    const command = new Command(['-p', '0'], { folder });
    expect(await (await fetch(await command.url())).text()).toBe('read');
  });

  it('--check says what it found', async () => {
    const done = await runCommand(['app.js', '--check'], { folder: projectFolder({ 'app.js': HELLO }) });
    expect(done).toMatchObject({
      code: 0,
      stdout: 'app.js:app is a gateway application, and can be served\n',
      stderr: '',
    });
  });
});

describe('gatebridge fetch', () => {
  const ECHO = `
  export async function app(environ, startResponse) {
    const text = Buffer.from(await environ['wsgi.input'].read()).toString();
    startResponse(environ.PATH_INFO === '/no' ? '404 Not Found' : '200 OK', [['X-Method', environ.REQUEST_METHOD]]);
    return [environ.HTTP_X_A + ' ' + text];
  }`;

  it('sends method, fields and content', async () => {
    const done = await fetched({ 'app.js': ECHO }, [
      'app.js',
      '/',
      '-H',
      'X-A: one, two',
      '-d',
      'content',
      '-i',
    ]);
    expect(done.stdout).toMatch(/^200 OK\nX-Method: POST\n(.*\n)*\none, two content$/);
    const put = await fetched({ 'app.js': ECHO, 'a.txt': 'of a file' }, [
      'app.js',
      '/',
      '-X',
      'PUT',
      '-d',
      '@a.txt',
      '-i',
    ]);
    expect(put.stdout).toMatch(/X-Method: PUT\n(.*\n)*\nundefined of a file$/);
  });

  it('ends with 22 for a status of 400 or more', async () => {
    expect(await fetched({ 'app.js': ECHO }, ['app.js', '/no'])).toMatchObject({
      code: 22,
      stdout: 'undefined ',
    });
  });

  it.each([[['app.js', 'path']], [['app.js', '/', '/']], [[]]])('refuses %j', async (args) => {
    expect(await fetched({ 'app.js': ECHO }, args)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('gatebridge fetch app.ts:app /path'),
    });
  });
});
