/**
 * The outcome of octets that a client sends, and its notation in the corpus.
 *
 * Rule 1: only what is visible from outside: requests that reached the application, statuses, the connection.
 * Rule 2: an unknown notation is an error, so that no expectation is lost.
 */
import { decodeOctets } from './octets.ts';

/** The requirements of a case for a response. */
export interface ResponsePattern {
  readonly status: number;
  /** How its end is marked; `none` if it has no content. */
  readonly framing: 'none' | 'length' | 'chunked' | 'to the close';
  /** The chunks, or the whole content if it is not chunked. Native strings. */
  readonly pieces: readonly string[];
  /** It was cut before its end. */
  readonly isCut: boolean;
  /** Lines that its head has: field lines or the status line. */
  readonly lines: readonly string[];
  /** Names of fields that its head does not have. */
  readonly absent: readonly string[];
}

/** A request that the application saw. */
export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  /** Native string. */
  readonly content: string;
  /** The content is complete. */
  readonly isWhole: boolean;
  /** name, value, … */
  readonly trailers: readonly string[];
  /** The client waits for 100 before it sends content. A server sends 100 if no content has come yet. */
  readonly expectsContinue: boolean;
  /** The response to it; if omitted, any with the status 200. */
  readonly response?: ResponsePattern;
}

/** The outcome of a sequence of octets. */
export interface Outcome {
  readonly requests: readonly SeenRequest[];
  /** The status of the refusal of a further request, or of the content of the last one. */
  readonly refusal: number | undefined;
  /** The connection afterwards: kept for another request, closed by the server, or waiting for more of a request. */
  readonly end: 'kept' | 'closed' | 'waits';
  /** Milliseconds from the first octet to the close, if the case is about time. */
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
 * @throws Error for any other notation
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
    // The pattern matches only the members of this type.
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
