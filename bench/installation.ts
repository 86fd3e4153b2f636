/**
 * Installs the peers, and compiles the package and the programs of the benchmark.
 *
 * Each run compiles to its own folder, where the servers' `import 'gatebridge'` finds the package. They load what
 * would be published, and no other build or run changes it meanwhile.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { compilerOf, readServerName } from './checkouts.ts';

const BENCH = import.meta.dirname;
const ROOT = join(BENCH, '..');
const MODULES = join(BENCH, 'node_modules');
const RUNS = join(BENCH, 'dist');

/** The folder of this run, which is removed at its end. */
export const RUN_FOLDER: string = join(RUNS, String(process.pid));
/** The same programs, beside the package of the other checkout. */
const OTHER_FOLDER = join(RUN_FOLDER, 'other');

/**
 * Installs what is missing or old, and compiles.
 *
 * @param against The folder of another checkout, which is compiled too; nothing is written there
 */
export function prepare(against?: string): void {
  // npm writes .package-lock.json when it has installed package-lock.json.
  if (timeOf(join(MODULES, '.package-lock.json')) < timeOf(join(BENCH, 'package-lock.json'))) {
    run('npm', ['ci', '--no-audit', '--no-fund'], BENCH);
  }
  mkdirSync(RUN_FOLDER, { recursive: true });
  process.once('exit', () => rmSync(RUN_FOLDER, { recursive: true, force: true }));
  removeLeftovers();
  compile(ROOT, RUN_FOLDER);
  if (against !== undefined) compile(against, OTHER_FOLDER);
}

/** Compiles the package of a checkout and, beside it, the programs of this one. */
function compile(checkout: string, folder: string): void {
  const target = join(folder, 'node_modules/gatebridge');
  mkdirSync(target, { recursive: true });
  cpSync(join(checkout, 'package.json'), join(target, 'package.json'));
  build(checkout, join(target, 'dist'));
  run(process.execPath, [compilerOf(ROOT), '-p', BENCH, '--outDir', folder], ROOT);
  cpSync(join(ROOT, 'test/support/tls'), join(folder, 'tls'), { recursive: true });
}

/** Builds what would be published. */
function build(checkout: string, folder: string): void {
  const script = join(checkout, 'scripts/build.ts');
  if (existsSync(script)) {
    const loader = join(ROOT, 'node_modules/tsx/dist/loader.mjs');
    run(process.execPath, ['--import', loader, script, '--code-only', '--out', folder], checkout);
    return;
  }
  // An older checkout publishes what tsc makes.
  run(process.execPath, [compilerOf(checkout), '-p', 'tsconfig.build.json', '--outDir', folder], checkout);
  const worker = 'bridges/python/gatebridge_worker.py';
  if (existsSync(join(checkout, worker))) cpSync(join(checkout, worker), join(folder, worker));
}

/** The path of one of our programs, such as `loads/idle`. */
export function programPath(name: string): string {
  return join(RUN_FOLDER, `${name}.js`);
}

/** The command that runs a server by its name, without Node. */
export function serverCommand(name: string): [path: string, contender: string] {
  const { contender, isOther } = readServerName(name);
  return [join(isOther ? OTHER_FOLDER : RUN_FOLDER, 'servers/program.js'), contender];
}

/** Removes the folders of runs that were killed. */
function removeLeftovers(): void {
  for (const name of readdirSync(RUNS)) {
    try {
      process.kill(Number(name), 0);
    } catch {
      rmSync(join(RUNS, name), { recursive: true, force: true });
    }
  }
}

/** Finds the binary of a version of Node, so that npx runs once and is not measured. */
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

/** Time of modification in milliseconds; 0 if the file is missing. */
function timeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Runs a program and returns its output. */
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
