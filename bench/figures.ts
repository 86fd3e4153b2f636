/** Takes all figures of a run: of our servers beside their peers, or beside themselves in another checkout. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { betweenCheckouts, type Contest } from './against.ts';
import { checkAnswers } from './answer.ts';
import type { Settings } from './arguments.ts';
import { describeCheckout } from './checkouts.ts';
import { measureLatency } from './latency.ts';
import { describeLoad } from './load.ts';
import { measure } from './measurement.ts';
import { measureMemory } from './memory.ts';
import { doubt } from './observation.ts';
import { describeMachine } from './processors.ts';
import type { Conditions, Results } from './report.ts';
import type { MeasurementSettings } from './round.ts';
import { measureStartUp } from './start-up.ts';
import { WORK, type Work } from './work.ts';

type Options = Pick<Settings, 'rounds' | 'seconds' | 'only'>;

const ROOT = join(import.meta.dirname, '..');

/** Measures our servers and their peers. */
export async function measureAll(node: string, options: Options): Promise<Results> {
  const shares: number[] = [];
  const measuring = createSettings(node, options, shares);
  const works = WORK.filter((work) => isAsked(work.name, options, work));
  await checkEach(works, node);
  return {
    ...describe(node, options),
    comparisons: await measure(works, measuring),
    latency: isAsked('latency', options) ? await measureLatency(measuring) : undefined,
    memory: isAsked('memory', options) ? await measureMemory(measuring) : undefined,
    startUp: isAsked('start-up', options) ? await measureStartUp(measuring) : undefined,
    doubt: doubt(shares),
  };
}

/** Measures our servers in this checkout and in another. */
export async function measureCheckouts(node: string, against: string, options: Options): Promise<Contest> {
  const shares: number[] = [];
  const works = WORK.filter((work) => isAsked(work.name, options, work)).map(betweenCheckouts);
  await checkEach(works, node);
  return {
    ...describe(node, options),
    names: [describeCheckout(ROOT), describeCheckout(against)],
    comparisons: await measure(works, createSettings(node, options, shares)),
    doubt: doubt(shares),
  };
}

function isAsked(name: string, { only }: Options, { isOnRequest }: Pick<Work, 'isOnRequest'> = {}): boolean {
  return (only.length === 0 && isOnRequest !== true) || only.includes(name);
}

function createSettings(node: string, { rounds, seconds }: Options, shares: number[]): MeasurementSettings {
  return {
    ...{ node, rounds, seconds },
    onProgress: (text) => console.error(text),
    onOthers: (share) => shares.push(share),
  };
}

async function checkEach(works: readonly Work[], node: string): Promise<void> {
  for (const work of works) await checkAnswers(work, node);
}

function describe(node: string, { rounds, seconds }: Options): Conditions {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  return { version, machine: describeMachine(), load: describeLoad(), rounds, seconds };
}
