/** The files of examples/deployment, held against the programs that read them; systemd's sockets and notifications. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { validate as lintDockerfile } from 'dockerfile-utils';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { requirePeer } from '../support/peer.ts';
import { Command, HELLO, projectFolder } from './command.ts';

vi.setConfig({ testTimeout: 60_000 });

const EXAMPLES = join(import.meta.dirname, '../../examples/deployment');
const MODULES = join(import.meta.dirname, '../../node_modules');
const run = promisify(execFile);

/** Reads one of the examples. */
const example = (name: string): string => readFileSync(join(EXAMPLES, name), 'utf8');

/** One document of a manifest. */
interface KubernetesDocument {
  readonly apiVersion: string;
  readonly kind: string;
}

function readDocuments(text: string): KubernetesDocument[] {
  return parseAllDocuments(text).map((document): KubernetesDocument => document.toJSON());
}

/** Writes a document as a line of TypeScript that the types of the API check: they know every field. */
function declare({ apiVersion, kind, ...fields }: KubernetesDocument, index: number): string {
  const types = join(MODULES, 'kubernetes-models', apiVersion, `${kind}.js`);
  const value = JSON.stringify({ apiVersion, kind, ...fields });
  return `export const of${kind}${index}: import(${JSON.stringify(types)}).I${kind} = ${value};`;
}

/** Gives what the compiler says of a module. */
async function compile(lines: readonly string[]): Promise<string> {
  const folder = projectFolder({ 'module.ts': lines.join('\n') });
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--types', ''];
  const compiler = join(MODULES, 'typescript/bin/tsc');
  return run(process.execPath, [compiler, ...flags, join(folder, 'module.ts')], { cwd: folder }).then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  );
}

describe('examples/deployment', () => {
  it('gatebridge.service and gatebridge.socket are sound for systemd', async (context) => {
    const program = requirePeer(context, 'systemd-analyze');
    const folder = projectFolder({});
    mkdirSync(join(folder, 'node_modules/.bin'));
    writeFileSync(join(folder, 'node_modules/.bin/gatebridge'), '#!/bin/sh\n', { mode: 0o755 });
    for (const kind of ['service', 'socket'])
      writeFileSync(
        join(folder, `shop.${kind}`),
        example(`gatebridge.${kind}`).replaceAll('/srv/shop', folder),
      );
    const { stdout, stderr } = await run(program, ['verify', '--man=no', join(folder, 'shop.service')], {
      env: { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:` },
    });
    // What it says of other units of this machine is not ours.
    expect(`${stdout}${stderr}`.split('\n').filter((line) => line.includes('shop'))).toEqual([]);
  });

  it('nginx.conf is sound for nginx', async (context) => {
    const program = requirePeer(context, 'nginx');
    const folder = projectFolder({});
    const conf = join(folder, 'nginx.conf');
    const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${folder}/${name};`,
    );
    const http = `access_log off; ${temp.join(' ')} ${example('nginx.conf').replace('listen 80', 'listen 127.0.0.1:8080')}`;
    writeFileSync(conf, `pid ${folder}/pid; error_log ${folder}/log; events {} http { ${http} }`);
    const { stderr } = await run(program, ['-t', '-p', folder, '-e', join(folder, 'log'), '-c', conf]);
    expect(stderr).toContain('test is successful');
    expect(stderr).not.toContain('[warn]');
  });

  it('haproxy.cfg is sound for HAProxy', async (context) => {
    const program = requirePeer(context, 'haproxy');
    const { stdout, stderr } = await run(program, ['-c', '-f', join(EXAMPLES, 'haproxy.cfg')]);
    expect(`${stdout}${stderr}`).not.toMatch(/WARNING|ALERT/);
  });

  it('the Dockerfile is sound for its linter', () => {
    expect(lintDockerfile(example('Dockerfile'))).toEqual([]);
    expect(lintDockerfile(example('Dockerfile').replace('USER', 'USRE'))).not.toEqual([]);
  });

  it('kubernetes.yaml has only fields of the API, with values of their types', async () => {
    const documents = readDocuments(example('kubernetes.yaml'));
    expect(documents.map(({ kind }) => kind)).toEqual(['Deployment', 'Service']);
    const lines = documents.map(declare);
    // Mistakes that the types shall see.
    for (const [index, [right, wrong]] of [
      ['readinessProbe:', 'readynessProbe:'],
      ['maxSurge: 1', 'maxSurge: true'],
      ['targetPort:', 'toPort:'],
    ].entries()) {
      const mistaken = readDocuments(example('kubernetes.yaml').replace(right ?? '', wrong ?? ''));
      const line = mistaken
        .map((document) => declare(document, index + 1))
        .find((line) => line.includes(wrong?.split(':')[0] ?? ''));
      lines.push('// @ts-expect-error', line ?? '');
    }
    expect(await compile(lines)).toBe('');
  });

  it.each(['Dockerfile', 'kubernetes.yaml', 'gatebridge.service', 'haproxy.cfg', 'nginx.conf'])(
    'the flags of %s are known to the command',
    async (name) => {
      const flags = example(name).match(/(?<=[\s"])--[a-z][a-z-]+/g) ?? [];
      const help = new Command(['--help-all'], { folder: projectFolder({}) });
      await help.exit;
      expect(
        flags.filter((flag) => !/^--(from|omit|mount)$/.test(flag) && !help.stdout.includes(`${flag} `)),
      ).toEqual([]);
    },
  );

  it('the arguments of the Dockerfile serve', async () => {
    const [, list = ''] = /^CMD (.*)$/m.exec(example('Dockerfile')) ?? [];
    const args: string[] = JSON.parse(
      list.replace('0.0.0.0:8080', '127.0.0.1:0').replace('0.0.0.0:9090', '127.0.0.1:0'),
    );
    const folder = projectFolder({ 'app.js': HELLO });
    const command = new Command(args, { folder });
    expect(await (await fetch(await command.url())).text()).toBe('Hello from the root/');
  });
});

/** Runs the command with an inherited listening socket, as systemd does. */
const ACTIVATE = `
import os, socket, sys
listener = socket.socket()
listener.bind(('127.0.0.1', 0))
listener.listen(64)
print(listener.getsockname()[1], flush=True)
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ['LISTEN_PID'] = str(os.getpid())
os.environ['LISTEN_FDS'] = '1'
os.execvp(sys.argv[1], sys.argv[1:])
`;

/** Receives the datagrams of sd_notify. */
const RECEIVE = `
import socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print('bound', flush=True)
while True:
    print(receiver.recv(4096).decode(), flush=True)
`;

function background(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): ChildProcess & { text: string } {
  const child = Object.assign(spawn(program, [...args], options), { text: '' });
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (child.text += text));
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

const eventually = (read: () => unknown) => expect.poll(read, { timeout: 20_000, interval: 50 });

describe('systemd', () => {
  it.each([[[]], [['--workers', '2']]])('gives a listening socket: %j', async (args) => {
    const folder = projectFolder({ 'app.js': HELLO });
    const script = join(folder, 'node_modules/gatebridge/dist/src/cli/main.js');
    const child = background('python3', ['-c', ACTIVATE, process.execPath, script, 'app.js', ...args], {
      cwd: folder,
    });
    await eventually(() => child.text).toMatch(/Ctrl\+C to stop/);
    const port = /^\d+/.exec(child.text)?.[0];
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('Hello from the root/');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('hears of READY, RELOADING, WATCHDOG and STOPPING', async (context) => {
    requirePeer(context, 'systemd-notify');
    const folder = projectFolder({ 'app.js': HELLO });
    const socket = join(folder, 'notify');
    const receiver = background('python3', ['-c', RECEIVE, socket]);
    await eventually(() => receiver.text).toContain('bound');
    const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1000000' };
    const command = new Command(['app.js', '-w', '1', '-p', '0'], { folder, env });
    await eventually(() => receiver.text).toMatch(new RegExp(`READY=1[\\s\\S]*MAINPID=${command.pid}`));
    await eventually(() => receiver.text).toContain('WATCHDOG=1');
    command.kill('SIGHUP');
    await eventually(() => receiver.text).toMatch(/RELOADING=1[\s\S]*READY=1/);
    command.kill('SIGTERM');
    await eventually(() => receiver.text).toContain('STOPPING=1');
    await command.exit;
  });

  it('is told once in the log that the program for it is missing', async () => {
    const folder = projectFolder({ 'app.js': HELLO });
    const env = { NOTIFY_SOCKET: join(folder, 'notify'), WATCHDOG_USEC: '400000', PATH: folder };
    const command = new Command(['app.js', '-p', '0'], { folder, env });
    await command.says(/the program systemd-notify is missing/);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(command.stderr.match(/systemd-notify/g)).toHaveLength(1);
  });
});
