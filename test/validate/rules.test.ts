/** Each rule, from both sides: what breaks it is found, and what only comes near is not. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SECTIONS, withRules } from '../../scripts/specification.ts';
import { RULES, type Rule, type RuleId, ValidationError } from '../../src/validate/index.ts';
import { isRuleId } from '../../src/validate/rules.ts';
import { CONTENT_CASES } from './cases/content-cases.ts';
import { ENVIRON_CASES } from './cases/environ-cases.ts';
import { ITERATION_CASES } from './cases/iteration-cases.ts';
import { findingsOf, type RuleCase, type Variant } from './cases/kit.ts';
import { START_RESPONSE_CASES } from './cases/start-response-cases.ts';
import { STREAM_CASES } from './cases/stream-cases.ts';
import { UPGRADE_CASES } from './cases/upgrade-cases.ts';

const CASES: Readonly<Record<RuleId, RuleCase>> = {
  ...ENVIRON_CASES,
  ...STREAM_CASES,
  ...START_RESPONSE_CASES,
  ...CONTENT_CASES,
  ...ITERATION_CASES,
  ...UPGRADE_CASES,
};

const rules: readonly (readonly [id: RuleId, rule: Rule])[] = Object.entries(RULES).flatMap(([id, rule]) =>
  isRuleId(id) ? [[id, rule] as const] : [],
);

const wrong = ({ applications, servers }: RuleCase): readonly Variant[] =>
  [applications, servers].flatMap((variants) => (typeof variants === 'string' ? [] : variants));

describe.each(rules)('%s', (id, { level, party, cite }) => {
  it(`is told: ${level} of the ${party}`, async () => {
    for (const variant of wrong(CASES[id])) {
      const { findings } = await findingsOf(variant);
      const found = findings.map((error) => [variant.name, error.rule, error.level, error.party, error.cite]);
      expect(found, variant.name).toEqual([[variant.name, id, level, party, cite]]);
    }
  });

  it('is thrown if it is a MUST', async () => {
    for (const variant of wrong(CASES[id])) {
      const { findings } = await findingsOf(variant, { mode: 'throw' });
      expect(
        findings.map(({ rule }) => rule),
        variant.name,
      ).toContain(id);
    }
  });

  it('is not told of what comes near', async () => {
    for (const variant of CASES[id].right ?? []) {
      const { findings } = await findingsOf(variant);
      expect(
        findings.map(({ rule }) => rule),
        variant.name,
      ).not.toContain(id);
    }
  });

  it('is not told if it is ignored', async () => {
    for (const variant of wrong(CASES[id])) {
      const { findings } = await findingsOf(variant, { ignore: [id] });
      expect(
        findings.map(({ rule }) => rule),
        variant.name,
      ).not.toContain(id);
    }
  });
});

describe('the cases', () => {
  it.each(rules)('of %s are from both sides, or say why one side cannot break it', (id, { party }) => {
    const { applications, servers } = CASES[id];
    const [own, other] = party === 'application' ? [applications, servers] : [servers, applications];
    expect(own.length).toBeGreaterThan(0);
    expect(own).not.toBeTypeOf('string');
    expect(other.length).toBeGreaterThan(0);
  });

  it('are these', () => {
    const count = (party: string): number => rules.filter(([, rule]) => rule.party === party).length;
    const variants = rules.flatMap(([id]) => wrong(CASES[id])).length;
    process.stdout.write(
      `${rules.length} rules, ${count('application')} of applications and ${count('server')} of servers, ${variants} ways to break them\n`,
    );
    expect(Object.keys(CASES).sort()).toEqual(Object.keys(RULES).sort());
  });
});

describe('the rules', () => {
  it.each(rules)('%s is well formed', (id, { level, party, sentence, cite }) => {
    expect(id).toMatch(
      /^(?:environ|input|errors|start-response|write|body|upgrade)-\d+-[a-z0-9]+(?:-[a-z0-9]+)*$/,
    );
    expect(['MUST', 'SHOULD', 'MAY']).toContain(level);
    expect(['application', 'server']).toContain(party);
    expect(sentence).toMatch(/^[a-z].*[^.\s]$/);
    expect(cite).toMatch(/^(?:PEP 3333, |RFC \d{4} §|wsgiref|docs\/|ECMA-262)/);
  });

  it('keep their ids', () => {
    expect(Object.keys(RULES)).toMatchSnapshot();
  });

  it('are in docs/SPEC.md, as npm run docs writes them', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/SPEC.md'), 'utf8');
    expect(page).toBe(withRules(page));
    expect(SECTIONS.flatMap(({ rules: section }) => Object.keys(section)).sort()).toEqual(
      Object.keys(RULES).sort(),
    );
    for (const [id] of rules) expect(page).toContain(`\`${id}\``);
  });

  it('make the errors', () => {
    const { level, party, cite } = RULES['body-100-iterable'];
    const error = new ValidationError('body-100-iterable', 'found string; wrap it in an array');
    expect(error).toMatchObject({ rule: 'body-100-iterable', level, party, cite });
    expect(error).toMatchObject({ name: 'ValidationError', code: 'WSGI_ERR_RULE_BROKEN', statusCode: 500 });
    expect(error.message).toBe(
      'Broken rule: the application must return an iterable or async iterable of Uint8Array, such as ' +
        '[chunk] (found string; wrap it in an array; rule body-100-iterable)',
    );
  });
});
