/** A small campaign with a fixed seed, and each reason alone. `npm run fuzz` runs large campaigns. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type CampaignResult, runCampaign, tryInput } from './campaign.ts';
import { formatOctets } from './finding-format.ts';
import { runLoopback } from './loopback.ts';
import { minimise } from './minimiser.ts';
import { Random } from './random.ts';
import { REASONS } from './reasons.ts';

/** Node's parser changes between versions; the reasons are for Node 20. */
const isNode20 = process.version.startsWith('v20.');

describe('runCampaign', () => {
  let result: CampaignResult;

  beforeAll(() => {
    result = runCampaign({ seed: 20_261_122, inputs: 20_000, maxFindings: 10 });
  });

  it('finds no difference from node:http without a reason', () => {
    expect(result.findings).toEqual([]);
    expect(result.messages).toBeGreaterThan(10_000);
  });

  it.runIf(isNode20)('needs every reason', () => {
    expect(REASONS.filter(({ id }) => !result.reasons.has(id)).map(({ id }) => id)).toEqual([]);
  });
});

describe('REASONS', () => {
  it.runIf(isNode20).each(REASONS.map((reason) => [reason.id, reason] as const))('%s', (id, { example }) => {
    // Random numbers decide how the input is cut, and if CONNECT is allowed.
    const trials = Array.from({ length: 20 }, (_, index) => tryInput(example, new Random(1, index)));
    expect(trials.filter(({ unexplained }) => unexplained !== undefined)).toEqual([]);
    expect(trials.flatMap(({ reasons }) => reasons)).toContain(id);
  });

  it('have unique ids and cite a rule', () => {
    expect(new Set(REASONS.map(({ id }) => id)).size).toBe(REASONS.length);
    for (const { source } of REASONS) expect(source).toMatch(/^RFC \d{4} (§|appendix )/);
  });
});

describe('runLoopback', () => {
  it('gets the answers that the parser predicts, and leaves no socket and no log', async () => {
    const result = await runLoopback({ seed: 20_261_122, connections: 200 });
    expect(result.findings).toEqual([]);
    expect(result.answers).toBeGreaterThan(100);
    expect(result.leaked).toBe(0);
    expect(result.log).toEqual([]);
  });
});

describe('minimise', () => {
  it('keeps only the octets that matter', () => {
    const input = 'GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n';
    expect(minimise(input, (text) => text.includes('X:'))).toBe('X:');
    expect(minimise(input, (text) => /st: .\r\n/.test(text))).toBe('st: a\r\n');
  });
});

describe('formatOctets', () => {
  it('writes the notation of the corpus', () => {
    expect(formatOctets('GET \\ \r\n\0\xe9 \r\n')).toBe('GET \\\\ \\r\\n\n\\0\\xe9 \\r\\n');
  });
});

describe('Random', () => {
  it('repeats its numbers only for the same seed and index', () => {
    const numbers = (seed: number, index: number) => {
      const random = new Random(seed, index);
      return Array.from({ length: 8 }, () => random.below(1_000_000));
    };
    expect(numbers(1, 2)).toEqual(numbers(1, 2));
    expect(new Set([numbers(1, 2), numbers(2, 1), numbers(1, 3)].map(String)).size).toBe(3);
  });

  it('cuts at ascending ends up to the last octet', () => {
    for (let index = 0; index < 100; index += 1) {
      const cuts = new Random(1, index).cuts(10, 5);
      expect(cuts).toEqual([...new Set(cuts)].sort((one, other) => one - other));
      expect(cuts.at(-1)).toBe(10);
    }
  });
});
