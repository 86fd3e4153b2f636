/**
 * Writes the flags of the command into docs/cli.md, from their one table. test/docs.test.ts checks that the page is up to date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FlagRow, GROUPS } from '../src/cli/command-options.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { FLAGS, flagOf } from '../src/cli/flags.ts';
import { readMeanings } from './option-tables.ts';

const PAGE = join(import.meta.dirname, '../docs/cli.md');
const PLACE = /(<!-- flags: (\w+) -->\n)[\s\S]*?(<!-- end of flags -->)/g;

/** The tables that the options of the server come from. */
const SERVER_TABLES = [
  'LIMITS in src/http/limits.ts',
  'SERVER_SETTINGS in src/server/options.ts',
  'SERVER_OPTIONS in src/server/options.ts',
  'HTTP2_OPTIONS in src/server/http2/options.ts',
  'ENVIRON_OPTIONS in src/gateway/environ.ts',
  'GATEWAY_OPTIONS in src/gateway/gateway-options.ts',
];

/** Gives the text of the page with the current tables. */
export function withFlagTables(page: string): string {
  const meanings = new Map(SERVER_TABLES.flatMap((table) => [...readMeanings(table)]));
  return page.replace(PLACE, (_place, begin: string, group: string, end: string) => {
    if (!Object.hasOwn(GROUPS, group)) throw new Error(`docs/cli.md names a group that is none: ${group}`);
    const rows = Object.entries(FLAGS).filter(([, row]) => row.group === group);
    const lines = rows.map(([name, row]) => formatRow(name, row, meanings.get(name)));
    return `${begin}\n| flag | key of the config file | default | meaning |\n| --- | --- | --- | --- |\n${lines.join('\n')}\n\n${end}`;
  });
}

function formatRow(name: string, row: FlagRow, meaning: string | undefined): string {
  const value =
    row.type === 'boolean'
      ? ''
      : ` ${row.value ?? (typeof row.type === 'string' ? 'VALUE' : row.type.join('|'))}`;
  const isOn = row.type === 'boolean' && row.default === true;
  const flag = isOn ? flagOf(name).replace('--', '--[no-]') : flagOf(name);
  const short = row.short === undefined ? '' : `\`-${row.short}\`, `;
  const text = meaning ?? row.help.replace(/ \[[^\]]*\]$/, '');
  const env = row.env === undefined ? '' : ` Variable \`${row.env}\`.`;
  const key = row.isFlagOnly === true ? '' : `\`${name}\``;
  return `| ${short}\`${flag}${value.replaceAll('|', '\\|')}\` | ${key} | ${defaultOf(row)} | ${capital(text)}${/[.]$/.test(text) ? '' : '.'}${env} |`;
}

function defaultOf(row: FlagRow): string {
  if (row.isUnlimited === true) return 'no limit';
  if (row.default === undefined || row.default === false) return '';
  const unit = row.type === 'milliseconds' ? ' ms' : '';
  return row.default === true ? 'on' : `\`${row.default}\`${unit}`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** The names of the exit codes, for the test that finds each on the page. */
export const EXIT_CODES: readonly number[] = Object.values(EXIT);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(PAGE, withFlagTables(readFileSync(PAGE, 'utf8')));
}
