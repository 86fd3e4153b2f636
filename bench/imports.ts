/** Measures how long a process takes that only imports a module: from its start to its end. */
import { spawnSync } from 'node:child_process';
import { RUN_FOLDER } from './installation.ts';
import { pinned } from './processors.ts';
import type { MeasurementSettings } from './round.ts';
import { type Spread, spread } from './statistics.ts';

/** The reference. */
const NODE = 'node:http';
/** Milliseconds more than the reference, at most; undefined for modules that are only shown. */
const MODULES: Readonly<Record<string, number | undefined>> = {
  [NODE]: undefined,
  'gatebridge/server': 15,
  'gatebridge/express': 10,
  'gatebridge/fastify': undefined,
  gatebridge: undefined,
  express: undefined,
  fastify: undefined,
};
const STARTS_A_ROUND = 9;

export interface ImportTime {
  /** Milliseconds of the wall clock. */
  readonly time: Spread;
  /** Milliseconds more than node:http, start by start. */
  readonly more: Spread;
  /** At most so many more. */
  readonly atMost: number | undefined;
}

/** Starts a process for each module in turn. */
export function measureImports(settings: MeasurementSettings): ReadonlyMap<string, ImportTime> {
  const names = Object.keys(MODULES);
  const times = new Map(names.map((name) => [name, [] as number[]]));
  for (let start = 0; start < settings.rounds * STARTS_A_ROUND; start += 1) {
    for (const name of start % 2 === 0 ? names : names.toReversed()) {
      times.get(name)?.push(importOnce(name, settings.node));
    }
  }
  settings.onProgress(`imports: ${settings.rounds * STARTS_A_ROUND} starts of each`);
  const reference = times.get(NODE) ?? [];
  const results = [...times].map(([name, found]) => {
    const more = found.map((time, start) => time - (reference[start] ?? Number.NaN));
    return [name, { time: spread(found), more: spread(more), atMost: MODULES[name] }] as const;
  });
  return new Map(results);
}

function importOnce(name: string, node: string): number {
  const script = `import ${JSON.stringify(name)};`;
  const [command, args] = pinned('server', [node, '--input-type=module', '--eval', script]);
  const begun = performance.now();
  // Modules are found from the folder of the run, where the package lies as it is published.
  const { status, stderr } = spawnSync(command, args, { cwd: RUN_FOLDER, encoding: 'utf8' });
  const time = performance.now() - begun;
  if (status !== 0) throw new Error(`${name} cannot be imported\n${stderr}`);
  return time;
}
