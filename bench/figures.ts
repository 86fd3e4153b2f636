/** Takes all figures of a run: of our servers beside their peers, or beside themselves in another checkout. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { betweenCheckouts, type Contest } from './against.ts';
import { checkAnswers } from './answer.ts';
import type { Settings } from './arguments.ts';
import { describeCheckout } from './checkouts.ts';
import { describeEngines, withoutMissing } from './engines.ts';
import { describeLoad } from './generator.ts';
import { measureImports } from './imports.ts';
import { measureLatency } from './latency.ts';
import { measure } from './measurement.ts';
import { type Memory, measureMemory, REQUESTS, type RequestName } from './memory.ts';
import { doubt } from './observation.ts';
import { describeMachine } from './processors.ts';
import type { Conditions, Results } from './report.ts';
import type { MeasurementSettings } from './round.ts';
import { measureStartUp } from './start-up.ts';
import type { Work } from './work.ts';
import { WORK } from './work-table.ts';

type Options = Pick<Settings, 'rounds' | 'seconds' | 'only' | 'connections' | 'warmUps'>;

const ROOT = join(import.meta.dirname, '..');

/** Measures our servers and their peers. */
export async function measureAll(node: string, options: Options): Promise<Results> {
  const shares: number[] = [];
  const measuring = createSettings(node, options, shares);
  const asked = WORK.filter((work) => isAsked(work.name, options, work));
  const works = withoutMissing(asked, measuring.onProgress);
  await checkEach(works, node);
  return {
    ...describe(node, options, works),
    comparisons: await measure(works, measuring),
    latency: isAsked('latency', options) ? await measureLatency(measuring) : undefined,
    memories: isAsked('memory', options) ? await measureMemories(measuring) : [],
    startUp: isAsked('start-up', options) ? await measureStartUp(measuring) : undefined,
    imports: isAsked('imports', options) ? measureImports(measuring) : undefined,
    doubt: doubt(shares),
  };
}

/** Measures our servers in this checkout and in another. */
export async function measureCheckouts(node: string, against: string, options: Options): Promise<Contest> {
  const shares: number[] = [];
  const works = WORK.filter((work) => isAsked(work.name, options, work)).map(betweenCheckouts);
  await checkEach(works, node);
  return {
    ...describe(node, options, works),
    names: [describeCheckout(ROOT), describeCheckout(against)],
    comparisons: await measure(works, createSettings(node, options, shares)),
    doubt: doubt(shares),
  };
}

async function measureMemories(measuring: MeasurementSettings): Promise<Memory[]> {
  const found: Memory[] = [];
  // The keys of REQUESTS are its type's.
  for (const request of Object.keys(REQUESTS) as RequestName[])
    found.push(await measureMemory(request, measuring));
  return found;
}

function isAsked(name: string, { only }: Options, { isOnRequest }: Pick<Work, 'isOnRequest'> = {}): boolean {
  return (only.length === 0 && isOnRequest !== true) || only.includes(name);
}

function createSettings(node: string, options: Options, shares: number[]): MeasurementSettings {
  const { rounds, seconds, connections, warmUps } = options;
  return {
    ...{ node, rounds, seconds, connections, warmUps },
    onProgress: (text) => console.error(text),
    onOthers: (share) => shares.push(share),
  };
}

async function checkEach(works: readonly Work[], node: string): Promise<void> {
  for (const work of works) await checkAnswers(work, node);
}

function describe(node: string, options: Options, works: readonly Work[]): Conditions {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  const { rounds, seconds } = options;
  const engines = describeEngines(works.flatMap(({ servers }) => servers));
  const load = [describeLoad(options.connections), ...engines].join('; ');
  return { version, machine: describeMachine(), load, rounds, seconds };
}
