/** Tests how the benchmark evaluates measurements. Measuring itself needs a quiet machine, and is not tested. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readArguments } from '../../bench/arguments.ts';
import { barRows } from '../../bench/bars.ts';
import { collect, isComplete } from '../../bench/collection.ts';
import { type WarmUp, warmUpsOf } from '../../bench/load.ts';
import { type Comparison, compareRounds, type Sample } from '../../bench/measurement.ts';
import type { Memory } from '../../bench/memory.ts';
import { doubt } from '../../bench/observation.ts';
import { replaceSummary } from '../../bench/publication.ts';
import { formatResults, formatSummary, type Results } from '../../bench/report.ts';
import { EVENT, EVENTS } from '../../bench/servers/contender.ts';
import { CONTENDERS } from '../../bench/servers/contenders.ts';
import { type Spread, spread } from '../../bench/statistics.ts';
import { NUMBER, type Work } from '../../bench/work.ts';
import { WORK } from '../../bench/work-table.ts';

describe('spread', () => {
  it.each([
    [[3], { median: 3, least: 3, most: 3 }],
    [[9, 1, 5], { median: 5, least: 1, most: 9 }],
    [[10, 2, 4, 100], { median: 7, least: 2, most: 100 }],
  ])('of %j', (values, expected) => {
    expect(spread(values)).toEqual(expected);
  });

  it('refuses an empty list', () => {
    expect(() => spread([])).toThrow(RangeError);
  });
});

describe('work', () => {
  it('names existing servers', () => {
    for (const { servers } of WORK) {
      for (const name of servers) expect(Object.keys(CONTENDERS)).toContain(name);
    }
  });

  it('sets bars between measured servers', () => {
    for (const { servers, bars } of WORK) {
      for (const { server, against = server } of bars)
        expect(servers).toEqual(expect.arrayContaining([server, against]));
    }
  });

  it("sends a browser's twelve headers", () => {
    // Host is the twelfth.
    expect(WORK.find(({ name }) => name === 'browser')?.request.headers).toHaveLength(11);
  });

  it.each(['varied', 'varied-browser', 'varied-pipelined'])('%s varies the target', (name) => {
    expect(WORK.find((work) => work.name === name)?.request.path).toContain(NUMBER);
  });

  it.each(['node', 'express', 'fastify'])(
    'streams through %s beside the same program on node:http',
    (name) => {
      const of = (work: string) => WORK.find((candidate) => candidate.name === work);
      expect(of(`down-${name}`)).toMatchObject({ servers: of(name)?.servers.slice(0, 2), stream: 'down' });
      expect(of(`sse-${name}`)).toMatchObject({ servers: of(name)?.servers.slice(0, 2), stream: 'events' });
    },
  );

  it('sends events of 200 octets', () => {
    expect([Buffer.byteLength(EVENT), EVENTS]).toEqual([200, 100]);
  });

  it('posts a KiB of JSON', () => {
    const content = WORK.find(({ name }) => name === 'post')?.request.content ?? '';
    expect(JSON.parse(content)).toHaveProperty('items');
    expect(Math.abs(Buffer.byteLength(content) - 1024)).toBeLessThan(64);
  });
});

describe('reports', () => {
  it.each([
    [10, 5, 5, 'reached'],
    [10, 5.1, 5, '**missed**'],
    [10, 5, 5.1, '**missed**'],
  ])(
    'say for costs of %d against %d after 3 s and %d later that a bar of 2 is %s',
    (theirs, soon, later, verdict) => {
      const line = lineOf(results('v26.1.0', theirs, soon, later), 'at least 2.00');
      expect(line).toBe(
        `| hello, few headers | node:http ÷ gatebridge | ${ratio(theirs / soon)} | ${ratio(theirs / later)} | at least 2.00 | ${verdict} |`,
      );
    },
  );

  it('invert the ratio for bars with atMost, and count the worse of both', () => {
    const line = lineOf(results('v26.1.0', 10, 5, 5.5), 'at most 1.05');
    expect(line).toContain(`gatebridge ÷ floor | ${ratio(1)} | ${ratio(1.1)} |`);
    expect(line).toContain('**missed**');
  });

  it('show ours beside peers without a bar', () => {
    const line = lineOf(results('v26.1.0', 10, 4, 4), 'Bun.serve ÷ gatebridge');
    expect(line).toContain(`| ${ratio(1.25)} | ${ratio(1.25)} | – |  |`);
  });

  it('compare rates by the rate of the server to that of the other', () => {
    const found = results('v26.1.0', 10, 5, 5);
    const work = workOf('down');
    const line = lineOf(
      { ...found, comparisons: found.comparisons.map((one) => ({ ...one, work })) },
      'speed:',
    );
    expect(line).toContain('speed: gatebridge ÷ node:http | **0.50**');
    expect(line).toContain('at least 1.00 | **missed**');
  });

  it('judge a figure without a peer by itself', () => {
    const [first] = results('v26.1.0', 10, 5, 5).comparisons;
    const bar = { server: 'gatebridge', figure: 'balance', atMost: 1.1 } as const;
    const work = { ...workOf('hello'), bars: [bar] };
    const rows = barRows(first === undefined ? [] : [{ ...first, work, figure: () => same(1.2) }], 26);
    expect(rows[0]).toEqual([
      'hello, few headers',
      'busier worker to the other: gatebridge',
      ratio(1.2),
      '',
      'at most 1.10',
      '**missed**',
    ]);
  });

  it('compare memory and latency with node:http, and imports by the difference', () => {
    const servers = (theirs: number, ours: number) =>
      new Map([
        ['node:http', { resident: same(theirs), heap: same(0), p50: same(0), p99: same(theirs) }],
        ['gatebridge', { resident: same(ours), heap: same(0), p50: same(0), p99: same(ours) }],
      ]);
    const found = {
      ...results('v26.1.0', 10, 6),
      memories: [{ connections: 10_000, request: 'hello', servers: servers(8000, 6000) }] as const,
      latency: { rate: 50_000, achieved: 1, servers: servers(400, 500) },
      imports: new Map([
        ['gatebridge/server', { time: same(50), cpu: same(50), more: same(20), atMost: 15 }],
      ]),
    };
    expect(lineOf(found, 'memory')).toMatch(/\*\*0\.75\*\*.*at most 0\.80 \| reached/);
    expect(lineOf(found, '99th')).toMatch(/\*\*1\.25\*\*.*at most 1\.00 \| \*\*missed/);
    expect(lineOf(found, 'import of gatebridge/server')).toMatch(/20\.00.*at most 15 \| \*\*missed/);
  });

  it.each([
    ['v20.19.0', 'at least 4.00'],
    ['v26.1.0', 'at least 1.35'],
  ])('judge Express on %s by its own bar', (version, wanted) => {
    const found = results(version, 10, 9);
    const comparisons = found.comparisons.map((one) => ({ ...one, work: workOf('express') }));
    const text = formatResults({ ...found, comparisons });
    expect(text.match(/express ÷ express on gatebridge.*(at least [\d.]+)/)?.[1]).toBe(wanted);
  });

  it('show doubts above all tables', () => {
    expect(formatResults(results('v20.19.0', 10, 9)).indexOf('> Too loud.')).toBeGreaterThan(0);
  });

  it('count content by the MiB and events by the response', () => {
    const hello = results('v26.1.0', 10, 9);
    const comparisons = ['down-node', 'sse-node'].flatMap((name) => {
      const work = WORK.find((candidate) => candidate.name === name);
      return hello.comparisons.map((comparison) => ({ ...comparison, ...(work && { work }) }));
    });
    const text = formatResults({ ...hello, comparisons });
    const [, , requests, streams] = text.split(/^## .*$/m);
    expect(requests).toContain('| 100 server-sent events of a listener');
    expect(streams).toContain('| 64 MiB streamed down by a listener');
    expect(streams).not.toContain('events');
  });

  it('sum up each work in one line, after the way to warm up that is worse', () => {
    const text = formatSummary(results('v26.1.0', 10, 4, 8));
    expect(text).toContain('| hello, few headers | 10.0 | 8.0 | 1.25× |');
    expect(text.match(/hello/g)).toHaveLength(1);
  });
});

describe('doubts', () => {
  it.each([
    [[], undefined],
    [[0.02, 0.15, 0.01], undefined],
    [[0.4, 0.3, 0.1], 'Other programs had the processors for 27 % of the time'],
  ])('about %j', (shares, expected) => {
    expect(doubt(shares)).toBe(expected);
  });
});

describe('the table in a page', () => {
  const page = 'before\n<!-- bench:begin -->\n\nold $1\n\n<!-- bench:end -->\nafter\n';

  it('replaces only the text between the markers', () => {
    const replaced = replaceSummary(page, '| new $& |');
    expect(replaced).toBe('before\n<!-- bench:begin -->\n\n| new $& |\n<!-- bench:end -->\nafter\n');
    expect(replaceSummary(replaced, '| new $& |')).toBe(replaced);
  });

  it('needs the markers', () => {
    expect(() => replaceSummary('no markers', '')).toThrow('markers');
  });
});

describe('collection', () => {
  /** One round in which each server takes so many microseconds. */
  function part(name: string, until: WarmUp, cost: number): Comparison {
    const work = workOf(name);
    return compareRounds({
      work,
      until,
      rounds: [new Map(work.servers.map((one) => [one, sampleOf(cost)]))],
    });
  }
  const sampleOf = (cost: number): Sample => ({ figures: { cost, rate: 1 }, others: 0 });
  const file = join(mkdtempSync(join(tmpdir(), 'bench-')), 'figures.json');
  const imports = new Map([['node:http', { time: same(1), cpu: same(2), more: same(0), atMost: 1 }]]);
  const first = {
    ...results('v26.1.0', 10, 5),
    comparisons: [part('post', 'seconds', 1), part('hello', 'seconds', 2)],
  };
  const costOf = (all: Results, name: string): number | undefined =>
    all.comparisons.find(({ work }) => work.name === name)?.costs.get('gatebridge')?.median;

  it('keeps the figures of several runs, the latest of each work', () => {
    collect(file, { ...first, imports });
    const all = collect(file, {
      ...first,
      comparisons: [part('hello', 'seconds', 3), part('down', 'seconds', 4)],
    });
    expect(all.comparisons.map(({ work }) => work.name)).toEqual(['hello', 'post', 'down']);
    expect([costOf(all, 'hello'), costOf(all, 'post')]).toEqual([3, 1]);
    expect(all.imports).toEqual(imports);
    expect(collect(file, { ...first, comparisons: [] })).toEqual({ ...all, comparisons: expect.any(Array) });
  });

  it('refuses figures that were taken otherwise', () => {
    expect(() => collect(file, { ...first, rounds: 99 })).toThrow('99 rounds');
    expect(() => collect(file, { ...first, version: 'v1.2.3' })).toThrow('v1.2.3');
  });

  it('is complete once nothing is missing', () => {
    const comparisons = WORK.filter(({ isOnRequest }) => isOnRequest !== true).flatMap((work) =>
      warmUpsOf(work).map((until) => part(work.name, until, 1)),
    );
    const some: Memory = { connections: 1, request: 'hello', servers: new Map() };
    const latency = { rate: 1, achieved: 1, servers: new Map() };
    const whole: Results = {
      ...{ ...first, comparisons, latency, imports, startUp: { servers: new Map() } },
      memories: [some, some],
    };
    expect(isComplete(whole)).toBe(true);
    expect(isComplete({ ...whole, comparisons: comparisons.slice(1) })).toBe(false);
    for (const missing of ['latency', 'startUp', 'imports'] as const)
      expect(isComplete({ ...whole, [missing]: undefined })).toBe(false);
    expect(isComplete({ ...whole, memories: [some] })).toBe(false);
  });
});

describe('arguments', () => {
  it('are read', () => {
    const settings = readArguments(['--only', 'hello,post', '--rounds', '2', '--node', '24']);
    expect(settings).toMatchObject({ only: ['hello', 'post'], rounds: 2, nodes: ['24'], isWhole: false });
  });

  it('publish the figures of a whole run only', () => {
    expect(readArguments([]).isWhole).toBe(true);
    expect(readArguments(['--quick']).isWhole).toBe(false);
  });

  it.each([
    [[], 32, ['seconds', 'requests']],
    [['--connections', '64', '--warm-up', 'seconds'], 64, ['seconds']],
    [['--warm-up', 'requests'], 32, ['requests']],
    [['--against', '.'], 32, ['requests']],
  ])('%j ask for %d connections, warm by %j', (argv, connections, warmUps) => {
    expect(readArguments(argv)).toMatchObject({ connections, warmUps });
  });

  it.each([[['--connections', '64']], [['--warm-up', 'seconds']], [['--only', 'hello']]])(
    'publish nothing with %j',
    (argv) => {
      expect(readArguments(argv).isWhole).toBe(false);
    },
  );

  it.each(['--quick', '--against=.', '--connections=64'])('collect no figures of %s', (argument) => {
    expect(() => readArguments(['--into', 'x.json', argument])).toThrow('--into');
    expect(readArguments(['--into', 'x.json']).into).toBe('x.json');
  });

  it('may name several versions of Node', () => {
    expect(readArguments(['--node', '20,24,26']).nodes).toEqual(['20', '24', '26']);
    expect(readArguments([]).nodes).toEqual([]);
  });

  it.each([
    ['hello', 'gatebridge'],
    ['express', 'express on gatebridge'],
    ['hello/floor', 'floor'],
  ])('name %s to profile', (text, server) => {
    expect(readArguments(['--profile', text]).profile).toMatchObject({ server });
  });

  it.each([
    [['--rounds', '0']],
    [['--rounds', '1.5']],
    [['--seconds', 'long']],
    [['--connections', '0']],
    [['--warm-up', 'long']],
    [['--only', 'hello,nothing']],
    [['--profile', 'nothing']],
    [['--allocations', 'post/floor']],
  ])('%j are refused', (argv) => {
    expect(() => readArguments(argv)).toThrow(RangeError);
  });
});

function workOf(name: string): Work {
  const work = WORK.find((candidate) => candidate.name === name);
  if (work === undefined) throw new TypeError(`There is no ${name}`);
  return work;
}

/** The line of the report that has some text. */
function lineOf(found: Results, text: string): string | undefined {
  return formatResults(found)
    .split('\n')
    .find((line) => line.includes(text));
}

function ratio(value: number): string {
  return `**${value.toFixed(2)}** (${value.toFixed(2)}–${value.toFixed(2)})`;
}

function results(version: string, theirs: number, soon: number, later: number = soon): Results {
  return {
    version,
    machine: 'A processor, 2 cores',
    load: 'wrk',
    rounds: 3,
    seconds: 1,
    comparisons: [comparison('seconds', theirs, soon), comparison('requests', theirs, later)],
    latency: undefined,
    memories: [],
    startUp: undefined,
    imports: undefined,
    doubt: 'Too loud',
  };
}

function comparison(until: WarmUp, theirs: number, ours: number): Comparison {
  const work = workOf('hello');
  const costs = new Map(work.servers.map((name) => [name, same(5)]));
  costs.set('node:http', same(theirs)).set('gatebridge', same(ours));
  return {
    ...{ work, until, rounds: [], costs, rates: costs, others: 0 },
    figure: () => undefined,
    ratio: (against, server) =>
      same((costs.get(against)?.median ?? 0) / (costs.get(server)?.median ?? Number.NaN)),
  };
}

function same(value: number): Spread {
  return { median: value, least: value, most: value };
}
