/**
 * Writes two tables into docs/conformance.md: the audits by host, and what holds each line of the checklist.
 * test/conformance/tables.test.ts checks that the page is up to date.
 *
 * A table goes between `<!-- NAME -->` and `<!-- end of NAME -->`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  AUDIT_CAPABILITIES,
  type AuditCapability,
  gatewayAudits,
  missingCapabilities,
} from '../src/conformance/index.ts';
import { RULES } from '../src/validate/index.ts';
import { ALL_HOSTS, EXEMPT } from '../test/conformance/all-hosts.ts';
import { CHECKLIST, LINE_KINDS } from '../test/conformance/checklist.ts';
import { NAMED_TESTS } from '../test/conformance/named-tests.ts';

const PAGE = 'docs/conformance.md';

/** Gives the text of the page with the current tables. */
export function withTables(page: string): string {
  const tables = {
    hosts: hostTable(),
    holes: holeTable(),
    exempt: exemptionTable(),
    checklist: checklistTable(),
  };
  return Object.entries(tables).reduce((text, [name, rows]) => {
    const place = new RegExp(`(?<=<!-- ${name} -->\\n)[\\s\\S]*?(?=<!-- end of ${name} -->)`);
    return text.replace(place, () => `\n${rows.join('\n')}\n\n`);
  }, page);
}

/** Gives what holds a line: rules of the validator, audits, and named tests. */
export function holdersOf(line: number): string[] {
  const ids = [
    ...Object.keys(RULES).map((id) => `rule ${id}`),
    ...gatewayAudits().map(({ id }) => `audit ${id}`),
  ];
  const held = ids.filter((id) => Number(/-(\d+)-/.exec(id)?.[1]) === line);
  return [...held, ...(NAMED_TESTS[line] ?? []).map(([file, title]) => `test ${file}: ${title}`)];
}

function hostTable(): string[] {
  const rows = gatewayAudits().map((audit) => {
    const cells = ALL_HOSTS.map((host) => {
      const isExempt = EXEMPT.get(host)?.has(audit.id);
      return missingCapabilities(audit, host)[0] ?? (isExempt ? 'exempt' : 'yes');
    });
    return `| \`${audit.id}\` | ${cells.join(' | ')} |`;
  });
  const names = ALL_HOSTS.map(({ name }) => name);
  return [`| audit | ${names.join(' | ')} |`, `| --- |${' --- |'.repeat(names.length)}`, ...rows];
}

/** A capability that some host lacks is the reason of a hole. */
function holeTable(): string[] {
  const holes = new Set<AuditCapability>();
  for (const audit of gatewayAudits()) {
    for (const host of ALL_HOSTS)
      for (const missing of missingCapabilities(audit, host).slice(0, 1)) holes.add(missing);
  }
  const rows = [...holes].sort().map((capability) => {
    const hosts = ALL_HOSTS.filter(({ capabilities }) => capabilities.has(capability)).map(
      ({ name }) => name,
    );
    return `| \`${capability}\` | ${AUDIT_CAPABILITIES[capability]} | ${hosts.join(', ')} |`;
  });
  return [
    '| capability | what a host that has it does | hosts that have it |',
    '| --- | --- | --- |',
    ...rows,
  ];
}

/** What a circle cannot do, although it has the capability. */
function exemptionTable(): string[] {
  const rows = [...EXEMPT].flatMap(([{ name }, reasons]) =>
    [...new Set(reasons.values())].map((reason) => {
      const ids = [...reasons].filter((entry) => entry[1] === reason).map(([id]) => `\`${id}\``);
      return `| ${name} | ${reason} | ${ids.join(', ')} |`;
    }),
  );
  return ['| host | why audits are exempt | which |', '| --- | --- | --- |', ...rows];
}

function checklistTable(): string[] {
  const rows = CHECKLIST.map(([line, kind, rule]) => {
    const holders = holdersOf(line).map((holder) => holder.replace(/^(\w+) (.*)$/, '$1 `$2`'));
    return `| ${line} | ${LINE_KINDS[kind]} | ${rule.replaceAll('|', '\\|')} | ${holders.join(', ')} |`;
  });
  return ['| line | who | rule | held by |', '| --- | --- | --- | --- |', ...rows];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(PAGE, withTables(readFileSync(PAGE, 'utf8')));
}
