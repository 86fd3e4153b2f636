/** CGI programs that tests write into a folder of their own, and servers that run them. */
import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach } from 'vitest';
import { type FromCgiOptions, fromCgi } from '../../../bridges/cgi/index.ts';
import type { Application } from '../../../src/index.ts';
import { createServer } from '../../../src/server/index.ts';
import { validate } from '../../../src/validate/index.ts';

/** The folder of the programs. */
export const folder: string = realpathSync(mkdtempSync(join(tmpdir(), 'gatebridge-cgi-')));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a program, and gives its path. A source without `#!` is one of the shell. */
export function program(name: string, source: string): string {
  const path = join(folder, name);
  writeFileSync(path, source.startsWith('#!') ? source : `#!/bin/sh\n${source}`);
  chmodSync(path, 0o755);
  return path;
}

/** A running server, and what its applications have logged. */
export interface Served {
  readonly url: string;
  readonly port: number;
  log(): string;
}

const servers: { shutdown(options: { timeout: number }): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.shutdown({ timeout: 100 });
});

/** Serves an application. */
export async function serve(application: Application): Promise<Served> {
  let log = '';
  const write = (text: string): void => {
    log += text;
  };
  const errors = { write, writelines: (lines: Iterable<string>) => [...lines].forEach(write), flush() {} };
  const server = createServer(application, { environ: { 'wsgi.errors': errors } });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, log: () => log };
}

/** Writes a program and serves it, under the validator. */
export function serveProgram(name: string, source: string, options: FromCgiOptions = {}): Promise<Served> {
  return serve(validate(fromCgi(program(name, source), options)));
}
