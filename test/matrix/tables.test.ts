import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MATRIX_PAGES, withMatrix } from '../../scripts/matrix.ts';
import { ACTS } from './acts.ts';
import { EXCEPTIONS, exceptionOf } from './cells.ts';
import { HOSTS } from './hosts/index.ts';
import { PROGRAMS } from './programs/index.ts';

it.each(MATRIX_PAGES)('%s is up to date: npm run docs', (name) => {
  const page = readFileSync(join(import.meta.dirname, '../..', name), 'utf8');
  expect(page).toBe(withMatrix(page));
});

it('each exception is one of some cell', () => {
  const found = HOSTS.flatMap((host) =>
    PROGRAMS.flatMap((program) => ACTS.map((act) => exceptionOf(host, program, act))),
  );
  expect(EXCEPTIONS.filter((one) => !found.includes(one))).toEqual([]);
});
