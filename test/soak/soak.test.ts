/** A small soak: good clients are served, and nothing is left behind. `npm run soak` measures more. */
import { describe, expect, it } from 'vitest';
import { OPERATIONS } from './good-clients.ts';
import { MISBEHAVIOURS } from './hostile-clients.ts';
import { percentile, summarise } from './measurements.ts';
import { runSoak } from './soak.ts';
import { formatResult, judgeCosts, judgeHoldings } from './verdict.ts';

describe('runSoak', () => {
  it('serves good clients beside hostile ones, and frees everything afterwards', {
    timeout: 60_000,
  }, async () => {
    const result = await runSoak({ duration: 3_000, rounds: 1, scale: 0.25 });
    expect(judgeHoldings(result)).toEqual([]);
    for (const operation of OPERATIONS) {
      expect(result.quiet[operation].count).toBeGreaterThan(0);
      expect(result.attacked[operation].count).toBeGreaterThan(0);
    }
    for (const kind of Object.keys(MISBEHAVIOURS)) expect(result.attacks[kind]).toBeGreaterThan(0);

    // Results that violate each rule.
    const { after, attacked } = result;
    const leaky = {
      ...after,
      descriptors: 10_000,
      sockets: 1,
      unfinished: 1,
      doubleCloses: 1,
      log: ['Error'],
    };
    expect(judgeHoldings({ ...result, errors: ['hello: Error'], after: leaky })).toHaveLength(6);
    const slow = { ...attacked, hello: { ...attacked.hello, p99: 1_000_000 } };
    const fat = { ...after, rss: 2 ** 40, heapUsed: 2 ** 40 };
    expect(judgeCosts({ ...result, attacked: slow, after: fat }).length).toBeGreaterThanOrEqual(3);
    expect(formatResult(result)).toContain('| hello, attacked |');
  });
});

describe('summarise', () => {
  it('takes the median over the windows, and keeps the worst', () => {
    const summary = summarise([[1, 2, 3], [2, 3, 4], [100]]);
    expect(summary).toEqual({ count: 7, p50: 3, p99: 4, worst: 100 });
  });
});

describe('percentile', () => {
  it('is the nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(percentile(values, 0.99)).toBe(99);
    expect(percentile(values, 0.5)).toBe(50);
    expect(percentile([7], 0.99)).toBe(7);
    expect(percentile([], 0.99)).toBeNaN();
  });
});
