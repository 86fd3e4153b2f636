/**
 * Writes new figures for the guard, for the running version of Node: `npx tsx test/speed/main.ts`. Run it, and say so
 * in the commit, when a change is worth its allocations or allocates less.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileProgram, measureAllocations, REQUESTS, type WorkName } from './allocations.ts';

/** The optimising compiler settles in more than one way; the greatest count is kept. */
const RUNS = 3;
const FIGURES = join(import.meta.dirname, 'allocations.json');
const [major = ''] = process.versions.node.split('.');

const figures: Record<string, Partial<Record<WorkName, number>>> = JSON.parse(readFileSync(FIGURES, 'utf8'));
const program = compileProgram();
try {
  const found: Partial<Record<WorkName, number>> = {};
  for (const work of Object.keys(REQUESTS) as WorkName[]) {
    const runs: number[] = [];
    while (runs.length < RUNS) runs.push(await measureAllocations(program.path, work));
    found[work] = Math.max(...runs);
    console.log(`${work}: ${found[work]} octets a request, ${figures[major]?.[work] ?? 'nothing'} before`);
  }
  writeFileSync(FIGURES, `${JSON.stringify({ ...figures, [major]: found }, null, 2)}\n`);
} finally {
  program.remove();
}
