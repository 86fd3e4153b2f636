/**
 * Reads octets with the parser of node:http, as its server does.
 *
 * The parser is used without a socket, which is fast, by way of a private module that Node 20 to 26 ship. The rules
 * that the server of node:http adds in JavaScript are repeated here:
 * - a request of HTTP/1.1 without Host is refused;
 * - CONNECT makes a tunnel, and Upgrade is not followed without a listener.
 */
import { createRequire } from 'node:module';
import type { Ending, Message, Reading } from './reading.ts';

/** The members that are used here. Event listeners are members with numeric names. */
interface NodeParser {
  [event: number]: unknown;
  initialize(type: number, resource: object, maxHeaderSize: number, leniency: number): void;
  /** Gives the number of octets read, or the error. */
  execute(octets: Buffer): number | (Error & { readonly code: string; readonly bytesParsed: number });
}

interface NodeParserConstructor {
  new (): NodeParser;
  readonly REQUEST: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
  readonly kLenientNone: number;
}

const { HTTPParser, methods } = loadParser();

function loadParser(): { HTTPParser: NodeParserConstructor; methods: readonly string[] } {
  // The shape comes from node's sources; no declaration of it is published.
  const load = createRequire(import.meta.url) as (name: string) => ReturnType<typeof loadParser>;
  return load('node:_http_common');
}

/** Node gives out the head before it refuses its framing with this code. */
const FRAMING_REFUSED = 'HPE_INVALID_TRANSFER_ENCODING';
const HEAD_END = '\r\n\r\n';
const NO_TUNNEL = 0;
const TUNNEL = 2;

const parser: NodeParser = new HTTPParser();
let messages: Message[] = [];
let offset = 0;
let fields: string[] = [];
let target = '';
let isTunnel = false;
/** The number of the first message that lacks a required Host. */
let hostless = Number.POSITIVE_INFINITY;
/** A message has ended in the last octets that were executed. */
let hasEnded = false;

// Called for more than 32 fields, and for trailers.
parser[HTTPParser.kOnHeaders] = (more: string[], url: string): void => {
  fields.push(...more);
  target += url;
};

parser[HTTPParser.kOnHeadersComplete] = onHead;

parser[HTTPParser.kOnBody] = (piece: Buffer): void => {
  const message = messages.at(-1);
  if (message !== undefined) message.content += piece.toString('latin1');
};

parser[HTTPParser.kOnMessageComplete] = (): void => {
  const message = messages.at(-1);
  if (message === undefined) return;
  message.trailers = fields;
  fields = [];
  target = '';
  message.end = offset;
  hasEnded = true;
};

/** Node prescribes these parameters. */
function onHead(
  major: number,
  minor: number,
  rest: string[] | undefined,
  method: number,
  url: string | undefined,
  _statusCode: unknown,
  _statusMessage: unknown,
  upgrade: boolean,
  shouldKeepAlive: boolean,
): number {
  const rawHeaders = rest === undefined ? fields : [...fields, ...rest];
  const name = methods[method] ?? '';
  isTunnel = name === 'CONNECT';
  if (major === 1 && minor === 1 && !hasHost(rawHeaders)) hostless = Math.min(hostless, messages.length);
  messages.push({
    method: name,
    target: target + (url ?? ''),
    version: `${major}.${minor}`,
    fields: rawHeaders,
    isPersistent: shouldKeepAlive,
    isUpgrade: upgrade && !isTunnel,
    content: '',
    trailers: [],
    end: undefined,
  });
  fields = [];
  target = '';
  return isTunnel ? TUNNEL : NO_TUNNEL;
}

function hasHost(rawHeaders: readonly string[]): boolean {
  return rawHeaders.some((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
}

function begin(): void {
  parser.initialize(HTTPParser.REQUEST, {}, 0, HTTPParser.kLenientNone);
}

/**
 * Tells if node has stopped after an upgrade that is not followed. Its server then drops the rest of the piece, and
 * hides an error of the next message (Node 20); here the parser begins anew with the next octet.
 */
function isUpgradeOver(): boolean {
  const last = messages.at(-1);
  return hasEnded && last?.isUpgrade === true && last.isPersistent;
}

/**
 * Reads octets that arrive in pieces.
 *
 * A message is known to end only at the end of a piece. To learn if it ends with an octet, pass that octet as a piece
 * of its own.
 *
 * @param ends The ends of the pieces
 */
export function readWithNode(octets: Buffer, ends: readonly number[]): Reading {
  messages = [];
  fields = [];
  target = '';
  isTunnel = false;
  hostless = Number.POSITIVE_INFINITY;
  begin();
  let start = 0;
  for (const end of ends) {
    offset = end;
    while (start < end) {
      hasEnded = false;
      const result = parser.execute(octets.subarray(start, end));
      if (hostless < messages.length) {
        return { messages: messages.slice(0, hostless), ending: 'refused', code: 'HOST_MISSING', at: start };
      }
      if (typeof result !== 'number') return refused(octets, result.code, start + result.bytesParsed);
      if (result < end - start && !hasEnded) return refused(octets, 'NOTHING_READ', start);
      start += result;
      if (isTunnel) return { messages, ending: 'tunnel', code: '', at: start };
      if (isUpgradeOver()) begin();
    }
  }
  const last = messages.at(-1);
  const ending: Ending = last?.end !== undefined && !last.isPersistent ? 'closed' : 'waiting';
  return { messages, ending, code: '', at: start };
}

function refused(octets: Buffer, code: string, at: number): Reading {
  const last = messages.at(-1);
  // Octets after the last message of a connection: node reports an error, but reads them as little as we do.
  if (last?.end !== undefined && !last.isPersistent) return { messages, ending: 'closed', code: '', at };
  const headEnd = octets.indexOf(HEAD_END, messages.at(-2)?.end ?? 0) + HEAD_END.length;
  const isHeadRefused = code === FRAMING_REFUSED && last?.end === undefined && at <= headEnd;
  return { messages: isHeadRefused ? messages.slice(0, -1) : messages, ending: 'refused', code, at };
}
