/**
 * Runs another project's suite on node:http and on our server: `npm run suite -- --dir CHECKOUT`. Exits with 1 if a
 * test passes there and fails here without an exemption. See docs/suites.md.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ENGINES } from '../engines/engines.ts';
import { compareRuns, type Exemption } from './comparison.ts';
import { formatComparison, formatFigures } from './report.ts';
import { detectSuite } from './suite-profile.ts';
import { listFiles, type RunOptions, runSuite } from './suite-run.ts';
import { indexTests, type SuiteRun } from './test-result.ts';

const { values } = parseArgs({
  options: {
    dir: { type: 'string' },
    framework: { type: 'string' },
    server: { type: 'string', default: 'both' },
    against: { type: 'string' },
    build: { type: 'string' },
    json: { type: 'string' },
    match: { type: 'string', default: '' },
    jobs: { type: 'string', default: '2' },
    retries: { type: 'string', default: '1' },
    engine: { type: 'string' },
  },
});
if (values.dir === undefined)
  throw new TypeError('Option --dir must name a checkout with its dependencies installed');
if (!['both', 'node', 'gatebridge'].includes(values.server)) {
  throw new TypeError(`Option --server must be node or gatebridge, not ${values.server}`);
}

const engine = ENGINES.find((one) => one.name === values.engine);
if (values.engine !== undefined && engine === undefined)
  throw new TypeError(`Option --engine must be ${ENGINES.map((one) => one.name).join(' or ')}`);

const folder = resolve(values.dir);
const { name, version, profile } = detectSuite(folder, values.framework);
const files = listFiles(folder, profile, new RegExp(values.match));
const list = readExemptions(name);
const exemptions = list.tests.filter(({ file }) => files.includes(file));
const common: RunOptions = { folder, profile, files, jobs: Number(values.jobs), engine };

console.log(`${name} ${version}, ${engine?.name ?? `Node ${process.version}`}, ${files.length} files`);
if (list.version !== undefined && list.version !== version) {
  console.log(`The exemptions are those for version ${list.version}`);
}
const given = values.build === undefined ? undefined : resolve(values.build);
const build = values.server === 'node' ? undefined : (given ?? buildOurs());
try {
  const there = values.against === undefined ? await runThere() : readRun(values.against);
  const here =
    build === undefined ? undefined : await runSuite({ ...common, build, skipped: skippedNames() });
  print(there, here);
  if (here !== undefined && there !== undefined) await judge(there, here);
  if (values.json !== undefined) {
    writeFileSync(values.json, JSON.stringify({ name, version, node: process.version, there, here }));
  }
} finally {
  if (build !== undefined && build !== given) rmSync(build, { recursive: true, force: true });
}

async function runThere(): Promise<SuiteRun | undefined> {
  return values.server === 'gatebridge' ? undefined : runSuite(common);
}

function print(there: SuiteRun | undefined, here: SuiteRun | undefined): void {
  const runs = [['node:http', there] as const, ['gatebridge', here] as const];
  console.log(
    formatFigures(runs.flatMap(([title, run]) => (run === undefined ? [] : [[title, run] as const]))),
  );
  if (there !== undefined && here !== undefined) return;
  for (const { file, name: test, outcome } of (there ?? here)?.tests ?? []) {
    if (outcome === 'failed') console.log(`Failed: ${file}: ${test}`);
  }
}

/** Runs the files of regressions again before they count, because some tests depend on the clock. */
async function judge(there: SuiteRun, first: SuiteRun): Promise<void> {
  let here = first;
  const unstable: string[] = [];
  for (let attempt = 0; attempt < Number(values.retries); attempt += 1) {
    const { regressions } = compareRuns(there, here, exemptions);
    if (regressions.length === 0) break;
    const again = [...new Set(regressions.map(({ file }) => file))];
    const second = await runSuite({ ...common, files: again, build, skipped: skippedNames() });
    const index = indexTests(second.tests);
    const recovered = regressions.filter(({ name: test }) => index.get(test)?.outcome === 'passed');
    unstable.push(...recovered.map(({ name: test }) => test));
    here = withRecovered(here, new Set(recovered.map(({ name: test }) => test)), index);
  }
  const comparison = compareRuns(there, here, exemptions);
  console.log(formatComparison(comparison, unstable));
  if (comparison.regressions.length > 0) process.exitCode = 1;
}

function withRecovered(
  run: SuiteRun,
  names: ReadonlySet<string>,
  index: ReturnType<typeof indexTests>,
): SuiteRun {
  const known = indexTests(run.tests);
  for (const test of names) {
    const result = index.get(test);
    if (result !== undefined) known.set(test, result);
  }
  return { ...run, tests: [...known.values()] };
}

function skippedNames(): string[] {
  return exemptions.filter(({ skip }) => skip === true).map(({ name: test }) => test);
}

interface ExemptionList {
  readonly version?: string;
  readonly tests: readonly Exemption[];
}

function readExemptions(suite: string): ExemptionList {
  const file = join(import.meta.dirname, 'exemptions', `${suite.replace(/^@.*\//, '')}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { tests: [] };
}

/** Builds our sources, so that the suite loads the same files as a user. */
function buildOurs(): string {
  const target = mkdtempSync(join(tmpdir(), 'gatebridge-build-'));
  const root = join(import.meta.dirname, '../..');
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const project = join(root, 'tsconfig.build.json');
  // Type errors are printed and do not stop the build.
  spawnSync(process.execPath, [compiler, '-p', project, '--outDir', target], { stdio: 'inherit' });
  writeFileSync(join(target, 'package.json'), '{ "type": "module" }');
  return target;
}

function readRun(file: string): SuiteRun {
  const { there }: { there: SuiteRun } = JSON.parse(readFileSync(file, 'utf8'));
  return there;
}
