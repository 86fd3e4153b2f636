/** Tests how the benchmark evaluates measurements. Measuring itself needs a quiet machine, and is not tested. */
import { describe, expect, it } from 'vitest';
import { readArguments } from '../../bench/arguments.ts';
import type { Comparison } from '../../bench/measurement.ts';
import { doubt } from '../../bench/observation.ts';
import { replaceSummary } from '../../bench/publication.ts';
import { formatResults, formatSummary, type Results } from '../../bench/report.ts';
import { EVENT, EVENTS } from '../../bench/servers/contender.ts';
import { CONTENDERS } from '../../bench/servers/contenders.ts';
import { type Spread, spread } from '../../bench/statistics.ts';
import { NUMBER, WORK } from '../../bench/work.ts';

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
      for (const { server, against } of bars)
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
      expect(of(`down-${name}`)).toMatchObject({ servers: of(name)?.servers, stream: 'down' });
      expect(of(`sse-${name}`)).toMatchObject({ servers: of(name)?.servers, stream: 'events' });
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
    [10, 6.5, 'reached'],
    [10, 6.8, '**missed**'],
  ])('say for costs of %d against %d that a bar of 1.5 is %s', (theirs, ours, verdict) => {
    const text = formatResults(results('v20.19.0', theirs, ours));
    const line = text.split('\n').find((candidate) => candidate.includes('at least 1.50'));
    expect(line).toContain(verdict);
    expect(line).toContain(`**${(theirs / ours).toFixed(2)}**`);
  });

  it('invert the ratio for bars with atMost', () => {
    const text = formatResults(results('v20.19.0', 10, 6));
    const line = text.split('\n').find((candidate) => candidate.includes('at most 1.15'));
    expect(line).toContain('gatebridge **1.20** (1.20–1.20) × floor');
    expect(line).toContain('**missed**');
  });

  it('compare memory and latency with node:http', () => {
    const servers = (theirs: number, ours: number) =>
      new Map([
        ['node:http', { resident: same(theirs), heap: same(0), p50: same(0), p99: same(theirs) }],
        ['gatebridge', { resident: same(ours), heap: same(0), p50: same(0), p99: same(ours) }],
      ]);
    const text = formatResults({
      ...results('v20.19.0', 10, 6),
      memory: { connections: 10_000, servers: servers(8000, 6000) },
      latency: { rate: 50_000, achieved: 1, servers: servers(400, 500) },
    });
    expect(text).toMatch(/memory.*\*\*0\.75\*\*.*at most 1\.00 \| reached/);
    expect(text).toMatch(/latency.*\*\*1\.25\*\*.*at most 1\.00 \| \*\*missed/);
  });

  it('judge only by the bars of the version', () => {
    expect(formatResults(results('v26.1.0', 10, 9))).not.toContain('to reach');
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
    const [, requests, streams] = text.split(/^## .*$/m);
    expect(requests).toContain('| 100 server-sent events of a listener');
    expect(streams).toContain('| 64 MiB streamed down by a listener');
    expect(streams).not.toContain('events');
  });

  it('sum up each work in one line', () => {
    expect(formatSummary(results('v20.19.0', 10, 8))).toContain(
      '| hello, few headers | 10.0 | 8.0 | 1.25× |',
    );
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

describe('arguments', () => {
  it('are read', () => {
    const settings = readArguments(['--only', 'hello,post', '--rounds', '2', '--node', '24']);
    expect(settings).toMatchObject({ only: ['hello', 'post'], rounds: 2, nodes: ['24'], isWhole: false });
  });

  it('publish the figures of a whole run only', () => {
    expect(readArguments([]).isWhole).toBe(true);
    expect(readArguments(['--quick']).isWhole).toBe(false);
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
    [['--only', 'hello,nothing']],
    [['--profile', 'nothing']],
    [['--allocations', 'post/floor']],
  ])('%j are refused', (argv) => {
    expect(() => readArguments(argv)).toThrow(RangeError);
  });
});

function results(version: string, theirs: number, ours: number): Results {
  const work = WORK.find(({ name }) => name === 'hello');
  if (work === undefined) throw new TypeError('There is no hello');
  const costs = new Map(work.servers.map((name) => [name, same(5)]));
  costs.set('node:http', same(theirs)).set('gatebridge', same(ours));
  const comparison: Comparison = {
    work,
    costs,
    rates: costs,
    others: 0,
    ratio: (against, server) =>
      same((costs.get(against)?.median ?? 0) / (costs.get(server)?.median ?? Number.NaN)),
  };
  return {
    version,
    machine: 'A processor, 2 cores',
    load: 'wrk',
    rounds: 3,
    seconds: 1,
    comparisons: [comparison],
    latency: undefined,
    memory: undefined,
    startUp: undefined,
    doubt: 'Too loud',
  };
}

function same(value: number): Spread {
  return { median: value, least: value, most: value };
}
