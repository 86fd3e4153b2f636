/**
 * Guards speed: no request may allocate much more than the committed figures.
 *
 * If a change is worth its allocations, `npx tsx test/speed/main.ts` writes new figures.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import figures from './allocations.json' with { type: 'json' };
import { compileProgram, measureAllocations, REQUESTS, type WorkName } from './allocations.ts';

/** Greater than the difference between runs of the same sources. */
const SLACK = 1.1;
const MINUTE = 60_000;

const committed: Readonly<Record<string, Readonly<Record<WorkName, number>>>> = figures;
const [major = ''] = process.versions.node.split('.');
const newest = Object.keys(committed).at(-1) ?? '';
/** A version without figures is compared with the newest. */
const bounds = committed[major] ?? committed[newest];

let program: ReturnType<typeof compileProgram> | undefined;

beforeAll(() => {
  program = compileProgram();
}, MINUTE);

afterAll(() => program?.remove());

describe('octets that a request allocates', () => {
  // Concurrent: each count is made in its own process, and does not depend on the load of the machine.
  it.concurrent.each(Object.keys(REQUESTS) as WorkName[])(
    '%s',
    async (work) => {
      const octets = await measureAllocations(program?.path ?? '', work);
      expect(octets).toBeGreaterThan(1000);
      expect(octets).toBeLessThan((bounds?.[work] ?? 0) * SLACK);
    },
    MINUTE,
  );
});
