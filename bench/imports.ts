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
  /** Milliseconds of CPU time of the process, which depends less on other programs. */
  readonly cpu: Spread;
  /** Milliseconds of the wall clock more than node:http, start by start. */
  readonly more: Spread;
  /** At most so many more. */
  readonly atMost: number | undefined;
}

/** Starts a process for each module in turn. */
export function measureImports(settings: MeasurementSettings): ReadonlyMap<string, ImportTime> {
  const names = Object.keys(MODULES);
  const times = new Map(names.map((name) => [name, [] as number[]]));
  const used = new Map(names.map((name) => [name, [] as number[]]));
  for (let start = 0; start < settings.rounds * STARTS_A_ROUND; start += 1) {
    for (const name of start % 2 === 0 ? names : names.toReversed()) {
      const { time, cpu } = importOnce(name, settings.node);
      times.get(name)?.push(time);
      used.get(name)?.push(cpu);
    }
  }
  settings.onProgress(`imports: ${settings.rounds * STARTS_A_ROUND} starts of each`);
  const reference = times.get(NODE) ?? [];
  const results = [...times].map(([name, found]) => {
    const more = found.map((time, start) => time - (reference[start] ?? Number.NaN));
    const cpu = spread(used.get(name) ?? []);
    return [name, { time: spread(found), cpu, more: spread(more), atMost: MODULES[name] }] as const;
  });
  return new Map(results);
}

function importOnce(name: string, node: string): { readonly time: number; readonly cpu: number } {
  const script = `import ${JSON.stringify(name)}; console.log(JSON.stringify(process.cpuUsage()));`;
  const [command, args] = pinned('server', [node, '--input-type=module', '--eval', script]);
  const begun = performance.now();
  // Modules are found from the folder of the run, where the package lies as it is published.
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: RUN_FOLDER, encoding: 'utf8' });
  const time = performance.now() - begun;
  if (status !== 0) throw new Error(`${name} cannot be imported\n${stderr}`);
  const { user, system }: NodeJS.CpuUsage = JSON.parse(stdout);
  return { time, cpu: (user + system) / 1000 };
}
