/**
 * Writes the option tables of the sources into the pages. test/docs.test.ts checks that the pages are up to date.
 *
 * A table goes between `<!-- options: NAME in path, NAME in path -->` and `<!-- end of options -->`.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(import.meta.dirname, '..');
const PLACE = /(<!-- options: ([^>]+) -->\n)[\s\S]*?(<!-- end of options -->)/g;

/** A row: its comment, its name and its object literal. */
const ROW = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*(\w+): \{([^}]*)\}/g;

/** Gives the text of a page with the current tables. */
export function withOptionTables(page: string): string {
  return page.replace(PLACE, (_place, begin: string, sources: string, end: string) => {
    const rows = sources.split(',').flatMap((source) => readRows(source.trim()));
    return `${begin}\n| option | default | meaning |\n| --- | --- | --- |\n${rows.join('\n')}\n\n${end}`;
  });
}

function readRows(source: string): string[] {
  return rowsOf(source).map(([option, meaning, row]) => `| \`${option}\` | ${defaultOf(row)} | ${meaning} |`);
}

/** Gives the meanings of the options of a table, `NAME in path`, by their names. */
export function readMeanings(source: string): Map<string, string> {
  return new Map(rowsOf(source).map(([option, meaning]) => [option, meaning]));
}

function rowsOf(source: string): [option: string, meaning: string, row: string][] {
  const [name = '', path = ''] = source.split(' in ');
  const text = readFileSync(join(ROOT, path), 'utf8');
  const table = new RegExp(`export const ${name} = \\{([\\s\\S]*?)\\n\\} as const;`).exec(text)?.[1];
  if (table === undefined) throw new Error(`${path} has no table ${name}`);
  return [...table.matchAll(ROW)].map(([, comment = '', option = '', row = '']) => {
    return [option, comment.replace(/\s*\n\s*\*\s?/g, ' ').trim(), row];
  });
}

/** The default as it is in the source, with its unit. */
function defaultOf(row: string): string {
  if (row.includes('isUnlimited: true')) return '`Infinity`';
  const [, value] = /default: (\[[^\]]*\]|[^,}]+)/.exec(row) ?? [];
  if (value === undefined) return '';
  const unit = UNITS[/type: '(\w+)'/.exec(row)?.[1] ?? ''] ?? '';
  return `\`${value.trim().replace(/(?<=\d)_(?=\d)/g, '')}\`${unit}`;
}

const UNITS: Readonly<Record<string, string>> = { milliseconds: ' ms', octets: ' octets' };

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const name of readdirSync(join(ROOT, 'docs'))) {
    const path = join(ROOT, 'docs', name);
    writeFileSync(path, withOptionTables(readFileSync(path, 'utf8')));
  }
}
