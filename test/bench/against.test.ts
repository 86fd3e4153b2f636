/** Tests `npm run bench -- --against <checkout>`: its arguments, its servers and its report. It measures nothing. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { betweenCheckouts, type Contest, formatContest } from '../../bench/against.ts';
import { readArguments } from '../../bench/arguments.ts';
import { describeCheckout, ofOther, readServerName } from '../../bench/checkouts.ts';
import { serverCommand } from '../../bench/installation.ts';
import type { Comparison } from '../../bench/measurement.ts';
import { CONTENDERS } from '../../bench/servers/contenders.ts';
import { spread } from '../../bench/statistics.ts';
import type { Work } from '../../bench/work.ts';
import { WORK } from '../../bench/work-table.ts';

const ROOT = join(import.meta.dirname, '../..');
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatebridge-bench-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('arguments', () => {
  it('name a checkout, by a relative or an absolute path', () => {
    expect(readArguments(['--against', ROOT]).against).toBe(ROOT);
    expect(readArguments(['--against', relative(process.cwd(), ROOT) || '.']).against).toBe(ROOT);
    expect(readArguments([]).against).toBeUndefined();
  });

  it.each([
    [[], 5, 3],
    [['--quick'], 5, 1],
    [['--rounds', '2', '--seconds', '4'], 2, 4],
  ])('ask with %j for %d rounds of %d s', (argv, rounds, seconds) => {
    expect(readArguments(['--against', ROOT, ...argv])).toMatchObject({ rounds, seconds });
  });

  it('publish nothing', () => {
    expect(readArguments(['--against', ROOT]).isWhole).toBe(false);
  });

  it('may name work, versions of Node and a target of a profile too', () => {
    const argv = [
      '--against',
      ROOT,
      '--only',
      'down,sse-express',
      '--node',
      '20,26',
      '--profile',
      'sse-node',
    ];
    expect(readArguments(argv)).toMatchObject({
      only: ['down', 'sse-express'],
      nodes: ['20', '26'],
      profile: { server: 'gatebridge with fromNode' },
    });
  });

  it.each(['latency', 'memory', 'start-up'])('refuse %s, which is no CPU time', (name) => {
    expect(() => readArguments(['--against', ROOT, '--only', name])).toThrow(`${name} is not measured with`);
  });

  it('refuse an empty path, as of a variable that is not set', () => {
    expect(() => readArguments(['--against', ''])).toThrow('Option --against must be a folder');
  });

  it('refuse a folder that does not exist', () => {
    const missing = join(folder, 'missing');
    expect(() => readArguments(['--against', missing])).toThrow(`No checkout of gatebridge is at ${missing}`);
  });

  it.each([
    ['another package', '{ "name": "express" }'],
    ['no JSON', 'gatebridge'],
    ['null', 'null'],
  ])('refuse a folder whose package.json is %s', (_title, text) => {
    writeFileSync(join(folder, 'package.json'), text);
    expect(() => readArguments(['--against', folder])).toThrow('No checkout of gatebridge is at');
  });

  it('refuse a checkout that cannot be compiled, and say what is missing', () => {
    writeFileSync(join(folder, 'package.json'), '{ "name": "gatebridge" }');
    expect(() => readArguments(['--against', folder])).toThrow(/tsconfig\.build\.json is missing/);
    writeFileSync(join(folder, 'tsconfig.build.json'), '{}');
    expect(() => readArguments(['--against', folder])).toThrow(/node_modules\/typescript.* is missing/);
    mkdirSync(join(folder, 'node_modules/typescript/bin'), { recursive: true });
    writeFileSync(join(folder, 'node_modules/typescript/bin/tsc'), '');
    expect(readArguments(['--against', folder]).against).toBe(folder);
  });
});

describe('servers of two checkouts', () => {
  it('are our server of each work, first from the other checkout', () => {
    for (const work of WORK) {
      const ours = work.servers[1] ?? '';
      expect(betweenCheckouts(work)).toMatchObject({ servers: [ofOther(ours), ours], bars: [] });
    }
  });

  it('are the same program beside another package', () => {
    for (const name of Object.keys(CONTENDERS)) {
      const [ours, other] = [serverCommand(name), serverCommand(ofOther(name))];
      expect(other[0]).not.toBe(ours[0]);
      expect([other[1], ours[1]]).toEqual([name, name]);
      expect(readServerName(name)).toEqual({ contender: name, isOther: false });
    }
  });

  it('have the commit of their checkout as a name, or its folder', () => {
    expect(describeCheckout(ROOT)).toMatch(/^[\da-f]{7,}(-dirty)?$|^\w+$/);
    expect(describeCheckout(folder)).toBe(folder.split('/').at(-1));
  });
});

describe('the report', () => {
  const lines = formatContest(contest()).split('\n');
  const line = (name: string): string => lines.find((text) => text.startsWith(`| ${name} |`)) ?? '';

  it('says what is compared, where and how', () => {
    expect(lines[0]).toBe('# 1234567-dirty against e495c68, Node 20.19.0');
    expect(lines).toContain('> Too loud.');
    expect(line('name')).toBe('| name | work | e495c68, µs | 1234567-dirty, µs | ratio | others |  |');
  });

  it('has the cost of both, the median of the ratios of all rounds, and the share of others', () => {
    // The median of the ratios is not the ratio of the medians.
    expect(line('hello')).toBe(
      '| hello | hello, few headers | 20.00 (10.00–40.00) | 21.00 (12.00–36.00) | 1.050 (0.900–1.200) | 7 % |  |',
    );
  });

  it('marks each row above 1.05, and only these', () => {
    expect(line('hello')).not.toContain('above');
    expect(line('post')).toContain('| 1.051 (1.051–1.051) | 7 % | **above 1.05** |');
    expect(line('down')).toContain(', for each MiB | 100.00');
    expect(line('down')).toContain('| 0.500 (0.500–0.500) | 7 % |  |');
    expect(lines).toContain('1 of 3 rows above 1.05.');
  });
});

function contest(): Contest {
  return {
    version: 'v20.19.0',
    machine: 'A processor, 2 cores',
    load: 'wrk',
    rounds: 3,
    seconds: 1,
    names: ['1234567-dirty', 'e495c68'],
    comparisons: [
      comparison('hello', [10, 20, 40], [12, 21, 36]),
      comparison('post', [100], [105.1]),
      comparison('down', [100], [50]),
    ],
    doubt: 'Too loud',
  };
}

function comparison(name: string, theirs: readonly number[], ours: readonly number[]): Comparison {
  const found = WORK.find((candidate) => candidate.name === name);
  if (found === undefined) throw new TypeError(`There is no ${name}`);
  const work: Work = betweenCheckouts(found);
  const [other = '', own = ''] = work.servers;
  const costs = new Map([
    [other, spread(theirs)],
    [own, spread(ours)],
  ]);
  const values = new Map([
    [other, theirs],
    [own, ours],
  ]);
  return {
    ...{ work, until: 'requests', rounds: [], costs, rates: costs, others: 0.07 },
    figure: () => undefined,
    ratio: (against, server) =>
      spread(
        (values.get(against) ?? []).map((cost, round) => cost / (values.get(server)?.[round] ?? Number.NaN)),
      ),
  };
}
