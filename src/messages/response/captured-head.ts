/**
 * Captures the head of a response where node would format it: in `_storeHeader`.
 *
 * Decides everything as node does there (the fields, their case and order, the framing, the end of the connection),
 * but gives data, so that nothing is written as text and parsed again. Directives tell the host what concerns the
 * connection.
 *
 * Rule 1: node decides the framing. Where node would work out a length, the gateway works out the same; where node
 *         would send chunks, the gateway is told not to look for a length.
 * Rule 2: hop-by-hop fields stop here (PEP 3333, Other HTTP Features).
 */
import { ServerResponse } from 'node:http';
import { ownCopy } from '../../gateway/name-memory.ts';
import { encodeNative } from '../../gateway/native-string.ts';
import { isHeaderMap, type ResponseMessage } from '../../node-internals/index.ts';
import type { ConnectionDirectives } from '../../port.ts';
import type { HeaderList } from '../../wsgi.ts';
import { FieldCollector } from './field-collector.ts';

/** A head, as a gateway needs it. */
export interface CapturedHead {
  /** `200 OK`, as startResponse takes it. */
  status: string;
  fields: HeaderList;
  /** Directives for the host, if any. */
  readonly directives: ConnectionDirectives | undefined;
  /** A value may have characters above U+00FF. */
  readonly isWide: boolean;
  /** The status and all values are ASCII. */
  readonly isAscii: boolean;
  /** Characters of the text that node would have written, with its own fields: they count in `writableLength`. */
  readonly length: number;
}

const STATUS_START = 'HTTP/1.1 '.length;
const NOT_ASCII = /[^\0-\x7f]/;

/**
 * Settles the head of a response, as node's `_storeHeader` does.
 *
 * @param response Its state changes as node would change it
 * @param statusLine With its CRLF
 * @param headers The argument of writeHead, or the map that setHeader fills
 * @throws node's own errors for fields that node refuses
 */
export function captureHead(response: ResponseMessage, statusLine: string, headers: unknown): CapturedHead {
  const collector = new FieldCollector(response);
  if (typeof headers === 'object' && headers !== null) collect(response, headers, collector);

  if (response.chunkedEncoding && (response.statusCode === 204 || response.statusCode === 304)) {
    response.chunkedEncoding = false;
    response.shouldKeepAlive = false;
  }
  settleConnection(response, collector);
  const isLast = response._last;
  const framing = settleFraming(response, collector);
  if (collector.hasTrailer && !response.chunkedEncoding) return refuse(response, statusLine, headers);

  const { connectionFields } = collector;
  // RFC 9112 §6.2 forbids Content-Length beside Transfer-Encoding: node sends both, we send the one that it uses.
  if (collector.hasTransferEncoding && collector.hasLength) removeLength(collector.fields);
  const sendDate = response.sendDate || collector.hasDate;
  const announce = announcementOf(response, isLast);
  const bits =
    (response._last ? CLOSES : 0) |
    (sendDate ? 0 : NO_DATE) |
    (framing === 'length' ? 0 : NO_LENGTH) |
    (framing === 'connection' ? NO_CHUNKS : 0) |
    (announce === 'nothing' ? ANNOUNCES_NOTHING : 0) |
    (announce === 'keep-alive' ? ANNOUNCES_MORE : 0) |
    (response.statusCode < 200 ? IS_INTERIM : 0);
  const directives = bits === 0 ? undefined : directivesFor(bits);
  const status = statusOf(response, statusLine);
  collector.status = status.text;
  collector.directives =
    connectionFields === undefined ? directives : { ...directives, fields: connectionFields };
  if (!status.isAscii) collector.isAscii = false;
  collector.length += statusLine.length + lengthOfOwnFields(response, collector, sendDate);
  return collector;
}

/**
 * node has just made the status line from the code and the message. Compares these two, which is faster than taking
 * the line apart.
 */
function statusOf({ statusCode, statusMessage }: ResponseMessage, statusLine: string): Status {
  if (statusCode !== latest.code || statusMessage !== latest.message) {
    const text = statusLine.slice(STATUS_START, -2);
    // A program may set anything; node has made text of it in the status line.
    const message = typeof statusMessage === 'string' ? ownCopy(statusMessage) : '';
    latest = { code: statusCode, message, text, isAscii: !NOT_ASCII.test(text) };
  }
  return latest;
}

interface Status {
  readonly code: number;
  readonly message: string;
  readonly text: string;
  readonly isAscii: boolean;
}

/** The next response nearly always has the same. */
let latest: Status = { code: 200, message: 'OK', text: '200 OK', isAscii: true };

/** `Date: Sun, 06 Nov 1994 08:49:37 GMT` with its CRLF. */
const DATE_LENGTH = 37;
const CLOSE_LENGTH = 'Connection: close\r\n'.length;
const KEEP_ALIVE_LENGTH = 'Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n'.length;
const CHUNKED_LENGTH = 'Transfer-Encoding: chunked\r\n'.length;

/** The length of the fields that node adds, and of the empty line. */
function lengthOfOwnFields(response: ResponseMessage, collector: FieldCollector, sendDate: boolean): number {
  let length = 2;
  if (sendDate && !collector.hasDate) length += DATE_LENGTH;
  if (!collector.hasConnection && !response._removedConnection) {
    length += response._last ? CLOSE_LENGTH : KEEP_ALIVE_LENGTH;
  }
  if (response.chunkedEncoding && !collector.hasTransferEncoding) length += CHUNKED_LENGTH;
  return length;
}

/**
 * Turns the strings of a head into native strings, as node would turn them into octets.
 *
 * If the first content is a string, node sends the head in one piece with it, and so in its encoding.
 *
 * @param head Changed in place
 * @param isUtf8 The response begins with a string in UTF-8
 */
export function encodeHead(head: CapturedHead, isUtf8: boolean): void {
  if (head.isAscii || (!isUtf8 && !head.isWide)) return;
  const encode = isUtf8 ? encodeNative : cutToOctets;
  if (NOT_ASCII.test(head.status)) head.status = encode(head.status);
  for (const [index, [name, value]] of head.fields.entries()) {
    if (NOT_ASCII.test(value)) head.fields[index] = [name, encode(value)];
  }
}

function cutToOctets(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

function collect(response: ResponseMessage, headers: object, collector: FieldCollector): void {
  if (isHeaderMap(response, headers)) {
    // The map of setHeader, which has no prototype.
    const map = headers as Record<string, readonly [name: string, value: unknown]>;
    for (const key in map) {
      const entry = map[key];
      if (entry !== undefined) collector.addChecked(entry[0], entry[1]);
    }
  } else if (!Array.isArray(headers)) {
    // Any other object has its fields under their names.
    const named = headers as Record<string, unknown>;
    for (const name in named) {
      if (Object.hasOwn(named, name)) collector.add(name, named[name]);
    }
  } else if (Array.isArray(headers[0])) {
    for (const [name, value] of headers) collector.add(name, value);
  } else {
    if (headers.length % 2 !== 0) refuse(response, '', headers);
    for (let index = 0; index < headers.length; index += 2) {
      collector.add(headers[index], headers[index + 1]);
    }
  }
}

/** Decides if the connection outlives this response. */
function settleConnection(response: ResponseMessage, collector: FieldCollector): void {
  if (response._removedConnection) {
    response._last = !response.shouldKeepAlive;
  } else if (!collector.hasConnection) {
    const isFramed = collector.hasLength || response.useChunkedEncodingByDefault;
    if (!response.shouldKeepAlive || !isFramed) response._last = true;
  }
}

/** node settles what it says of the connection before it finds that the content must end with it. */
function announcementOf(response: ResponseMessage, wasLast: boolean): Announcement {
  if (response._removedConnection) return 'nothing';
  return response._last && !wasLast ? 'keep-alive' : undefined;
}

/** How the content ends. `length`: declared, or worked out by the gateway. */
type Framing = 'length' | 'chunks' | 'connection';

function settleFraming(response: ResponseMessage, collector: FieldCollector): Framing {
  if (collector.hasTransferEncoding) return 'chunks';
  if (collector.hasLength) return 'length';
  if (!response._hasBody) {
    response.chunkedEncoding = false;
    return 'length';
  }
  if (response.useChunkedEncodingByDefault) {
    const isKnown = typeof response._contentLength === 'number';
    if (isKnown && !collector.hasTrailer && !response._removedContLen) return 'length';
    if (!response._removedTE) {
      response.chunkedEncoding = true;
      return 'chunks';
    }
  }
  response._last = true;
  return 'connection';
}

function removeLength(fields: HeaderList): void {
  const index = fields.findIndex(([name]) => name.toLowerCase() === 'content-length');
  if (index !== -1) fields.splice(index, 1);
}

/** Lets node throw its own error. */
function refuse(response: ResponseMessage, statusLine: string, headers: unknown): never {
  // The method is there in all versions; node's types do not declare it.
  const prototype = ServerResponse.prototype as ResponseMessage;
  prototype._storeHeader.call(response, statusLine, headers);
  throw new TypeError('Headers are not valid');
}

type Announcement = ConnectionDirectives['announce'];

/** Facts about a head that the host must know, as bits. */
const CLOSES = 1;
const NO_DATE = 2;
const NO_LENGTH = 4;
const NO_CHUNKS = 8;
const ANNOUNCES_NOTHING = 16;
const ANNOUNCES_MORE = 32;
const IS_INTERIM = 64;

/** The combinations that occur, made once. */
const DIRECTIVES: (ConnectionDirectives | undefined)[] = [];

function directivesFor(bits: number): ConnectionDirectives {
  const known = DIRECTIVES[bits];
  if (known !== undefined) return known;
  const directives: ConnectionDirectives = Object.freeze({
    ...((bits & CLOSES) !== 0 && { close: true }),
    ...((bits & NO_DATE) !== 0 && { sendDate: false }),
    ...((bits & NO_LENGTH) !== 0 && { computeLength: false }),
    ...((bits & NO_CHUNKS) !== 0 && { chunked: false }),
    ...((bits & ANNOUNCES_NOTHING) !== 0 && { announce: 'nothing' as const }),
    ...((bits & ANNOUNCES_MORE) !== 0 && { announce: 'keep-alive' as const }),
    ...((bits & IS_INTERIM) !== 0 && { interim: true }),
  });
  DIRECTIVES[bits] = directives;
  return directives;
}
