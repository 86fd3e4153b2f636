/** `gatebridge app.py:app`: the command serves a WSGI application in Python. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { PYTHON } from '../bridges/python/places.ts';
import { Command, projectFolder, runCommand, writeFiles } from './command.ts';

// A busy machine starts an interpreter in seconds.
vi.setConfig({ testTimeout: 60_000 });

const SITE = `
import os
GREETING = "Hello"

def app(environ, start_response):
    if environ["PATH_INFO"] == "/end":
        os._exit(3)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [("%s from %s" % (GREETING, environ["PATH_INFO"])).encode("latin-1")]

def make():
    return app
`;

const FLAGS = ['--port', '0', '--python', PYTHON];

describe('a Python application', () => {
  it('is served, and ends with the command', async () => {
    const folder = projectFolder({ 'app.py': SITE });
    const command = new Command(['app.py:app', ...FLAGS], { folder });
    const url = await command.url();
    expect(command.stderr).toContain('app.py:app (python)');
    expect(await (await fetch(`${url}caf%C3%A9`)).text()).toBe('Hello from /café');
    command.kill('SIGTERM');
    expect(await command.exit).toEqual({ code: 0, signal: null });
    expect(command.stdout).toContain('"GET /caf%C3%A9 HTTP/1.1" 200');
  });

  it('is served by workers, from a module of a package, and loaded anew', async () => {
    const folder = projectFolder({ 'shop/__init__.py': '', 'shop/wsgi.py': SITE });
    const command = new Command(['shop.wsgi:make', '--factory', '--reload', ...FLAGS], { folder });
    const url = await command.url();
    expect(await (await fetch(url)).text()).toBe('Hello from /');
    const since = command.stderr.length;
    writeFiles(folder, { 'shop/wsgi.py': SITE.replace('"Hello"', '"Good morning"') });
    for (;;) {
      const text = await (await fetch(url)).text();
      if (text === 'Good morning from /') break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(command.stderr.slice(since)).toContain('wsgi.py');
    command.kill('SIGTERM');
    expect((await command.exit).code).toBe(0);
  });

  it('tells in --log-file that its process has ended', async () => {
    const folder = projectFolder({ 'app.py': SITE });
    const file = join(folder, 'command.log');
    const command = new Command(['app.py:app', '--log-file', 'command.log', ...FLAGS], { folder });
    const url = await command.url();
    expect((await fetch(`${url}end`)).status).toBe(502);
    await expect
      .poll(() => existsSync(file) && readFileSync(file, 'utf8'))
      .toMatch(/Worker \d+ of app\.py:app: /);
    expect(command.stderr).not.toContain('Worker ');
    command.kill('SIGTERM');
    await command.exit;
  });

  it('answers gatebridge fetch', async () => {
    const folder = projectFolder({ 'app.py': SITE });
    const { code, stdout } = await runCommand(['fetch', 'app.py', '/x', '--python', PYTHON], { folder });
    expect([code, stdout]).toEqual([0, 'Hello from /x']);
  });

  it.each([
    [
      'app.py:app',
      'import flask_of_another_name\n',
      /ModuleNotFoundError: No module named 'flask_of_another_name'[\s\S]*File ".*app\.py", line 1, in <module>[\s\S]*--python/,
    ],
    ['app.py:app', 'def app(:\n', /SyntaxError[\s\S]*File ".*app\.py", line 1/],
    ['app.py:site', SITE, /app has no attribute site; callables in it: app, make/],
    ['no.py:app', SITE, /there is no file no\.py/],
    [
      'app.py:app',
      'async def app(scope, receive, send):\n  pass\n',
      /app:app is an ASGI application.*pip install a2wsgi/,
    ],
  ])('that cannot be loaded says why: %s of %j', async (name, text, message) => {
    const folder = projectFolder({ 'app.py': text });
    const { code, stderr } = await runCommand([name, ...FLAGS], { folder });
    expect(code).toBe(3);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/gatebridge_worker|node_modules/);
  });
});
