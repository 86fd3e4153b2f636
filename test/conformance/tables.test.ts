/** Each line of the checklist is held, and docs/conformance.md says by what. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { holdersOf, withTables } from '../../scripts/conformance-tables.ts';
import { gatewayAudits, missingCapabilities } from '../../src/conformance/index.ts';
import { RULES } from '../../src/validate/index.ts';
import { ALL_HOSTS, EXEMPT } from './all-hosts.ts';
import { CHECKLIST } from './checklist.ts';
import { NAMED_TESTS } from './named-tests.ts';

const ROOT = join(import.meta.dirname, '../..');

const lineOf = (id: string): number => Number(/-(\d+)-/.exec(id)?.[1]);

describe('the checklist', () => {
  it('has the lines 1 to 255, each once', () => {
    expect(CHECKLIST.map(([line]) => line)).toEqual(Array.from({ length: 255 }, (_, index) => index + 1));
  });

  it.each(CHECKLIST)('line %i (%s) is held', (line, kind) => {
    const holders = holdersOf(line);
    expect(holders).not.toEqual([]);
    // A rule checks applications; that a host or a middleware obeys a line is shown by an audit.
    if ('SBCM'.includes(kind)) expect(holders.some((holder) => holder.startsWith('audit '))).toBe(true);
    if (kind === 'V') expect(holders.some((holder) => holder.startsWith('rule '))).toBe(true);
  });

  it('has a line for each audit and each rule', () => {
    const lines = new Set(CHECKLIST.map(([line]) => line));
    const ids = [...gatewayAudits().map(({ id }) => id), ...Object.keys(RULES)];
    expect(ids.filter((id) => !lines.has(lineOf(id)))).toEqual([]);
  });

  it('names tests that exist', () => {
    for (const [file, title] of Object.values(NAMED_TESTS).flat()) {
      const source = readFileSync(join(ROOT, file), 'utf8');
      const quoted = [`'${title}'`, `"${title}"`].some((text) => source.includes(`(${text},`));
      expect(quoted, `${file}: ${title}`).toBe(true);
    }
  });
});

it('each audit applies to a host', () => {
  const idle = gatewayAudits().filter((audit) =>
    ALL_HOSTS.every((host) => missingCapabilities(audit, host).length > 0),
  );
  expect(idle.map(({ id }) => id)).toEqual([]);
});

it('what is exempt are audits that would apply', () => {
  const audits = new Map(gatewayAudits().map((audit) => [audit.id, audit]));
  for (const [host, reasons] of EXEMPT) {
    for (const id of reasons.keys()) {
      const audit = audits.get(id);
      expect(audit, id).toBeDefined();
      if (audit !== undefined) expect(missingCapabilities(audit, host), id).toEqual([]);
    }
  }
});

it('docs/conformance.md is up to date: npm run docs', () => {
  const page = readFileSync(join(ROOT, 'docs/conformance.md'), 'utf8');
  expect(page).toBe(withTables(page));
});
