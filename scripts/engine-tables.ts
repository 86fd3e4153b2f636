/**
 * Writes two tables into docs/fetch.md: the audits that pass in each runtime beside node, and those that fail, with the reason.
 * test/engines/tables.test.ts checks that the page is up to date.
 *
 * The tables go between `<!-- engines -->` and `<!-- end of engines -->`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type AuditHost, gatewayAudits, missingCapabilities } from '../src/conformance/index.ts';
import { WORKER_CAPABILITIES } from '../test/engines/capabilities.ts';
import { HOSTS } from '../test/engines/hosts.ts';
import { KNOWN_FAILURES, knownFailures, REASONS, type Reason } from '../test/engines/known-failures.ts';

const PAGE = 'docs/fetch.md';
const PLACE = /(?<=<!-- engines -->\n)[\s\S]*?(?=<!-- end of engines -->)/;

/** Gives the text of the page with the current tables. */
export function withEngineTables(page: string): string {
  return page.replace(PLACE, () => `\n${[...countTable(), '', ...reasonTable()].join('\n')}\n\n`);
}

function applicable(engine: string, name: string): number {
  const host: AuditHost | undefined =
    engine === 'workerd' ? { name, capabilities: WORKER_CAPABILITIES } : HOSTS[name];
  return host === undefined
    ? 0
    : gatewayAudits().filter((audit) => missingCapabilities(audit, host).length === 0).length;
}

function countTable(): string[] {
  const engines = Object.keys(KNOWN_FAILURES);
  const rows = Object.keys(HOSTS).map((host) => {
    const cells = engines.map((engine) => {
      if (KNOWN_FAILURES[engine]?.[host] === undefined) return '–';
      const all = applicable(engine, host);
      return `${all - knownFailures(engine, host).length} of ${all}`;
    });
    const name = host === 'server' ? '`gatebridge/server`' : `\`${host.split(' ')[0]}\`${host.slice(9)}`;
    return `| ${name} | ${cells.join(' | ')} |`;
  });
  return [
    `| audits that pass | ${engines.join(' | ')} |`,
    `| --- |${' --- |'.repeat(engines.length)}`,
    ...rows,
  ];
}

function reasonTable(): string[] {
  // The keys of a constant.
  const rows = (Object.keys(REASONS) as Reason[]).map((reason) => {
    const cells = Object.entries(KNOWN_FAILURES).flatMap(([engine, hosts]) => {
      const ids = new Set(Object.values(hosts).flatMap((failures) => failures[reason] ?? []));
      return ids.size === 0 ? [] : [`${engine}: ${[...ids].map((id) => `\`${id}\``).join(', ')}`];
    });
    return `| ${REASONS[reason]} | ${cells.join('; ')} |`;
  });
  return ['| why audits fail | which |', '| --- | --- |', ...rows];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(PAGE, withEngineTables(readFileSync(PAGE, 'utf8')));
}
