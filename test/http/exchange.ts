/**
 * A server in a few lines, over the parser alone: its application reads everything and answers 200. Gives the outcome
 * that its client sees.
 */
import { ProtocolError } from '../../src/errors.ts';
import { DEFAULT_LIMITS, type HttpLimits, type RequestHead, RequestParser } from '../../src/http/index.ts';
import type { Outcome, SeenRequest } from '../corpus/outcome.ts';

/** An outcome, with details that a client cannot see. */
export interface ParsedOutcome extends Outcome {
  /** Error code of the refusal. */
  readonly code: string | undefined;
  readonly heads: readonly RequestHead[];
}

/** New octets at the start of a buffer that has others behind them. */
export interface Received {
  readonly buffer: Buffer;
  readonly length: number;
}

/** Pushes octets in pieces; reads as much as possible after each one. */
export function exchange(
  pieces: Iterable<Buffer | Received>,
  limits: Partial<HttpLimits> = {},
): ParsedOutcome {
  const parser = new RequestParser({ ...DEFAULT_LIMITS, ...limits });
  const heads: RequestHead[] = [];
  const requests: SeenRequest[] = [];
  try {
    for (const piece of pieces) {
      if (Buffer.isBuffer(piece)) parser.push(piece);
      else parser.push(piece.buffer, piece.length);
      while (isOpen(heads.at(-1), parser) && advance(parser, heads, requests));
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { requests, refusal: error.statusCode, end: 'closed', code: error.code, heads };
  }
  const end = isOpen(heads.at(-1), parser) ? (isIdle(parser) ? 'kept' : 'waits') : 'closed';
  return { requests, refusal: undefined, end, code: undefined, heads };
}

function isOpen(head: RequestHead | undefined, parser: RequestParser): boolean {
  return head === undefined || head.isPersistent || parser.state === 'content';
}

function isIdle(parser: RequestParser): boolean {
  return hasEnded(parser) && !parser.hasPartialHead;
}

function hasEnded(parser: RequestParser): boolean {
  return parser.state === 'head';
}

/** Reads one head or piece of content; false if more octets are needed. */
function advance(parser: RequestParser, heads: RequestHead[], requests: SeenRequest[]): boolean {
  if (parser.state !== 'head') return readContent(parser, requests);
  const head = parser.readHead();
  if (head === undefined) return false;
  if (head.hasUnknownExpectation) throw new ProtocolError('WSGI_ERR_EXPECTATION_UNKNOWN');
  heads.push(head);
  const { method, target, expectsContinue } = head;
  requests.push({ method, target, content: '', isWhole: hasEnded(parser), trailers: [], expectsContinue });
  return true;
}

function readContent(parser: RequestParser, requests: SeenRequest[]): boolean {
  const piece = parser.readContent();
  const request = requests.pop();
  if (request === undefined) throw new Error('Content came before a head');
  const isWhole = hasEnded(parser);
  requests.push({
    ...request,
    content: request.content + (piece?.toString('latin1') ?? ''),
    isWhole,
    trailers: isWhole ? parser.trailers : [],
  });
  return piece !== undefined;
}

/** Encodes a native string. */
export function octets(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** Cuts octets at positions, into copies. */
export function cut(whole: Buffer, positions: readonly number[]): Buffer[] {
  const sorted = [...new Set(positions)].filter((at) => at > 0 && at < whole.length).sort((a, b) => a - b);
  return [...sorted, whole.length].map((at, index) =>
    Buffer.from(whole.subarray(sorted[index - 1] ?? 0, at)),
  );
}

/** Cuts octets at every position. */
export function cutAll(whole: Buffer): Buffer[] {
  return Array.from(whole, (octet) => Buffer.of(octet));
}
