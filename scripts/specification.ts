/**
 * Writes the rules of the validator into docs/SPEC.md. test/validate/specification.test.ts checks that the page is up to
 * date.
 *
 * The tables go between `<!-- rules -->` and `<!-- end of rules -->`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BODY_RULES } from '../src/validate/body-rules.ts';
import { ENVIRON_RULES } from '../src/validate/environ-rules.ts';
import { RULES, type Rule } from '../src/validate/index.ts';
import { START_RESPONSE_RULES } from '../src/validate/start-response-rules.ts';
import { STREAM_RULES } from '../src/validate/stream-rules.ts';
import { UPGRADE_RULES } from '../src/validate/upgrade-rules.ts';

const PAGE = 'docs/SPEC.md';
const PLACE = /(?<=<!-- rules -->\n)[\s\S]*?(?=<!-- end of rules -->)/;

/** The sections in their order, each with its rules. */
export const SECTIONS: readonly { readonly title: string; readonly rules: Readonly<Record<string, Rule>> }[] =
  [
    { title: 'The call and its environ', rules: ENVIRON_RULES },
    { title: 'wsgi.input and wsgi.errors', rules: STREAM_RULES },
    { title: 'startResponse', rules: START_RESPONSE_RULES },
    { title: 'write and the body', rules: BODY_RULES },
    { title: 'gateway.upgrade', rules: UPGRADE_RULES },
  ];

/** Gives the text of the page with the current rules. */
export function withRules(page: string): string {
  return page.replace(PLACE, () => `\n${SECTIONS.map(formatSection).join('\n')}\n`);
}

function formatSection({ title, rules }: (typeof SECTIONS)[number], index: number): string {
  const rows = Object.entries(rules).map(([id, { level, party, sentence, cite }], place) => {
    const number = `${index + 1}.${place + 1}`;
    return `| ${number} | the ${party} **${level}** ${sentence} | ${cite} | \`${id}\` |`;
  });
  const head = ['| | rule | source | id |', '| --- | --- | --- | --- |'];
  return [`## ${index + 1}. ${title}`, '', ...head, ...rows, ''].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const count = SECTIONS.flatMap(({ rules }) => Object.keys(rules)).length;
  if (count !== Object.keys(RULES).length) throw new Error('A rule is in no section');
  writeFileSync(PAGE, withRules(readFileSync(PAGE, 'utf8')));
}
