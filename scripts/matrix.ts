/**
 * Writes the tables of docs/matrix.md and of the README: the hosts with the programs. They are made of what the tests in
 * test/matrix run, and test/matrix/tables.test.ts checks that the pages are up to date.
 *
 * A table goes between `<!-- NAME -->` and `<!-- end of NAME -->`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ACTS } from '../test/matrix/acts.ts';
import { EXCEPTIONS, type Exception, exceptionOf } from '../test/matrix/cells.ts';
import { HOSTS } from '../test/matrix/hosts/index.ts';
import type { Host, Program } from '../test/matrix/matrix.ts';
import { PROGRAMS } from '../test/matrix/programs/index.ts';

/** The pages that have tables. */
export const MATRIX_PAGES: readonly string[] = ['docs/matrix.md', 'README.md'];

/** Gives the text of a page with the current tables. */
export function withMatrix(page: string): string {
  const tables = {
    matrix: matrixTable(),
    exceptions: exceptionTable(),
    acts: actTable(),
    'matrix of hosts': hostTable(),
    'matrix of programs': programTable(),
    'compact matrix': compactTable(),
  };
  return Object.entries(tables).reduce((text, [name, rows]) => {
    const place = new RegExp(`(?<=<!-- ${name} -->\\n)[\\s\\S]*?(?=<!-- end of ${name} -->)`);
    return text.replace(place, () => `\n${rows.join('\n')}\n\n`);
  }, page);
}

function matrixTable(): string[] {
  const rows = HOSTS.map((host) => {
    const cells = PROGRAMS.map((program) => {
      const lacks = ACTS.map((act) => exceptionOf(host, program, act)).filter((one) => one !== undefined);
      return phrase(lacks.map((one) => `${one.act} (${letterOf(one)})`));
    });
    return row([host.name, ...cells]);
  });
  return table(['host', ...PROGRAMS.map(({ name }) => name)], rows);
}

function phrase(lacks: readonly string[]): string {
  return lacks.length === 0 ? 'all' : `all but ${lacks.join(', ')}`;
}

function letterOf(exception: Exception): string {
  return String.fromCharCode('a'.charCodeAt(0) + EXCEPTIONS.indexOf(exception));
}

function exceptionTable(): string[] {
  const rows = EXCEPTIONS.map((one) => {
    const names = one.hosts.map(({ name }) => name).join(', ');
    return row([letterOf(one), names, one.act, one.sentence]);
  });
  return table(['', 'host', 'act', 'why not, which the tests show'], rows);
}

function actTable(): string[] {
  return table(
    ['act', 'what happens'],
    ACTS.map(({ name, sentence }) => row([name, sentence])),
  );
}

function hostTable(): string[] {
  const rows = HOSTS.map(({ name, expression, reached }) => row([name, `\`${expression}\``, reached]));
  return table(['host', 'in a program', 'how the tests reach it'], rows);
}

function programTable(): string[] {
  const rows = PROGRAMS.map(({ name, expression, content }) => row([name, `\`${expression}\``, content]));
  return table(['program', 'in the place of `app`', 'what the tests run'], rows);
}

/** A column for each function that makes a host, a row for each kind of program. */
function compactTable(): string[] {
  const columns = groupsOf(
    HOSTS.filter(({ isForTests }) => isForTests !== true),
    ({ expression }) => /\w+(?=\(app)/.exec(expression)?.[0] ?? expression,
  );
  const rows = [...groupsOf(PROGRAMS, ({ kind }) => kind)].map(([kind, programs]) => {
    const cells = [...columns.values()].map((hosts) => phrase(lackedByAll(hosts, programs)));
    return row([kind, `\`${programs[0]?.expression}\``, ...cells]);
  });
  return table(['', '', ...[...columns.keys()].map((name) => `\`${name}\``)], rows);
}

/** Gives the acts that no pair has. */
function lackedByAll(hosts: readonly Host[], programs: readonly Program[]): string[] {
  const lacked = ACTS.filter((act) =>
    hosts.every((host) => programs.every((program) => exceptionOf(host, program, act) !== undefined)),
  );
  return lacked.map(({ name }) => name);
}

function groupsOf<Item>(items: readonly Item[], nameOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) groups.set(nameOf(item), [...(groups.get(nameOf(item)) ?? []), item]);
  return groups;
}

function table(heads: readonly string[], rows: readonly string[]): string[] {
  return [row(heads), `|${' --- |'.repeat(heads.length)}`, ...rows];
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const page of MATRIX_PAGES) writeFileSync(page, withMatrix(readFileSync(page, 'utf8')));
}
