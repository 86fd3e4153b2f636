/**
 * What a client sees that sends octets, and how it is written in the corpus.
 *
 * Rule 1: nothing but what can be seen from outside: requests that reached the application, a status, the connection.
 * Rule 2: what is written in a way that the notation does not know is an error, so that no expectation is lost.
 */
import { decodeOctets } from './octets.ts';

/** A response, as far as a case says what it must be. */
export interface ResponsePattern {
  readonly status: number;
  /** How its end is told: `none` where it has no content at all. */
  readonly framing: 'none' | 'length' | 'chunked' | 'to the close';
  /** The chunks; the whole content where it is not chunked. Native strings. */
  readonly pieces: readonly string[];
  /** Whether it ended before its end. */
  readonly isCut: boolean;
  /** Lines that its head has: field lines, or the status line. */
  readonly lines: readonly string[];
  /** Names of fields that its head has not. */
  readonly absent: readonly string[];
}

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
  /** The response to it; where it is not said, any with the status 200. */
  readonly response?: ResponsePattern;
}

/** What comes of a sequence of octets. */
export interface Outcome {
  readonly requests: readonly SeenRequest[];
  /** The status with which the server refuses what follows the requests, or the content of the last of them. */
  readonly refusal: number | undefined;
  /** The connection afterwards: kept for another request, closed by the server, or amid an incomplete request. */
  readonly end: 'kept' | 'closed' | 'waits';
  /** Milliseconds from the first octet to the close, where the case is about time. */
  readonly after?: number;
}

const REQUEST = /^(\S+) (\S+)(?: "(.*?)")?( …)?(?: trailers "(.*?)")?( awaits 100)?(?: → (.+))?$/;
const RESPONSE =
  /^([2-9][0-9]{2}) (none|length|chunked|to the close)((?: "[^"]*")*)( cut)?(?: with "([^"]*)")?(?: without ([\w-]+(?:, [\w-]+)*))?$/;
const STATUS = /^[45][0-9]{2}$/;
const END = /^(kept|closed|waits)(?: after ([0-9]+))?$/;

/**
 * Parses an outcome, such as `GET /a; POST /b "content"; 400; closed`.
 *
 * @throws Error if it is written in another way
 */
export function parseOutcome(text: string): Outcome {
  const steps = text.split('; ');
  const [, end, after] = END.exec(steps.pop() ?? '') ?? [];
  if (end !== 'kept' && end !== 'closed' && end !== 'waits') throw new Error(`Outcome has no end: ${text}`);
  const refusal = STATUS.test(steps.at(-1) ?? '') ? Number(steps.pop()) : undefined;
  if (refusal !== undefined && end !== 'closed') throw new Error(`Refusal does not close: ${text}`);
  if (after !== undefined && end !== 'closed') throw new Error(`Only a close comes after a time: ${text}`);
  const outcome = { requests: steps.map(parseRequest), refusal, end } as const;
  return after === undefined ? outcome : { ...outcome, after: Number(after) };
}

function parseRequest(step: string): SeenRequest {
  const match = REQUEST.exec(step);
  if (match === null) throw new Error(`Request of an outcome cannot be read: ${step}`);
  const [, method = '', target = '', content = '', isPartial, trailers = '', awaits, response] = match;
  const request = {
    method: text(method),
    target: text(target),
    content: text(content),
    isWhole: isPartial === undefined,
    trailers: text(trailers)
      .split('\r\n')
      .flatMap((line) => (line === '' ? [] : line.split(': '))),
    expectsContinue: awaits !== undefined,
  };
  return response === undefined ? request : { ...request, response: parseResponse(response) };
}

function parseResponse(notation: string): ResponsePattern {
  const match = RESPONSE.exec(notation);
  if (match === null) throw new Error(`Response of an outcome cannot be read: ${notation}`);
  const [, status, framing, pieces = '', isCut, lines = '', absent = ''] = match;
  return {
    status: Number(status),
    // One of the alternatives of the pattern, which are those of the type.
    framing: framing as ResponsePattern['framing'],
    pieces: [...pieces.matchAll(/"([^"]*)"/g)].map(([, piece = '']) => text(piece)),
    isCut: isCut !== undefined,
    lines: text(lines)
      .split('\r\n')
      .filter((line) => line !== ''),
    absent: absent === '' ? [] : absent.split(', '),
  };
}

function text(notation: string): string {
  return decodeOctets(notation).toString('latin1');
}
