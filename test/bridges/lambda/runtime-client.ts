/**
 * Runs handlers in the runtime client that Lambda itself runs them in (`aws-lambda-ric` of npm), over a Runtime API of our own.
 *
 * The client is no dependency, because its native half is compiled when it is installed. The half in JavaScript is all that a
 * handler sees; `npm run tour` builds the other one, too.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestContext } from 'vitest';
import { compiledPackage } from '../../cli/compiled.ts';
import { RuntimeApi } from './runtime-api.ts';

/** The native half is built. */
const IS_TOUR = process.env.TOUR !== undefined;
const ROOT = join(import.meta.dirname, '../../..');
const run = promisify(execFile);

/** The versions of the client: of the runtimes up to Node 22, and of the later ones. */
export const CLIENT_VERSIONS: readonly string[] = ['3.3.0', '4.0.2'];

/** The file that each version begins with. */
const ENTRIES: Readonly<Record<string, string>> = { '3.3.0': 'bin/index.mjs', '4.0.2': 'index.mjs' };
/** The folder of the native half. */
const NATIVE: Readonly<Record<string, string>> = { '3.3.0': 'dist', '4.0.2': '.' };

const folders: string[] = [];
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatebridge-lambda-'));
  folders.push(folder);
  return folder;
}

/** Gives the folder of a version of the client, from npm. The test fails in CI if there is no registry, and is skipped elsewhere. */
export async function installClient(context: TestContext, version: string): Promise<string> {
  const folder = makeFolder();
  try {
    if (IS_TOUR) {
      await run('npm', ['install', '--no-audit', '--no-fund', `aws-lambda-ric@${version}`], { cwd: folder });
      return join(folder, 'node_modules/aws-lambda-ric');
    }
    const client = join(folder, 'node_modules/aws-lambda-ric');
    await unpack(`aws-lambda-ric@${version}`, client);
    await unpack('@aws/lambda-invoke-store@0.2.2', join(folder, 'node_modules/@aws/lambda-invoke-store'));
    writeFileSync(join(client, NATIVE[version] ?? '.', 'rapid-client.node'), '');
    return client;
  } catch (error) {
    if (process.env.CI === 'true') throw error;
    const reason = `aws-lambda-ric ${version} cannot be installed: ${error}`;
    console.warn(`Skipped ${context.task.name}: ${reason}`);
    return context.skip(reason);
  }
}

async function unpack(name: string, folder: string): Promise<void> {
  const packed = makeFolder();
  const { stdout } = await run('npm', ['pack', '--silent', '--prefer-offline', name], { cwd: packed });
  mkdirSync(folder, { recursive: true });
  await run('tar', ['xzf', join(packed, stdout.trim()), '-C', folder, '--strip-components=1']);
}

/** A runtime that runs one handler. */
export interface Runtime {
  readonly api: RuntimeApi;
  readonly process: ChildProcess;
  /** What it has written. */
  log(): string;
  stop(): Promise<void>;
}

/** Starts a client with a handler of runtime-program.mjs. */
export async function startRuntime(client: string, version: string, handler: string): Promise<Runtime> {
  const task = makeFolder();
  copyFileSync(join(import.meta.dirname, 'runtime-program.mjs'), join(task, 'program.mjs'));
  mkdirSync(join(task, 'node_modules'));
  symlinkSync(compiledPackage(), join(task, 'node_modules/gatebridge'));
  for (const name of ['express', 'fastify'])
    symlinkSync(join(ROOT, 'node_modules', name), join(task, 'node_modules', name));
  const api = new RuntimeApi();
  const preload = IS_TOUR ? [] : ['--require', join(import.meta.dirname, 'runtime-transport.cjs')];
  const child = spawn(
    process.execPath,
    [...preload, join(client, ENTRIES[version] ?? ''), `program.${handler}`],
    {
      cwd: task,
      env: {
        PATH: process.env.PATH ?? '',
        AWS_LAMBDA_RUNTIME_API: await api.listen(),
        AWS_LAMBDA_FUNCTION_NAME: 'shop',
        AWS_LAMBDA_FUNCTION_VERSION: '1',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1769',
        AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/shop',
        AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
        _HANDLER: `program.${handler}`,
        LAMBDA_TASK_ROOT: task,
      },
    },
  );
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      log += text;
    });
  child.once('close', (code) => api.fail(new Error(`The runtime ended with ${code}:\n${log}`)));
  return {
    api,
    process: child,
    log: () => log,
    async stop() {
      if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'close');
      await api.close();
    },
  };
}
