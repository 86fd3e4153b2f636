/**
 * What must be there before anything is measured: the peers, the package as its users get it, and the programs.
 *
 * Each run compiles the package and its own programs to a folder of its own, where `import 'gatebridge'` of the servers
 * finds it: they load what would be published, and neither a build nor another run beside it changes what is measured.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

const BENCH = import.meta.dirname;
const ROOT = join(BENCH, '..');
const MODULES = join(BENCH, 'node_modules');
const RUNS = join(BENCH, 'dist');

/** What this run needs and nobody after it; gone with it. */
export const RUN_FOLDER: string = join(RUNS, String(process.pid));

/** Installs what is missing or old, and compiles. */
export function prepare(): void {
  // npm writes the one when it has installed what the other says.
  if (timeOf(join(MODULES, '.package-lock.json')) < timeOf(join(BENCH, 'package-lock.json'))) {
    run('npm', ['ci', '--no-audit', '--no-fund'], BENCH);
  }
  const target = join(RUN_FOLDER, 'node_modules/gatebridge');
  mkdirSync(target, { recursive: true });
  process.once('exit', () => rmSync(RUN_FOLDER, { recursive: true, force: true }));
  removeLeftovers();
  cpSync(join(ROOT, 'package.json'), join(target, 'package.json'));
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  run(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', join(target, 'dist')], ROOT);
  run(process.execPath, [compiler, '-p', BENCH, '--outDir', RUN_FOLDER], ROOT);
}

/** The path of one of our programs, such as `loads/idle`. */
export function programPath(name: string): string {
  return join(RUN_FOLDER, `${name}.js`);
}

/** A run that was killed leaves its folder behind. */
function removeLeftovers(): void {
  for (const name of readdirSync(RUNS)) {
    try {
      process.kill(Number(name), 0);
    } catch {
      rmSync(join(RUNS, name), { recursive: true, force: true });
    }
  }
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
  const line = [command, ...args].map((word) => basename(word)).join(' ');
  throw error ?? new Error(`${line}: ended with ${status ?? signal}\n${stdout}`);
}
