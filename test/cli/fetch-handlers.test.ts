/** Fetch handlers by the command: recognised, named by `--interface fetch`, or told. */
import { describe, expect, it, vi } from 'vitest';
import { Command, projectFolder, runCommand } from './command.ts';

vi.setConfig({ testTimeout: 60_000 });

const WORKER = `export default {
  fetch: (request) => new Response(\`fetched \${new URL(request.url).pathname}\`),
};`;

const HONO = `import { Hono } from 'hono';
export default new Hono().get('/', (context) => context.text('Hello from hono'));`;

describe('gatebridge fetch', () => {
  it.each([
    ['the default export of a worker', WORKER, ['app.js', '/a'], 'fetched /a'],
    ['an app of Hono', HONO, ['app.js', '/'], 'Hello from hono'],
    [
      'a function',
      `export const app = () => new Response('Hello from fetch');`,
      ['app.js:app', '/', '--interface', 'fetch'],
      'Hello from fetch',
    ],
    [
      'an application that has a fetch method too',
      `export const app = { fetch() {}, call(e, s) { s('200 OK', []); return ['called']; } };`,
      ['app.js', '/'],
      'called',
    ],
  ])('answers by %s', async (_what, text, args, expected) => {
    const folder = projectFolder({ 'app.js': text }, ['hono']);
    const { stdout, stderr, code } = await runCommand(['fetch', ...args], { folder });
    expect({ stdout, stderr, code }).toEqual({ stdout: expected, stderr: '', code: 0 });
  });
});

it('serves one', async () => {
  const command = new Command(['app.js', '-p', '0'], { folder: projectFolder({ 'app.js': WORKER }) });
  expect(await (await fetch(`${await command.url()}there`)).text()).toBe('fetched /there');
  expect(command.stderr).toContain('app.js:default (fetch)');
});

describe('--check', () => {
  it.each([
    [
      'another --interface',
      'export default { fetch() {} };',
      'gateway',
      /app\.js:default is not a gateway application.*pass fromFetch\(app\).*\n.*looks like a fetch handler: --interface fetch/,
    ],
    [
      'no handler',
      'export const app = { get() {} };',
      'fetch',
      /app\.js:app is not a fetch handler: Program must be a function of a Request/,
    ],
  ])('tells of %s', async (_what, text, kind, message) => {
    const folder = projectFolder({ 'app.js': text });
    const { code, stderr } = await runCommand(['app.js', '--interface', kind, '--check'], { folder });
    expect(stderr).toMatch(message);
    expect(code).toBe(3);
  });

  it('passes one', async () => {
    const folder = projectFolder({ 'app.js': WORKER });
    expect(await runCommand(['app.js', '--check'], { folder })).toMatchObject({ code: 0 });
  });
});
