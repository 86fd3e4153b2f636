/**
 * What must be there before anything is measured: the peers, the package as its users get it, and the programs.
 *
 * The package is built and put where `import 'gatebridge'` of the servers finds it: they load the compiled files that
 * would be published, and a build that goes on beside a run does not change what is measured.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const BENCH = import.meta.dirname;
const ROOT = join(BENCH, '..');
const MODULES = join(BENCH, 'node_modules');

/** Installs and builds what is missing or old. */
export function prepare(): void {
  if (!existsSync(join(MODULES, 'express'))) run('npm', ['ci', '--no-audit', '--no-fund'], BENCH);
  run('npm', ['run', '--silent', 'build'], ROOT);
  const target = join(MODULES, 'gatebridge');
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  for (const name of ['package.json', 'dist']) {
    cpSync(join(ROOT, name), join(target, name), { recursive: true });
  }
  run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', BENCH], ROOT);
}

/** The binary of a version of Node; npm's process is not to be measured, so that it is looked up once. */
export function findNode(version: string | undefined): string {
  if (version === undefined) return process.execPath;
  const script = 'process.stdout.write(process.execPath)';
  return run('npx', ['--yes', '--package', `node@${version}`, 'node', '-e', script], ROOT);
}

function run(command: string, args: readonly string[], folder: string): string {
  const { status, stdout, error } = spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} has failed\n${stdout}`, { cause: error });
  return stdout;
}
