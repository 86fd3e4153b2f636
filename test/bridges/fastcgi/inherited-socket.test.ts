/** serveFastCgi at a socket that somebody else has opened: spawn-fcgi, lighttpd, Apache's mod_fcgid, systemd, and this test. */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type ServeFastCgiOptions, serveFastCgi } from '../../../bridges/fastcgi/index.ts';
import type { ResponderAddress } from '../../../bridges/fastcgi/responder-connection.ts';
import { compiledPackage } from '../../cli/compiled.ts';
import { requirePeer } from '../../support/peer.ts';
import { serveFrom } from './responders.ts';

/** Made while the file is loaded: a build may take longer than a test may. */
const PACKAGE = compiledPackage();

const PROGRAM = join(import.meta.dirname, 'inherited-program.js');

const children: ChildProcess[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatebridge-fastcgi-'));
  folders.push(folder);
  chmodSync(folder, 0o755);
  return folder;
}

function run(words: readonly string[], stdio: StdioOptions = ['ignore', 'inherit', 'inherit']): ChildProcess {
  const [program = '', ...rest] = words;
  const child = spawn(program, rest, { stdio, env: { PATH: process.env.PATH } });
  children.push(child);
  return child;
}

async function listening(place: string | number): Promise<Server> {
  const server = createServer();
  if (typeof place === 'string') server.listen(place);
  else server.listen(place, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function freePort(): Promise<number> {
  const probe = await listening(0);
  // It listens on TCP.
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Asks until the answer is the program's, which takes its time to start. */
async function answerOf(url: string): Promise<string> {
  for (let tries = 0; ; tries += 1) {
    const response = await fetch(`${url}/there`).catch(() => undefined);
    if (response?.ok || tries === 200) return `${await response?.text()}`;
    await response?.text();
    await delay(50);
  }
}

describe('serveFastCgi({ fd })', () => {
  it.each<[string, number, (folder: string) => string | number]>([
    ['a unix socket', 0, (folder) => join(folder, 'app.sock')],
    ['a TCP port', 0, () => 0],
    ['a unix socket', 3, (folder) => join(folder, 'app.sock')],
    ['a TCP port', 3, () => 0],
  ])('answers at %s that it has inherited as descriptor %i', async (_name, descriptor, placeIn) => {
    const place = placeIn(makeFolder());
    const opened = await listening(place);
    const { port } = typeof place === 'string' ? { port: 0 } : (opened.address() as AddressInfo); // TCP
    // A private part of node: what the system knows the socket by.
    const { fd } = Reflect.get(opened, '_handle') as { fd: number };
    const stdio: StdioOptions =
      descriptor === 0 ? [fd, 'inherit', 'inherit'] : ['ignore', 'inherit', 'inherit', fd];
    const child = run([process.execPath, PROGRAM, PACKAGE, `${descriptor}`], stdio);
    // Whoever closes a unix socket removes its path, and here both processes listen until this one stops.
    const kept = `${place}.kept`;
    if (typeof place === 'string') renameSync(place, kept);
    opened.close();
    const { url } = await serveFrom(typeof place === 'string' ? { path: kept } : { port });
    expect(await answerOf(url)).toBe('GET /there');
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  it('answers when spawn-fcgi has started it', async (context) => {
    const program = requirePeer(context, '/usr/bin/spawn-fcgi', 'spawn-fcgi');
    const path = join(makeFolder(), 'app.sock');
    run([program, '-s', path, '-n', '--', process.execPath, PROGRAM, PACKAGE]);
    const { url } = await serveFrom({ path });
    expect(await answerOf(url)).toBe('GET /there');
  });

  it.for<[string, (folder: string, port: number) => ResponderAddress]>([
    ['a unix socket', (folder) => ({ path: join(folder, 'app.sock') })],
    ['a TCP port', (_folder, port) => ({ port })],
  ])('answers when systemd has started it for the first client at %s', async ([, placeIn], context) => {
    const program = requirePeer(context, '/usr/bin/systemd-socket-activate', 'systemd');
    const place = placeIn(makeFolder(), await freePort());
    const listen = place.path ?? `127.0.0.1:${place.port}`;
    const daemon = run([program, '-l', listen, process.execPath, PROGRAM, PACKAGE, '3']);
    const { url } = await serveFrom(place);
    expect(await answerOf(url)).toBe('GET /there');
    // systemd-socket-activate becomes the program at the first connection.
    const ended = once(daemon, 'exit');
    daemon.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  it('answers when mod_fcgid of Apache has started it', async (context) => {
    const program = requirePeer(context, '/usr/sbin/apache2', 'apache2');
    const module = requirePeer(context, '/usr/lib/apache2/modules/mod_fcgid.so');
    const folder = makeFolder();
    const port = await freePort();
    const wrapper = join(folder, 'app.fcgi');
    writeFileSync(wrapper, `#!/bin/sh\nexec ${process.execPath} ${PROGRAM} ${PACKAGE}\n`, { mode: 0o755 });
    const settings = join(folder, 'apache.conf');
    const modules = ['mpm_event', 'authz_core', 'alias'];
    writeFileSync(
      settings,
      `${modules.map((one) => `LoadModule ${one}_module /usr/lib/apache2/modules/mod_${one}.so`).join('\n')}
LoadModule fcgid_module ${module}
ServerRoot ${folder}
ServerName 127.0.0.1
PidFile ${folder}/apache.pid
Listen 127.0.0.1:${port}
ErrorLog ${folder}/error.log
FcgidIPCDir ${folder}/sockets
FcgidProcessTableFile ${folder}/processes
FcgidMaxProcesses 1
ScriptAlias / ${wrapper}/
<Directory ${folder}>
  SetHandler fcgid-script
  Options +ExecCGI
  Require all granted
</Directory>
`,
    );
    const server = run([program, '-D', 'FOREGROUND', '-f', settings]);
    expect(await answerOf(`http://127.0.0.1:${port}`)).toBe('GET /there');
    const ended = once(server, 'exit');
    server.kill('SIGTERM');
    await ended;
  });

  it('answers when lighttpd has started it', async (context) => {
    const program = requirePeer(context, '/usr/sbin/lighttpd', 'lighttpd');
    const folder = makeFolder();
    const path = join(folder, 'app.sock');
    const port = await freePort();
    const settings = join(folder, 'lighttpd.conf');
    const command = `${process.execPath} ${PROGRAM} ${PACKAGE}`;
    writeFileSync(
      settings,
      `server.document-root = "${folder}"
server.bind = "127.0.0.1"
server.port = ${port}
server.modules = ("mod_fastcgi")
server.errorlog = "${folder}/error.log"
fastcgi.server = ("/" => (("socket" => "${path}", "bin-path" => "${command}", "max-procs" => 1,
  "check-local" => "disable", "fix-root-scriptname" => "enable")))
`,
    );
    const server = run([program, '-D', '-f', settings]);
    expect(await answerOf(`http://127.0.0.1:${port}`)).toBe('GET /there');
    const ended = once(server, 'exit');
    server.kill('SIGTERM');
    await ended;
    // lighttpd tells the program to end.
    await expect.poll(() => isServed(`${path}-0`), { timeout: 10_000 }).toBe(false);
  });

  it('refuses descriptors of other things', async () => {
    const file = openSync(import.meta.filename, 'r');
    try {
      for (const fd of [file, 9_999]) {
        await expect(serveFastCgi(() => [], { fd })).rejects.toThrow(
          `Option fd: descriptor ${fd} is no listening socket`,
        );
      }
    } finally {
      closeSync(file);
    }
  });

  it.each<[ServeFastCgiOptions]>([
    [{}],
    [{ fd: 3, port: 0 }],
    [{ fd: 3, path: '/x' }],
    [{ port: 0, path: '/x' }],
  ])('wants one place to listen at, unlike %j', async (options) => {
    await expect(serveFastCgi(() => [], options)).rejects.toThrow('one of path');
  });
});

it('takes connections from FCGI_WEB_SERVER_ADDRS only', async () => {
  const outcomes: string[] = [];
  for (const addresses of ['192.0.2.1,127.0.0.1', '192.0.2.1']) {
    vi.stubEnv('FCGI_WEB_SERVER_ADDRS', addresses);
    const server = await serveFastCgi(
      (_environ, startResponse) => {
        startResponse('200 OK', [['Content-Type', 'a/b']]);
        return [Buffer.from('Hello')];
      },
      { port: 0 },
    );
    vi.unstubAllEnvs();
    // It listens on TCP.
    const { url } = await serveFrom({ port: (server.address() as AddressInfo).port });
    const response = await fetch(url);
    outcomes.push(`${response.status}`);
    await response.text();
    await server.close();
  }
  expect(outcomes).toEqual(['200', '502']);
});

function isServed(path: string): Promise<boolean> {
  if (!existsSync(path)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
