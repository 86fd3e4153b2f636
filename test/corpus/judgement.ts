/**
 * Holds what came of a case against what should have.
 *
 * Rule 1: the outcome is told in the corpus's own terms, so that the two can be compared as they stand.
 * Rule 2: what every response owes, whatever the case is about, is checked here: each breach is one sentence.
 */
import { type Arrival, valuesOf } from './arrivals.ts';
import type { Outcome, ResponsePattern, SeenRequest } from './outcome.ts';
import type { Observation, Sending } from './replay.ts';

/** An outcome as it was, and what else was wrong. */
export interface Judgement {
  readonly outcome: Omit<Outcome, 'end'> & { readonly end: Outcome['end'] | 'reset' };
  readonly faults: readonly string[];
  /** Whether the only fault is that the end came too late, which a busy machine can do. */
  readonly isLate: boolean;
}

/** Milliseconds that a time-out may be late. */
const lateness = (timeout: number): number => Math.max(250, timeout / 4);

/** Judges what came of the octets of a case. */
export function judge(expected: Outcome, observed: Observation, { isLast }: Sending): Judgement {
  const { requests, arrivals } = observed;
  const { responses } = arrivals;
  const isRefused =
    responses.length > requests.length ||
    (responses.length > 0 && requests[responses.length - 1]?.isWhole === false);
  const refusal = isRefused ? responses.at(-1) : undefined;
  // Whose half ends amid a request may be told so, or not; a 2xx it must not be.
  const isTold = isLast && expected.end === 'waits' && [400, 408].includes(refusal?.status ?? 0);
  const outcome = {
    requests: requests.map((request, index) =>
      describeRequest(request, expected.requests[index], responses[index]),
    ),
    refusal: isTold ? undefined : refusal?.status,
    end: observed.end,
  };
  const faults = [
    ...answerFaults(expected, observed),
    ...continueFaults(expected, observed),
    ...(refusal === undefined ? [] : refusalFaults(refusal)),
    ...(isLast || expected.after !== undefined ? [] : persistenceFaults(observed)),
  ];
  const { after } = expected;
  if (after === undefined) return { outcome, faults, isLate: false };
  if (observed.after < after) faults.push(`closed after ${observed.after} ms`);
  const isLate = observed.after > after + lateness(after);
  if (isLate) faults.push(`closed only after ${observed.after} ms`);
  return { outcome: { ...outcome, after }, faults, isLate: isLate && faults.length === 1 };
}

/** The outcome that octets have whose client closes its half behind them. */
export function whenLast(outcome: Outcome): Outcome {
  return { ...outcome, end: 'closed' };
}

function describeRequest(
  { method, target, content, isWhole, trailers }: Observation['requests'][number],
  expected: SeenRequest | undefined,
  response: Arrival | undefined,
): SeenRequest {
  // What a client waits for is seen by the 100 that it gets.
  const expectsContinue = expected?.expectsContinue ?? false;
  const request = { method, target, content, isWhole, trailers, expectsContinue };
  const pattern = expected?.response;
  if (pattern === undefined || response === undefined) return request;
  return { ...request, response: describeResponse(response, pattern) };
}

/** What a pattern asks about, as it is. */
function describeResponse(response: Arrival, pattern: ResponsePattern): ResponsePattern {
  return {
    status: response.status,
    framing: response.framing,
    pieces: response.pieces.filter((piece) => piece !== ''),
    isCut: !response.isWhole,
    lines: pattern.lines.filter((line) => response.lines.includes(line)),
    absent: pattern.absent.filter((name) => valuesOf(response, name).length === 0),
  };
}

function answerFaults(expected: Outcome, { requests, arrivals }: Observation): string[] {
  const faults: string[] = [];
  if (arrivals.surplus !== '')
    faults.push(`what follows is no response: ${JSON.stringify(arrivals.surplus)}`);
  requests.forEach(({ isWhole }, index) => {
    const response = arrivals.responses[index];
    const pattern = expected.requests[index]?.response;
    if (!isWhole) return;
    if (response === undefined) faults.push(`request ${index} got no response`);
    else if (pattern === undefined) {
      if (response.status !== 200 || !response.isWhole)
        faults.push(`request ${index} got ${response.status}`);
    }
  });
  for (const response of arrivals.responses) {
    const count = valuesOf(response, 'Date').length;
    if (count !== 1) faults.push(`${response.status} has ${count} Date fields (RFC 9110 §6.6.1)`);
    if (valuesOf(response, 'Connection').length > 1) faults.push('Connection is repeated');
    if (response.status === 204 && valuesOf(response, 'Content-Length').length > 0) {
      faults.push('204 has Content-Length (RFC 9110 §8.6)');
    }
  }
  return faults;
}

/** RFC 9110 §10.1.1: 100 to those who wait for it, as long as no content has come. */
function continueFaults(expected: Outcome, { arrivals }: Observation): string[] {
  const interim = [...arrivals.responses.map((each) => each.interim), arrivals.interim];
  return interim.flatMap((codes, index) => {
    const request = expected.requests[index];
    if (codes.length === 0) {
      const isOwed = request?.expectsContinue === true && !request.isWhole && request.content === '';
      return isOwed ? [`request ${index} got no 100`] : [];
    }
    const isAllowed = request?.expectsContinue === true && codes.length === 1 && codes[0] === 100;
    return isAllowed ? [] : [`request ${index} got ${codes.join(', ')} first`];
  });
}

/** RFC 9112 §9.6: a refusal says that it is the last response, and is a whole one. */
function refusalFaults(refusal: Arrival): string[] {
  const faults: string[] = [];
  if (!refusal.isWhole) faults.push('refusal is cut');
  if (valuesOf(refusal, 'Content-Length').length !== 1) faults.push('refusal has no length');
  if (valuesOf(refusal, 'Connection')[0] !== 'close') faults.push('refusal does not say Connection: close');
  return faults;
}

/** RFC 9112 §9.6: the last response of a connection that the server closes says so, and no other does. */
function persistenceFaults({ arrivals, end }: Observation): string[] {
  const { responses } = arrivals;
  return responses.flatMap((response, index) => {
    const saysClose = valuesOf(response, 'Connection').some((value) => /\bclose\b/i.test(value));
    const isEnd = index === responses.length - 1 && end === 'closed';
    // A response that fails on its way cannot take back what it said.
    if (isEnd && !saysClose && response.isWhole) return ['last response does not say Connection: close'];
    return !isEnd && saysClose ? [`response ${index} says Connection: close, and is not the last`] : [];
  });
}
