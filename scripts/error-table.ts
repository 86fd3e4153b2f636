/**
 * Writes the table of src/error-table.ts into docs/errors.md. test/errors.test.ts checks that the page is up to date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ERRORS } from '../src/errors.ts';

const PAGE = 'docs/errors.md';
const PLACE = /(?<=<!-- table -->\n)[\s\S]*?(?=<!-- end of table -->)/;

/** Gives the text of the page with the current table. */
export function withTable(page: string): string {
  const rows = Object.entries(ERRORS).map(([code, { party, statusCode, source, message }]) => {
    return `| \`${code}\` | ${party} | ${statusCode} | ${message.replace('{detail}', '…')} | ${source} |`;
  });
  const table = ['| code | to blame | status | message | rule |', '| --- | --- | --- | --- | --- |', ...rows];
  return page.replace(PLACE, () => `\n${table.join('\n')}\n\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8')));
}
