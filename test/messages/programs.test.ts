/**
 * Random programs on node:http and on the standalone server: program and client see the same on both.
 *
 * `GATEBRIDGE_PROGRAMS=5000 npx vitest run test/messages/programs` runs more of them than a test should.
 * `GATEBRIDGE_SEED` selects others.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareOutcomes } from './compare-outcomes.ts';
import { NAMED_PLANS } from './named-plans.ts';
import { plans } from './plans.ts';
import { openServerPair, type Plan, type ServerPair } from './run-plan.ts';

const RUNS = Number(process.env.GATEBRIDGE_PROGRAMS ?? 200);
const SEED = Number(process.env.GATEBRIDGE_SEED ?? 20_26);

/** Counts a difference only if every attempt shows it: a busy machine may reorder events of different sockets. */
const ATTEMPTS = 4;

let servers: ServerPair;

beforeAll(async () => {
  servers = await openServerPair();
});

afterAll(() => servers.close());

async function differenceOf(plan: Plan): Promise<string | undefined> {
  let difference: string | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const { node, ours } = await servers.run(plan);
    difference = compareOutcomes(plan, node, ours);
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
