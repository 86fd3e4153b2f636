/** How a wrapped program's response describes framing and connection, on node:http and on the standalone server. */
import { describe, it } from 'vitest';
import { expectAlike } from './compare-scenario.ts';
import { FRAMING_SCENARIOS, INTERIM_SCENARIOS } from './framing-scenarios.ts';

describe('the framing of a wrapped program', () => {
  it.concurrent.each(FRAMING_SCENARIOS)('matches node:http: $name', async (scenario) => {
    await expectAlike(scenario);
  });

  it.concurrent.each(INTERIM_SCENARIOS)(
    'matches node:http for a final response with an interim status: $name',
    async (scenario) => {
      await expectAlike(scenario);
    },
  );
});
