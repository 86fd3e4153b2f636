/**
 * `npm run bench`: compares our server with its peers by CPU time per request. See docs/benchmarks.md.
 */
import { execFileSync } from 'node:child_process';
import { checkAnswers } from './answer.ts';
import { readArguments, type Settings, USAGE } from './arguments.ts';
import { findNode, prepare } from './installation.ts';
import { measureLatency } from './latency.ts';
import { describeLoad } from './load.ts';
import { measure } from './measurement.ts';
import { measureMemory } from './memory.ts';
import { doubt } from './observation.ts';
import { describeMachine, warnings } from './processors.ts';
import { profile } from './profile.ts';
import { publish } from './publication.ts';
import { formatResults, type Results } from './report.ts';
import type { MeasurementSettings } from './round.ts';
import { measureStartUp } from './start-up.ts';
import { OTHER_WORK, WORK } from './work.ts';

// Exits, so that the servers end with this process. A signal may come twice, from the terminal and from tsx: the
// second must not interrupt the exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));

const settings = readSettings();
if (settings.help) {
  console.log(USAGE);
} else if (settings.list) {
  for (const { name, servers } of WORK) console.log(`${name}: ${servers.join(', ')}`);
  console.log(OTHER_WORK.join('\n'));
} else {
  await run(settings).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
}

/** Reports wrong arguments without a stack. */
function readSettings(): Settings {
  try {
    return readArguments(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    process.exit(2);
  }
}

async function run({ nodes, ...options }: Settings): Promise<void> {
  // Fails before minutes are spent on the first.
  const binaries = nodes.length === 0 ? [process.execPath] : nodes.map(findNode);
  prepare();
  for (const warning of await warnings()) console.error(`WARNING: ${warning}`);
  for (const node of binaries) {
    const { profile: timed, allocations, seconds } = options;
    if (timed !== undefined) await profile(timed, { kind: 'cpu', node, seconds });
    if (allocations !== undefined) await profile(allocations, { kind: 'allocations', node, seconds });
    if (timed !== undefined || allocations !== undefined) continue;
    const results = await measureAll(node, options);
    console.log(`\n${formatResults(results)}`);
    if (options.isWhole) publish(results);
  }
}

async function measureAll(node: string, options: Omit<Settings, 'nodes'>): Promise<Results> {
  const { rounds, seconds, only } = options;
  const shares: number[] = [];
  const measuring: MeasurementSettings = {
    ...{ node, rounds, seconds },
    onProgress: (text) => console.error(text),
    onOthers: (share) => shares.push(share),
  };
  const isAsked = (name: string): boolean => only.length === 0 || only.includes(name);
  const works = WORK.filter(({ name }) => isAsked(name));
  for (const work of works) await checkAnswers(work, node);
  return {
    version: execFileSync(node, ['--version'], { encoding: 'utf8' }).trim(),
    machine: describeMachine(),
    load: describeLoad(),
    rounds,
    seconds,
    comparisons: await measure(works, measuring),
    latency: isAsked('latency') ? await measureLatency(measuring) : undefined,
    memory: isAsked('memory') ? await measureMemory(measuring) : undefined,
    startUp: isAsked('start-up') ? await measureStartUp(measuring) : undefined,
    doubt: doubt(shares),
  };
}
