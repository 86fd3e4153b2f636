/**
 * What must be there before anything is measured: the peers, the package as its users get it, and the programs.
 *
 * The package is compiled to where `import 'gatebridge'` of the servers finds it: they load the files that would be
 * published, and a build that goes on beside a run does not change what is measured.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

const BENCH = import.meta.dirname;
const ROOT = join(BENCH, '..');
const MODULES = join(BENCH, 'node_modules');

/** Installs and builds what is missing or old. */
export function prepare(): void {
  // npm writes the one when it has installed what the other says.
  if (timeOf(join(MODULES, '.package-lock.json')) < timeOf(join(BENCH, 'package-lock.json'))) {
    run('npm', ['ci', '--no-audit', '--no-fund'], BENCH);
  }
  const target = join(MODULES, 'gatebridge');
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  cpSync(join(ROOT, 'package.json'), join(target, 'package.json'));
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  run(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', join(target, 'dist')], ROOT);
  run(process.execPath, [compiler, '-p', BENCH], ROOT);
}

/** The binary of a version of Node; npm's process is not to be measured, so that it is looked up once. */
export function findNode(version: string): string {
  if (`${process.version}.`.startsWith(`v${version}.`)) return process.execPath;
  const script = 'process.stdout.write(process.execPath)';
  const args = ['--yes', '--package', `node@${version}`, 'node', '-e', script];
  try {
    return run('npx', args, ROOT);
  } catch (error) {
    throw new Error(`Node ${version} cannot be installed from npm's package node`, { cause: error });
  }
}

/** Milliseconds; nothing is older than what is missing. */
function timeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Runs a program and gives what it prints. */
function run(command: string, args: readonly string[], folder: string): string {
  const { status, signal, stdout, error } = spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status === 0) return stdout;
  throw new Error(`${command} has ended with ${status ?? signal}\n${stdout ?? ''}`, { cause: error });
}
