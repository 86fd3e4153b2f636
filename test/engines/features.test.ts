/** What hosts and bridges offer beyond an exchange works on Bun and Deno, or says plainly that it does not. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PYTHON } from '../bridges/python/places.ts';
import { requirePeer } from '../support/peer.ts';
import { ENGINES } from './engines.ts';

const ROOT = join(import.meta.dirname, '../..');

/** A part of what each host must give. */
const EXPECTED: Readonly<Record<string, string | RegExp>> = {
  'early hints': /103 Early Hints\r\nLink: <\/a>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK/,
  'interim responses': /102 Processing\r\nX-Step: 1\r\n\r\nHTTP\/1\.1 200 OK/,
  'trailers of responses': /\r\n0\r\nX-End: yes\r\n\r\n$/,
  'trailers of requests': '[["X-End","yes"]]',
  '100 (Continue)': /^HTTP\/1\.1 100 Continue.*abc end/s,
  'half-closed client': /200 OK.*end$/s,
  'event upgrade': /101 Switching Protocols.*end$/s,
  proxyProtocol: '192.0.2.9 end',
  'unix socket': /200 OK.*Hello/s,
  // The audits of TLS use one.
  'tls with a shared key': /^threw TypeError: Option tls\.pskCallback .* (?:Bun|Deno)/,
  'HTTP/2 behind toNode': 'Hello',
  'serveFastCgi and fromFastCgi': /200 OK.*Hello/s,
  fromCgi: /200 OK.*abc.*end/s,
  runCgi: /Status: 200 OK.*ada of \/x code 0$/s,
  fromPython: /200 OK.*"REQUEST_METHOD": "GET"/s,
  fd: /200 OK.*Hello/s,
};

describe.each(ENGINES)('on $name', ({ program, run }) => {
  it('works or says that it does not', { timeout: 120_000 }, async (context) => {
    requirePeer(context, program);
    requirePeer(context, PYTHON);
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    // A private part of node: what the system knows the socket by.
    const { fd } = Reflect.get(server, '_handle') as { fd: number };
    const words = [...run, join(import.meta.dirname, 'feature-program.ts')];
    const child = spawn(program, words, {
      cwd: ROOT,
      env: { ...process.env, ENGINE_RUN: run.join(' ') },
      stdio: ['ignore', 'pipe', 'inherit', fd],
    });
    // Otherwise some connections come here.
    server.close();
    let stdout = '';
    child.stdout?.on('data', (octets: Buffer) => {
      stdout += octets;
    });
    await once(child, 'close');
    const outcomes: Record<string, string[]> = {};
    for (const line of stdout.split('\n').filter((one) => one.startsWith('{"name"'))) {
      const { name, outcome }: { name: string; outcome: string[] } = JSON.parse(line);
      outcomes[name] = outcome;
    }
    expect(Object.keys(outcomes)).toEqual(Object.keys(EXPECTED));
    for (const [name, part] of Object.entries(EXPECTED))
      for (const outcome of outcomes[name] ?? []) expect(outcome, name).toMatch(part);
  });
});
