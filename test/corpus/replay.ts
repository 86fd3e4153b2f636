/**
 * Sends the octets of a case to a server over a socket, and reports what it observes.
 *
 * Rule 1: nothing is judged here; judgement.ts compares the observation with the case.
 * Rule 2: the expected outcome only decides how long to wait.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Arrivals, readArrivals } from './arrivals.ts';
import type { Contestant, Talk, WitnessedRequest } from './contestant.ts';
import type { CorpusCase } from './corpus.ts';
import type { Piece } from './octets.ts';
import type { Outcome } from './outcome.ts';

/** A way to send octets. */
export interface Sending {
  readonly pieces: readonly Piece[];
  /** The client closes its half after them. */
  readonly isLast: boolean;
}

/** The observation of one case. */
export interface Observation {
  readonly requests: readonly WitnessedRequest[];
  readonly arrivals: Arrivals;
  readonly end: Outcome['end'] | 'reset';
  /** Milliseconds from before the first octet to the end of the connection; NaN if it did not end. */
  readonly after: number;
  readonly hasCrashed: boolean;
}

/** Options of one replay. */
export interface ReplayOptions {
  readonly sending: Sending;
  /** The outcome to wait for. @default the outcome of the case */
  readonly outcome?: Outcome;
  /** Milliseconds to wait for it. */
  readonly patience?: number;
}

const PROBE = 'GET /probe HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n';

/** Milliseconds: to wait for expected events, for unexpected ones, and between two looks. */
const PATIENCE = 4000;
const GRACE = 20;
const LOOK = 4;

/** Replays one case. */
export async function replay(
  contestant: Contestant,
  each: CorpusCase,
  { sending, outcome = each.outcome, patience = PATIENCE }: ReplayOptions,
): Promise<Observation> {
  const socket = connect({ port: contestant.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  const inbox = new Inbox(socket, refusedMethod(each));
  await new Promise((resolve) => socket.once('connect', resolve).once('error', resolve));
  const key = String(socket.localPort);
  const talk: Talk = { script: each.script, requests: [], hasCrashed: false };
  contestant.talks.set(key, talk);
  const started = performance.now();
  try {
    await send(socket, sending);
    const expected = sending.isLast ? ({ ...outcome, end: 'closed' } as const) : outcome;
    await until(() => isReached(expected, inbox, talk), patience + (outcome.after ?? 0));
    if (!inbox.isOver) await delay(GRACE);
    const requests = talk.requests.map((request) => ({ ...request }));
    const arrivals = inbox.read(requests);
    const { hasCrashed } = talk;
    const end = inbox.isReset ? 'reset' : inbox.isOver ? 'closed' : await probe(socket, talk, expected);
    return { requests, arrivals, end, after: inbox.endedAt - started, hasCrashed };
  } finally {
    socket.destroy();
    contestant.talks.delete(key);
  }
}

/** HEAD if the refused request is the first one and has that method: its refusal has no content. */
function refusedMethod({ octets, outcome }: CorpusCase): string {
  const isHead = /^(?:\r\n)*HEAD /.test(octets.toString('latin1'));
  return isHead && outcome.requests.length === 0 ? 'HEAD' : '';
}

/** Collects what comes on a socket. */
class Inbox {
  #text = '';
  isOver = false;
  isReset = false;
  endedAt = Number.NaN;

  readonly #refusedMethod: string;

  /** @param refusedMethod The method of the refused request, if it is known */
  constructor(socket: Socket, refusedMethod: string) {
    this.#refusedMethod = refusedMethod;
    const end = (): void => {
      if (this.isOver) return;
      this.isOver = true;
      this.endedAt = performance.now();
    };
    socket.on('data', (octets: Buffer) => {
      this.#text += octets.toString('latin1');
    });
    socket.on('error', () => {
      this.isReset ||= !this.isOver;
    });
    socket.on('end', end);
    socket.on('close', end);
  }

  read(requests: readonly { readonly method: string }[]): Arrivals {
    const methods = requests.map(({ method }) => method);
    return readArrivals(this.#text, this.isOver, [...methods, this.#refusedMethod]);
  }
}

/** Sends each piece in a segment of its own, as far as a client can. */
async function send(socket: Socket, { pieces, isLast }: Sending): Promise<void> {
  for (const { octets, pause } of pieces) {
    if (pause > 0) await delay(pause);
    if (socket.destroyed) return;
    if (octets.length === 0) continue;
    await new Promise<void>((resolve) => socket.write(octets, () => resolve()));
    // Lets the server run.
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (isLast) socket.end();
}

/** Tells if everything that is expected has come. */
function isReached(expected: Outcome, inbox: Inbox, talk: Talk): boolean {
  if (inbox.isOver) return true;
  if (expected.end === 'closed' || talk.requests.length < expected.requests.length) return false;
  const last = expected.requests.at(-1);
  if ((talk.requests.at(-1)?.content.length ?? 0) < (last?.content.length ?? 0)) return false;
  const { responses, interim } = inbox.read(talk.requests);
  if (last?.isWhole === false && last.expectsContinue && interim.length === 0) return false;
  const answered = expected.requests.filter(({ isWhole }) => isWhole).length;
  return responses.filter(({ isWhole }) => isWhole).length >= answered;
}

/** Tells if the connection takes another request, or waits for more of an incomplete one. */
async function probe(socket: Socket, talk: Talk, { end }: Outcome): Promise<'kept' | 'waits'> {
  const isKept = (): boolean => {
    const last = talk.requests.at(-1);
    return last?.method === 'GET' && last.target === '/probe';
  };
  socket.write(PROBE);
  await until(() => isKept() || socket.destroyed, end === 'kept' ? PATIENCE : 100);
  return isKept() ? 'kept' : 'waits';
}

async function until(condition: () => boolean, patience: number): Promise<void> {
  const deadline = performance.now() + patience;
  while (!condition() && performance.now() < deadline) await delay(LOOK);
}
