import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withEngineTables } from '../../scripts/engine-tables.ts';
import { gatewayAudits } from '../../src/conformance/index.ts';
import { KNOWN_FAILURES, knownFailures, REASONS } from './known-failures.ts';

it('docs/fetch.md is up to date: npm run docs', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/fetch.md'), 'utf8');
  expect(page).toBe(withEngineTables(page));
});

it('what is known to fail are audits, each once, and each reason has some', () => {
  const audits = new Set(gatewayAudits().map(({ id }) => id));
  const reasons = new Set<string>();
  for (const [engine, hosts] of Object.entries(KNOWN_FAILURES)) {
    for (const [host, failures] of Object.entries(hosts)) {
      const ids = knownFailures(engine, host);
      expect(ids.filter((id) => !audits.has(id))).toEqual([]);
      expect(new Set(ids).size).toBe(ids.length);
      for (const reason of Object.keys(failures)) reasons.add(reason);
    }
  }
  expect([...reasons].sort()).toEqual(Object.keys(REASONS).sort());
});
