/**
 * Programs of random operations, on node:http and on the standalone server: what the program sees and what the client
 * gets are the same.
 *
 * `GATEBRIDGE_PROGRAMS=5000 npx vitest run test/messages/programs` runs more of them than a test should,
 * `GATEBRIDGE_SEED` others.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Arena, openArena, type Plan } from './duel.ts';
import { NAMED_PLANS } from './named-plans.ts';
import { plans } from './plans.ts';
import { compare } from './verdict.ts';

const RUNS = Number(process.env.GATEBRIDGE_PROGRAMS ?? 200);
const SEED = Number(process.env.GATEBRIDGE_SEED ?? 20_26);

/** On a busy machine events of different sockets may swap places: a difference counts that is there every time. */
const ATTEMPTS = 4;

let arena: Arena;

beforeAll(async () => {
  arena = await openArena();
});

afterAll(() => arena.close());

async function differenceOf(plan: Plan): Promise<string | undefined> {
  let difference: string | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const { node, ours } = await arena.play(plan);
    difference = compare(plan, node, ours);
    if (difference === undefined) break;
  }
  return difference;
}

describe('a program', () => {
  it.each(NAMED_PLANS)('is served as on node:http: $name', async (plan) => {
    expect(await differenceOf(plan)).toBeUndefined();
  });

  it(
    'is served as on node:http, whatever it does',
    async () => {
      const property = fc.asyncProperty(plans, async (plan) => {
        expect(await differenceOf(plan)).toBeUndefined();
      });
      await fc.assert(property, { numRuns: RUNS, seed: SEED });
    },
    20_000 + RUNS * 200,
  );
});
