/** What the command advises when a function is no application: the flag that makes one of it. */
import { expect, it, vi } from 'vitest';
import { projectFolder, runCommand } from './command.ts';

vi.setConfig({ testTimeout: 60_000 });

const NODE = `export default (request, response) => response.end('Hello from node');`;

it.each([
  ['takes no arguments', 'export const app = () => (e, s) => { s("200 OK", []); return []; };', '--factory'],
  [
    'has defaults alone',
    'export const app = (options = {}) => (e, s) => { s("200 OK", []); return []; };',
    '--factory',
  ],
  [
    'takes settings',
    'export const app = (settings) => (e, s) => { s("200 OK", []); return []; };',
    '--factory',
  ],
  [
    'is async',
    'export const app = async (settings) => (e, s) => { s("200 OK", []); return []; };',
    '--factory',
  ],
  ['is a node listener', NODE, '--interface node'],
  [
    'is an async node listener',
    'export default async (request, response) => { await 0; response.writeHead(200); };',
    '--interface node',
  ],
  ['is a fetch handler', 'export default (request) => new Response(request.url);', '--interface fetch'],
])('a hint at the flag for a function that %s', async (_name, text, flag) => {
  const done = await runCommand(['fetch', 'app.js', '/'], { folder: projectFolder({ 'app.js': text }) });
  expect(done.stderr).toContain(`add ${flag}`);
  expect(done.stderr).not.toContain('fromNode');
  expect(done.code).toBe(1);
});

it.each([
  ['rest parameters', 'export const app = (...both) => { both[1]("200 OK", []); return []; };'],
  ['arguments', 'export function app() { arguments[1]("200 OK", []); return []; }'],
  [
    'a class',
    'class A { constructor(e, s) { s("200 OK", []); } *[Symbol.iterator]() {} } export const app = class extends A {};',
  ],
])('no hint for an application with %s', async (_name, text) => {
  expect(
    await runCommand(['fetch', 'app.js', '/'], { folder: projectFolder({ 'app.js': text }) }),
  ).toMatchObject({ stderr: '', code: 0 });
});
