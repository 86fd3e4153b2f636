/**
 * Runs the suite of a checkout once, on node:http or on our server, in child processes.
 *
 * Mocha's reporter writes lines to a file, node:test writes TAP to its output. Both report each test at once, so that
 * a process that dies or hangs leaves its results so far.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Engine } from '../engines/engines.ts';
import type { SuiteProfile } from './suite-profile.ts';
import { parseTap } from './tap.ts';
import type { SuiteRun, TestResult } from './test-result.ts';

const PRELOAD = join(import.meta.dirname, 'preload');
const SERVERS = join(PRELOAD, 'servers.cjs');

export interface RunOptions {
  /** The checkout. */
  readonly folder: string;
  readonly profile: SuiteProfile;
  readonly files: readonly string[];
  /** A build of ours; without it the suite runs on node:http. */
  readonly build?: string | undefined;
  /** Names of tests that are not run. */
  readonly skipped?: readonly string[];
  /** Processes at once. */
  readonly jobs?: number;
  /** The runtime of the suite. @default this node */
  readonly engine?: Engine | undefined;
}

/** Lists the files of a suite, relative to the checkout. */
export function listFiles(folder: string, profile: SuiteProfile, match = /(?:)/): string[] {
  const { folders, pattern, deep = false, list } = profile;
  if (list !== undefined) {
    const { files }: { files: string[] } = JSON.parse(
      readFileSync(join(import.meta.dirname, 'files', list), 'utf8'),
    );
    return files.filter((file) => match.test(file) && existsSync(join(folder, file)));
  }
  return folders
    .filter((name) => existsSync(join(folder, name)))
    .flatMap((name) =>
      readdirSync(join(folder, name), { recursive: deep, encoding: 'utf8' })
        .filter((file) => pattern.test(file) && !file.includes('node_modules'))
        .map((file) => join(name, file)),
    )
    .filter((file) => match.test(file))
    .sort();
}

/**
 * Runs files of a suite.
 *
 * @throws Error if a process of a suite that is not isolated reports no test
 */
export async function runSuite(options: RunOptions): Promise<SuiteRun> {
  const { files, profile, jobs = 2 } = options;
  const queue = profile.isolated === true ? files.map((file) => [file]) : [[...files]];
  const runs: SuiteRun[] = [];
  const work = async () => {
    for (let batch = queue.shift(); batch !== undefined; batch = queue.shift()) {
      runs.push(await runProcess(options, batch));
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  const order = new Map(files.map((file, index) => [file, index]));
  return {
    tests: runs
      .flatMap(({ tests }) => tests)
      .sort((one, other) => (order.get(one.file) ?? 0) - (order.get(other.file) ?? 0)),
    servers: sum(runs, 'servers'),
    ours: sum(runs, 'ours'),
    cutOff: runs.flatMap(({ cutOff }) => cutOff),
  };
}

async function runProcess(options: RunOptions, files: readonly string[]): Promise<SuiteRun> {
  const { folder, profile, build = '', skipped = [], engine } = options;
  const scratch = mkdtempSync(join(tmpdir(), 'gatebridge-suite-'));
  const results = join(scratch, 'results.jsonl');
  writeFileSync(results, '');
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    ...(engine === undefined ? { NODE_OPTIONS: `--require ${JSON.stringify(SERVERS)}` } : {}),
    SUITE_BUILD: build,
    SUITE_RUNNER: profile.runner,
    SUITE_INJECT: profile.inject ?? '',
    SUITE_SKIP: JSON.stringify(skipped),
    SUITE_RESULTS: results,
  };
  delete environment.NODE_TEST_CONTEXT;
  // Deno takes files without a type for ES modules otherwise.
  const detecting = engine?.name === 'Deno' ? ['--unstable-detect-cjs'] : [];
  const preload = engine === undefined ? [] : [...engine.run, ...detecting, '--preload', SERVERS];
  const words = [...preload, ...commandLine(options, files)];
  const child = spawn(engine?.program ?? process.execPath, words, {
    cwd: folder,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (profile.runner === 'node') output += text;
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2000);
  });
  let isCutOff = false;
  const limit = setTimeout(() => {
    isCutOff = true;
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 2000).unref();
  }, profile.limit * 1000);
  await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(limit);
  const told = readFileSync(results, 'utf8');
  rmSync(scratch, { recursive: true, force: true });
  const tap = parseTap(output, files[0] ?? '');
  const run = readResults(told, tap, isCutOff ? files : []);
  if (run.tests.length === 0 && profile.isolated !== true) {
    throw new Error(`Suite told of no test:\n${complaint}`);
  }
  return run;
}

function commandLine({ folder, profile }: RunOptions, files: readonly string[]): string[] {
  const { runner, options = [] } = profile;
  if (runner === 'node') {
    return ['--test-reporter=tap', ...options, ...files];
  }
  const manifest = createRequire(join(folder, 'package.json')).resolve('mocha/package.json');
  const { bin }: { bin: Record<string, string> } = JSON.parse(readFileSync(manifest, 'utf8'));
  const mocha = join(dirname(manifest), bin.mocha ?? '');
  return [mocha, '--exit', '--reporter', join(PRELOAD, 'mocha-reporter.cjs'), ...options, ...files];
}

type Line = TestResult | { readonly counts: { readonly servers: number; readonly ours: number } };

function readResults(text: string, tap: readonly TestResult[], cutOff: readonly string[]): SuiteRun {
  const lines: Line[] = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  const counts = lines.flatMap((line) => ('counts' in line ? [line.counts] : []));
  return {
    tests: [...tap, ...lines.flatMap((line) => ('counts' in line ? [] : [line]))],
    servers: sum(counts, 'servers'),
    ours: sum(counts, 'ours'),
    cutOff,
  };
}

function sum<Key extends string>(items: readonly Readonly<Record<Key, number>>[], key: Key): number {
  return items.reduce((total, item) => total + item[key], 0);
}
