/**
 * Compares the observation of a case with its expected outcome.
 *
 * Rule 1: the outcome uses the corpus's own terms, so that both can be compared directly.
 * Rule 2: the duties of every response are checked here, whatever the case is about. Each breach is one sentence.
 */
import { type Arrival, valuesOf } from './arrivals.ts';
import type { Outcome, ResponsePattern, SeenRequest } from './outcome.ts';
import type { Observation, Sending } from './replay.ts';

/** The actual outcome, and other faults. */
export interface Judgement {
  readonly outcome: Omit<Outcome, 'end'> & { readonly end: Outcome['end'] | 'reset' };
  readonly faults: readonly string[];
  /** The only fault is a late end, which a high load can cause. */
  readonly isLate: boolean;
}

/** Milliseconds by which a time-out may be late. */
const lateness = (timeout: number): number => Math.max(250, timeout / 4);

/** Judges the observation of a case. */
export function judge(expected: Outcome, observed: Observation, { isLast }: Sending): Judgement {
  const { requests, arrivals } = observed;
  const { responses } = arrivals;
  const isRefused =
    responses.length > requests.length ||
    (responses.length > 0 && requests[responses.length - 1]?.isWhole === false);
  const refusal = isRefused ? responses.at(-1) : undefined;
  // A client that closes its half during a request may be told so, or not, but must not get a 2xx.
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

/** The outcome if the client closes its half after the octets. */
export function whenLast(outcome: Outcome): Outcome {
  return { ...outcome, end: 'closed' };
}

function describeRequest(
  { method, target, content, isWhole, trailers }: Observation['requests'][number],
  expected: SeenRequest | undefined,
  response: Arrival | undefined,
): SeenRequest {
  // Only the 100 shows an expectation; continueFaults() checks it.
  const expectsContinue = expected?.expectsContinue ?? false;
  const request = { method, target, content, isWhole, trailers, expectsContinue };
  const pattern = expected?.response;
  if (pattern === undefined || response === undefined) return request;
  return { ...request, response: describeResponse(response, pattern) };
}

/** The parts of a response that a pattern asks about. */
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

/** RFC 9110 §10.1.1: a client that waits for 100 gets it, as long as no content has come. */
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

/** RFC 9112 §9.6: a refusal is complete, and says that it is the last response. */
function refusalFaults(refusal: Arrival): string[] {
  const faults: string[] = [];
  if (!refusal.isWhole) faults.push('refusal is cut');
  if (valuesOf(refusal, 'Content-Length').length !== 1) faults.push('refusal has no length');
  if (valuesOf(refusal, 'Connection')[0] !== 'close') faults.push('refusal does not say Connection: close');
  return faults;
}

/** RFC 9112 §9.6: only the last response of a connection that the server closes says so. */
function persistenceFaults({ arrivals, end }: Observation): string[] {
  const { responses } = arrivals;
  return responses.flatMap((response, index) => {
    const saysClose = valuesOf(response, 'Connection').some((value) => /\bclose\b/i.test(value));
    const isEnd = index === responses.length - 1 && end === 'closed';
    // A response that fails after its head cannot change it.
    if (isEnd && !saysClose && response.isWhole) return ['last response does not say Connection: close'];
    return !isEnd && saysClose ? [`response ${index} says Connection: close, and is not the last`] : [];
  });
}
