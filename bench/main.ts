/**
 * `npm run bench`: our server beside its peers, by the CPU time that each request costs; docs/benchmarks.md says how.
 */
import { execFileSync } from 'node:child_process';
import { checkAnswers } from './answer.ts';
import { readArguments, USAGE } from './arguments.ts';
import { findNode, prepare } from './installation.ts';
import { measureLatency } from './latency.ts';
import { describeLoad } from './load.ts';
import { type Comparison, type MeasurementSettings, measure } from './measurement.ts';
import { measureMemory } from './memory.ts';
import { describeMachine, warnings } from './processors.ts';
import { profile } from './profile.ts';
import { publish } from './publication.ts';
import { formatResults } from './report.ts';
import { measureStartUp } from './start-up.ts';
import { WORK } from './work.ts';

/** What is not a ratio of CPU time, by the names that `--only` knows. */
const OTHERS = ['latency', 'memory', 'start-up'] as const;

// The servers end with this process, however it ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

const settings = readArguments(process.argv.slice(2));
if (settings.help) {
  console.log(USAGE);
} else if (settings.list) {
  for (const { name, servers } of WORK) console.log(`${name}: ${servers.join(', ')}`);
  console.log(OTHERS.join('\n'));
} else {
  prepare();
  const node = findNode(settings.node);
  for (const warning of await warnings()) console.error(`WARNING: ${warning}`);
  const target = settings.profile ?? settings.allocations;
  if (target === undefined) await runAll(node);
  else await profileBy(target, node);
}

async function runAll(node: string): Promise<void> {
  const { rounds, seconds, warmUp, only } = settings;
  const doubts = new Map<string, string>();
  const measuring: MeasurementSettings = {
    ...{ node, rounds, seconds, warmUp },
    onProgress: (text) => console.error(text),
    async onRound() {
      for (const warning of await warnings()) doubts.set(warning.replace(/\d+ %.*/, ''), warning);
    },
  };
  const names: string[] = [...WORK.map(({ name }) => name), ...OTHERS];
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new RangeError(`No work is called ${unknown}; see --list`);
  const isAsked = (name: string): boolean => only.length === 0 || only.includes(name);
  const works = WORK.filter(({ name }) => isAsked(name));
  for (const work of works) await checkAnswers(work, node);
  const comparisons: Comparison[] = [];
  for (const work of works) comparisons.push(await measure(work, measuring));
  const results = {
    version: execFileSync(node, ['--version'], { encoding: 'utf8' }).trim(),
    machine: describeMachine(),
    load: describeLoad(),
    rounds,
    seconds,
    comparisons,
    latency: isAsked('latency') ? await measureLatency(measuring) : undefined,
    memory: isAsked('memory') ? await measureMemory(measuring) : undefined,
    startUp: isAsked('start-up') ? await measureStartUp(measuring) : undefined,
    warnings: [...doubts.values()],
  };
  console.log(`\n${formatResults(results)}`);
  if (settings.isWhole) publish(results);
}

async function profileBy(target: string, node: string): Promise<void> {
  const [name, server] = target.split('/');
  const work = WORK.find((candidate) => candidate.name === name);
  if (work === undefined) throw new RangeError(`No work is called ${name}; see --list`);
  const kind = settings.profile === undefined ? 'allocations' : 'cpu';
  const { seconds, warmUp } = settings;
  await profile(work, server ?? work.servers[1] ?? '', { kind, node, seconds, warmUp });
}
