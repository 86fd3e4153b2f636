/**
 * The guard against getting slower: no request allocates much more than it did when the figures were written down.
 *
 * One that fails is either a fault, or worth it: then `npx tsx test/speed/main.ts` writes new figures.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import figures from './allocations.json' with { type: 'json' };
import { compileProgram, measureAllocations, REQUESTS, type WorkName } from './allocations.ts';

/** Runs of the same sources differ by up to 4 %; one promise more that somebody waits for makes hello 8 % dearer. */
const SLACK = 1.1;
const MINUTE = 60_000;

const committed: Readonly<Record<string, Readonly<Record<WorkName, number>>>> = figures;
const [major = ''] = process.versions.node.split('.');
const newest = Object.keys(committed).at(-1) ?? '';
/** The figures of versions differ less than the slack allows. */
const bounds = committed[major] ?? committed[newest];

let program: ReturnType<typeof compileProgram> | undefined;

beforeAll(() => {
  program = compileProgram();
}, MINUTE);

afterAll(() => program?.remove());

describe('octets that a request allocates', () => {
  // All at once: what is counted is counted in processes of their own, and does not depend on how busy the machine is.
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
