/**
 * The corpus over sockets: sent whole, octet by octet, cut in two, after a valid request, and followed by a
 * half-close. Every way has the same outcome.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { type Contestant, startOurs } from '../corpus/contestant.ts';
import { type CorpusCase, readCorpus } from '../corpus/corpus.ts';
import { type Judgement, judge, whenLast } from '../corpus/judgement.ts';
import type { Piece } from '../corpus/octets.ts';
import type { Outcome, SeenRequest } from '../corpus/outcome.ts';
import { inParallel } from '../corpus/parallel.ts';
import { replay, type Sending } from '../corpus/replay.ts';
import { cut, cutAll, octets } from '../http/exchange.ts';

const cases = readCorpus();
const REQUIREMENTS = [...new Set(cases.map(({ requirement }) => requirement))];

/** Inputs up to this many octets are also sent octet by octet. */
const SMALL = 200;
/** Connections at the same time. */
const PARALLEL = 48;

const BEFORE = octets('GET /before HTTP/1.1\r\nHost: before\r\n\r\n');
const BEFORE_REQUEST: SeenRequest = {
  method: 'GET',
  target: '/before',
  content: '',
  isWhole: true,
  trailers: [],
  expectsContinue: false,
};

/** A way to send a case, and its expected outcome. */
interface Way {
  readonly name: string;
  readonly sending: Sending;
  readonly outcome: Outcome;
}

const servers = new Map<string, Promise<Contestant>>();
function serverFor({ limits }: CorpusCase): Promise<Contestant> {
  const key = JSON.stringify(limits);
  const server = servers.get(key) ?? startOurs(limits);
  servers.set(key, server);
  return server;
}

afterAll(async () => {
  for (const server of servers.values()) await (await server).stop();
});

const atOnce = (pieces: readonly Buffer[]): Piece[] => pieces.map((piece) => ({ octets: piece, pause: 0 }));

function waysOf({ octets: whole, pieces, outcome }: CorpusCase): Way[] {
  const asWritten = { name: 'as written', sending: { pieces, isLast: false }, outcome };
  // A case about time is sent once, at its own pace.
  if (outcome.after !== undefined) return [asWritten];
  const { length } = whole;
  const positions = [1, Math.floor(length / 3), Math.floor((2 * length) / 3), length - 2, length - 1];
  const behind = { ...outcome, requests: [BEFORE_REQUEST, ...outcome.requests] };
  const ways: Way[] = [
    asWritten,
    { name: 'whole', sending: { pieces: atOnce([whole]), isLast: false }, outcome },
    { name: 'cut', sending: { pieces: atOnce(cut(whole, positions)), isLast: false }, outcome },
    {
      name: 'after a request',
      sending: { pieces: atOnce([Buffer.concat([BEFORE, whole])]), isLast: false },
      outcome: behind,
    },
    { name: 'last', sending: { pieces: atOnce([whole]), isLast: true }, outcome: whenLast(outcome) },
  ];
  if (length <= SMALL) {
    ways.push({
      name: 'octet by octet',
      sending: { pieces: atOnce(cutAll(whole)), isLast: false },
      outcome,
    });
  }
  return ways;
}

async function judgeWay(each: CorpusCase, { sending, outcome }: Way): Promise<Judgement> {
  const contestant = await serverFor(each);
  // The expected outcome sets how long to wait; a half-closed way is judged like a client that stays.
  const judged = sending.isLast ? each.outcome : outcome;
  return judge(judged, await replay(contestant, each, { sending, outcome }), sending);
}

/** Lists the faults of a case in all ways of sending it. */
async function deviationsOf(each: CorpusCase): Promise<unknown[]> {
  const deviations: unknown[] = [];
  for (const way of waysOf(each)) {
    let judgement = await judgeWay(each, way);
    if (judgement.isLate) judgement = await judgeWay(each, way);
    const { outcome, faults } = judgement;
    if (faults.length > 0 || !isSame(outcome, way.outcome)) {
      deviations.push({ way: way.name, outcome, expected: way.outcome, faults });
    }
  }
  return deviations;
}

function isSame(left: unknown, right: unknown): boolean {
  try {
    expect(left).toEqual(right);
    return true;
  } catch {
    return false;
  }
}

const results = inParallel(cases, PARALLEL, deviationsOf);

it('covers all requirements', () => {
  expect(REQUIREMENTS).toEqual(Array.from({ length: 24 }, (_, index) => index + 1));
});

describe.each(REQUIREMENTS)('requirement %d over sockets', (requirement) => {
  const own = cases
    .map((each, index) => ({ ...each, index }))
    .filter((each) => each.requirement === requirement);

  it.each(own)('$name', async ({ index }) => {
    expect(await results[index]).toEqual([]);
  });
});
