/** docs/scaling.md: its arithmetic is right, and its commands name files that exist. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const PAGE = readFileSync(join(ROOT, 'docs/scaling.md'), 'utf8');

/** The rows of the table with these words in its head, as cells. */
function rowsOf(head: string): string[][] {
  const [, table = ''] = PAGE.split(head);
  const rows = table
    .slice(0, table.indexOf('\n\n'))
    .split('\n')
    .filter((line) => /^\| (?!---)/.test(line));
  return rows.map((row) => row.slice(2, -2).split(' | '));
}

/** Reads a figure, such as 87,000 or 11.5 µs. */
const figure = (text = ''): number => Number(/[\d,.]+/.exec(text)?.[0].replaceAll(',', ''));

function expectAbout(shown: string | undefined, value: number): void {
  expect(Math.abs(figure(shown) / value - 1), `${shown} is ${value}`).toBeLessThan(0.02);
}

const [hello = []] = rowsOf('in a second on one core |');
const OWN = figure(hello[1]);
/** Requests in a second of an application that takes 1 ms, at 70 % of a core. */
const OF_A_MILLISECOND = (0.7 * 1e6) / (1_000 + OWN);

it('turns times into requests in a second', () => {
  const rows = [...rowsOf('in a second on one core |'), ...rowsOf('a request takes | in a second |')];
  expect(rows.length).toBe(13);
  for (const [, time, count] of rows) expectAbout(count, 1e6 / figure(time));
});

it('adds the time of the application to that of the server', () => {
  for (const [own = '', time] of rowsOf('a request takes | in a second |'))
    expectAbout(time, OWN + (own === 'nothing' ? 0 : figure(own) * 1_000));
});

it('multiplies by cores and by hosts', () => {
  for (const [cores, plain, working] of rowsOf('an application of 1 ms, at 70 % |')) {
    expectAbout(plain, figure(cores) * figure(hello[2]));
    expectAbout(working, figure(cores) * OF_A_MILLISECOND);
  }
  for (const [hosts, count] of rowsOf('one host away |'))
    expectAbout(count, (figure(hosts) - 1) * 4 * OF_A_MILLISECOND);
});

it('names tests and scripts that exist', () => {
  const [, block = ''] = /```sh\n([\s\S]*?)```/.exec(PAGE) ?? [];
  const files = block.match(/test\/\S+/g) ?? [];
  expect(files.length).toBe(3);
  for (const file of files) expect(existsSync(join(ROOT, file)), file).toBe(true);
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  for (const [, name = ''] of block.matchAll(/npm run (\S+)/g)) expect(scripts).toHaveProperty(name);
});
