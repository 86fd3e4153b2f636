/**
 * What a client sees that sends octets, and how it is written in the corpus.
 *
 * Rule 1: nothing but what can be seen from outside: requests that reached the application, a status, the connection.
 * Rule 2: what is written in a way that the notation does not know is an error, so that no expectation is lost.
 */
import { decodeOctets } from './octets.ts';

/** A request that the application saw. */
export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  /** Native string. */
  readonly content: string;
  /** Whether the content came to its end. */
  readonly isWhole: boolean;
  /** name, value, … */
  readonly trailers: readonly string[];
  /** Whether the client waits for 100 before it sends content; a server sends 100 if none has come yet. */
  readonly expectsContinue: boolean;
}

/** What comes of a sequence of octets. */
export interface Outcome {
  readonly requests: readonly SeenRequest[];
  /** The status with which the server refuses what follows the requests, or the content of the last of them. */
  readonly refusal: number | undefined;
  /** The connection afterwards: kept for another request, closed by the server, or amid an incomplete request. */
  readonly end: 'kept' | 'closed' | 'waits';
}

const REQUEST = /^(\S+) (\S+)(?: "(.*?)")?( …)?(?: trailers "(.*?)")?( awaits 100)?$/;
const STATUS = /^[45][0-9]{2}$/;

/**
 * Parses an outcome, such as `GET /a; POST /b "content"; 400; closed`.
 *
 * @throws Error if it is written in another way
 */
export function parseOutcome(text: string): Outcome {
  const steps = text.split('; ');
  const end = steps.pop();
  if (end !== 'kept' && end !== 'closed' && end !== 'waits') throw new Error(`Outcome has no end: ${text}`);
  const refusal = STATUS.test(steps.at(-1) ?? '') ? Number(steps.pop()) : undefined;
  if (refusal !== undefined && end !== 'closed') throw new Error(`Refusal does not close: ${text}`);
  return { requests: steps.map(parseRequest), refusal, end };
}

function parseRequest(step: string): SeenRequest {
  const match = REQUEST.exec(step);
  if (match === null) throw new Error(`Request of an outcome cannot be read: ${step}`);
  const [, method = '', target = '', content = '', isPartial, trailers = '', awaits] = match;
  return {
    method: text(method),
    target: text(target),
    content: text(content),
    isWhole: isPartial === undefined,
    trailers: text(trailers)
      .split('\r\n')
      .flatMap((line) => (line === '' ? [] : line.split(': '))),
    expectsContinue: awaits !== undefined,
  };
}

function text(notation: string): string {
  return decodeOctets(notation).toString('latin1');
}
