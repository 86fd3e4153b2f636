/** Programs that do not start, or whose output is no response; and wrong arguments. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CgiProgram, fromCgi } from '../../../bridges/cgi/index.ts';
import { validate } from '../../../src/validate/index.ts';
import { folder, program, serve, serveProgram } from './programs.ts';

const HELLO = 'printf "Content-Type: text/plain\\n\\nhello"';

describe('a program that cannot answer', () => {
  const plain = (name: string, source: string, mode = 0o755): string => {
    writeFileSync(join(folder, name), source);
    chmodSync(join(folder, name), mode);
    return join(folder, name);
  };

  it.each<[string, () => CgiProgram, string]>([
    ['is missing', () => join(folder, 'missing'), `${folder}/missing does not exist`],
    ['is not in PATH', () => 'gatebridge-missing', 'gatebridge-missing is not in PATH'],
    ['is not executable', () => plain('mode', '#!/bin/sh\n', 0o644), 'mode is not executable (chmod +x)'],
    ['is a folder', () => mkdirSync(join(folder, 'sub'), { recursive: true }) ?? '', 'sub is a folder'],
    ['has no #!', () => plain('bare', 'print "Content-Type: a/b\\n\\n"\n'), 'bare has no #! line'],
    [
      'has no interpreter',
      () => program('odd', '#!/usr/bin/gatebridge-sh\n'),
      'odd has the interpreter /usr/bin/gatebridge-sh',
    ],
    ['writes nothing', () => program('silent', ''), 'silent exited with code 0, it wrote nothing'],
    ['fails first', () => program('fails', 'exit 7'), 'fails exited with code 7, it wrote nothing'],
    [
      'crashes first',
      () => program('crash', 'kill -SEGV $$'),
      'crash was ended by SIGSEGV, it wrote nothing',
    ],
    ['writes no head', () => program('half', 'printf "Content-Type: a/b\\n"'), 'its head has no empty line'],
    ['writes garbage', () => program('garbage', 'echo "Hello, world"; cat'), 'begins with "Hello, world"'],
    ['is NPH', () => program('nph-x', 'printf "HTTP/1.1 200 OK\\r\\n\\r\\n"'), 'NPH'],
  ])('%s', async (_name, make, message) => {
    const { url, log } = await serve(validate(fromCgi(make())));
    const response = await fetch(url);
    expect([response.status, await response.text()]).toEqual([502, 'Bad Gateway\n']);
    expect(log()).toContain(message);
    expect(log()).toMatch(/UpstreamError \[WSGI_ERR_UPSTREAM_/);
    expect(log()).not.toContain('    at ');
  });

  it('has no folder to run in', async () => {
    const { url, log } = await serve(fromCgi(program('show', HELLO), { cwd: join(folder, 'nowhere') }));
    expect((await fetch(url)).status).toBe(502);
    expect(log()).toContain(`cannot run in the folder ${folder}/nowhere`);
  });

  it('gets a larger environment than the system allows', async () => {
    const { url, log } = await serveProgram('show', HELLO, { environ: { BIG: 'x'.repeat(3_000_000) } });
    expect((await fetch(url)).status).toBe(502);
    expect(log()).toContain('show got fields larger than an environment may be');
  });

  it('is answered for once it is repaired', async () => {
    const path = join(folder, 'repaired');
    const { url } = await serve(fromCgi(path));
    expect((await fetch(url)).status).toBe(502);
    program('repaired', HELLO);
    expect((await fetch(url)).status).toBe(200);
  });
});

describe('the arguments of fromCgi', () => {
  it.each<[unknown, object]>([
    ['', {}],
    [undefined, {}],
    [[], {}],
    [['x', 1], {}],
    ['a\0b', {}],
    [new URL('https://x.test/'), {}],
    ['x', { timeout: 'soon' }],
    ['x', { env: { A: 1 } }],
    ['x', { env: { A: 'a\0' } }],
    ['x', { environ: 'REMOTE_USER=ada' }],
    ['x', { maxProcesses: 0 }],
    ['x', { timout: 1 }],
  ])('are checked: %o, %o', (path, options) => {
    // Possible in JavaScript.
    expect(() => fromCgi(path as string, options)).toThrow(/Program must|Option /);
  });
});
