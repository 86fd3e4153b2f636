/**
 * Feeds the corpus to the parser in every way. The outcome never depends on how the octets were cut, nor on a request
 * before them.
 */
import { describe, expect, it } from 'vitest';
import type { HttpLimits } from '../../src/http/index.ts';
import { type CorpusCase, readCorpus } from '../corpus/corpus.ts';
import { decodeOctets } from '../corpus/octets.ts';
import { type Outcome, parseOutcome } from '../corpus/outcome.ts';
import { cut, cutAll, exchange, octets } from './exchange.ts';

const cases = readCorpus();

/** Requirements about input; the others are about time and responses. */
const REQUIREMENTS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 20, 22, 24];

const BEFORE = octets('GET /before HTTP/1.1\r\nHost: before\r\n\r\n');
/** Largest input, in octets, that is cut at every position. */
const SMALL = 1500;

/** The part of an outcome that a client can see. */
function outcomeOf(pieces: Buffer[], limits: Partial<HttpLimits>): Outcome {
  const { requests, refusal, end } = exchange(pieces, limits);
  return { requests, refusal, end };
}

/** All positions of a small input; of a large one, those near both ends and some in between. */
function positionsIn({ length }: Buffer): number[] {
  const positions = Array.from({ length }, (_, at) => at);
  return length <= SMALL
    ? positions
    : positions.filter((at) => at < 200 || length - at < 200 || at % 499 === 0);
}

describe('the corpus', () => {
  it('has at least 400 different inputs', () => {
    const inputs = cases.map(({ octets: whole, limits, script }) =>
      JSON.stringify([limits, script, whole.toString('latin1')]),
    );
    expect(new Set(inputs).size).toBeGreaterThanOrEqual(400);
  });

  it.each(Array.from({ length: 24 }, (_, index) => index + 1))(
    'has at least 8 inputs for requirement %d',
    (requirement) => {
      expect(cases.filter((each) => each.requirement === requirement).length).toBeGreaterThanOrEqual(8);
    },
  );

  it('cites a source in each note', () => {
    const unexplained = cases.filter(({ note }) => !/RFC \d{4} §\d|CVE-\d{4}-\d+/.test(note));
    expect(unexplained.map(({ name }) => name)).toEqual([]);
  });
});

describe.each(REQUIREMENTS)('requirement %d', (requirement) => {
  const own = cases.filter((each) => each.requirement === requirement);

  it.each(own)('$name', ({ octets: whole, limits, outcome }: CorpusCase) => {
    expect(outcomeOf([whole], limits)).toEqual(outcome);
    expect(outcomeOf(cutAll(whole), limits)).toEqual(outcome);
    for (const position of positionsIn(whole)) {
      expect(outcomeOf(cut(whole, [position]), limits), `cut at ${position}`).toEqual(outcome);
    }

    const behind = Buffer.concat([BEFORE, whole]);
    const [before] = outcomeOf([BEFORE], {}).requests;
    const both = { ...outcome, requests: [before, ...outcome.requests] };
    expect(outcomeOf([behind], limits)).toEqual(both);
    expect(outcomeOf([BEFORE, whole], limits)).toEqual(both);
    expect(outcomeOf(cutAll(behind), limits)).toEqual(both);
  });
});

describe('the notation', () => {
  it.each([
    ['a\\r\\n\nb', 'a\r\nb'],
    ['\\x20a\\t\\0\\\\\\xff', ' a\t\0\\\xff'],
    ['x<3×ab>y<2×\\r\\n>', 'xabababy\r\n\r\n'],
    ['<2×a<3×b>\\x3e>', 'abbb>abbb>'],
    ['a<20 ms>b<2×<5 ms>c>', 'abcc'],
    ['<a>', '<a>'],
    ['', ''],
  ])('reads %j', (notation, text) => {
    expect(decodeOctets(notation).toString('latin1')).toBe(text);
  });

  it.each([' a', 'a ', 'a\\', '\\q', '\\x2', '<2×a', 'é', '\t'])('refuses %j', (notation) => {
    expect(() => decodeOctets(notation)).toThrow();
  });

  it('reads outcomes', () => {
    const text = 'GET /a; POST /b "c\\r" … awaits 100; 400; closed';
    const a = {
      method: 'GET',
      target: '/a',
      content: '',
      isWhole: true,
      trailers: [],
      expectsContinue: false,
    };
    const b = { ...a, method: 'POST', target: '/b', content: 'c\r', isWhole: false, expectsContinue: true };
    expect(parseOutcome(text)).toEqual({ requests: [a, b], refusal: 400, end: 'closed' });
    expect(parseOutcome('PUT / trailers "A: b\\r\\nC: d\\r\\n"; kept').requests[0]?.trailers).toEqual([
      'A',
      'b',
      'C',
      'd',
    ]);
  });

  it.each(['', 'GET /', 'GET / kept', '400; kept', '400; GET /; closed', 'GET /; 302; closed', 'GET; kept'])(
    'refuses the outcome %j',
    (text) => {
      expect(() => parseOutcome(text)).toThrow();
    },
  );
});
