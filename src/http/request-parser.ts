/**
 * The parser of requests: octets in, heads and content out.
 *
 * It is pulled: whoever drives it asks for the next head or the next piece of content when there is use for it, and
 * what nobody has asked for stays buffered. Backpressure, and the order of pipelined requests, follow from that.
 *
 * Rule 1: the outcome never depends on how the octets were cut. A head that is there whole is decoded once and cut
 *         with indexOf; one that is not is read line by line, through the same functions.
 * Rule 2: whatever is wrong is a ProtocolError, and the last thing that is read (RFC 9112 §2.2, §6.3).
 * Rule 3: linear time, and no more memory than the limits allow, whatever is sent.
 */
import { ProtocolError } from '../errors.ts';
import { MAX_SIZE_DIGITS, parseChunkLine } from './chunk-line.ts';
import { parseFieldLine } from './field-line.ts';
import { isForbiddenTrailer } from './forbidden-trailers.ts';
import { NOT_FIELD_OCTET, NOT_REQUEST_LINE_OCTET } from './grammar.ts';
import type { HttpLimits } from './limits.ts';
import { type LineKind, OctetWindow } from './octet-window.ts';
import { createRequestHead, type RequestHead } from './request-head.ts';
import { parseRequestLine, type RequestLine } from './request-line.ts';

const HEAD_END = '\r\n\r\n';
const HEAD_END_OCTETS: Buffer = Buffer.from(HEAD_END);
/** Octets in which the end of a head is searched as text, which is faster than to search a buffer of that size. */
const PROBE_SIZE = 1024;
/** RFC 9112 §2.2: at least one empty line before a request line is ignored; here up to so many. */
const MAX_EMPTY_LINES = 16;
const CRLF = '\r\n';

const REQUEST_LINE: LineKind = {
  forbidden: NOT_REQUEST_LINE_OCTET,
  tooLong: 'WSGI_ERR_REQUEST_LINE_TOO_LONG',
};
const FIELD_LINE: LineKind = { forbidden: NOT_FIELD_OCTET, tooLong: 'WSGI_ERR_FIELDS_TOO_LARGE' };
const CHUNK_LINE: LineKind = { forbidden: NOT_FIELD_OCTET, tooLong: 'WSGI_ERR_CHUNK_EXTENSIONS_TOO_LARGE' };
const TRAILER_LINE: LineKind = { forbidden: NOT_FIELD_OCTET, tooLong: 'WSGI_ERR_TRAILERS_TOO_LARGE' };

/** Between messages; in the content of one; at the end of all reading. */
export type ParserState = 'head' | 'content' | 'failed';

/** What comes next in content. */
type ContentPart = 'data' | 'chunk-line' | 'chunk-end' | 'trailers';

/** Parses the requests of one connection. */
export class RequestParser {
  readonly #limits: HttpLimits;
  readonly #window: OctetWindow = new OctetWindow();
  #state: ParserState = 'head';
  #failure: unknown;

  // A head that is read line by line.
  #emptyLines = 0;
  #requestLine: RequestLine | undefined;
  #fields: string[] = [];
  #sectionSize = 0;

  // The content of the message whose head was read last.
  #part: ContentPart = 'data';
  #isChunked = false;
  /** Octets of data up to the end of the content, or of the chunk. */
  #remaining = 0;
  #extensionSize = 0;
  #contentRead = 0;
  #trailers: string[] = [];

  /**
   * @param limits Read at every message; may be changed between two
   */
  constructor(limits: HttpLimits) {
    this.#limits = limits;
  }

  /** `head` between two messages, `content` until the content of one was read to its end, `failed` after an error. */
  get state(): ParserState {
    return this.#state;
  }

  /** The trailer section of the message that has just ended: name, value, … */
  get trailers(): string[] {
    return this.#trailers;
  }

  /** Octets of content that were given out for this message. */
  get contentRead(): number {
    return this.#contentRead;
  }

  /** Whether octets of a next head have come; empty lines before it do not count. */
  get hasPartialHead(): boolean {
    return this.#state === 'head' && (this.#requestLine !== undefined || this.#window.length > 0);
  }

  /** Octets that were handed over and not consumed yet. */
  get bufferedLength(): number {
    return this.#window.length;
  }

  /** Hands over octets, which the parser keeps as they are: they must not be changed afterwards. */
  push(octets: Buffer): void {
    if (this.#state !== 'failed') this.#window.push(octets);
  }

  /** Gives up everything that was not consumed, for a connection that goes on in another protocol. */
  takeRest(): Buffer {
    return this.#window.take(this.#window.length);
  }

  /**
   * Reads the head of the next message, once the content of the last one was read to its end.
   *
   * @returns the head; nothing if more octets are needed
   * @throws {@link ProtocolError}
   */
  readHead(): RequestHead | undefined {
    if (this.#state === 'content') throw new TypeError('Read the content to its end before the next head');
    if (this.#state === 'failed') throw this.#failure;
    if (this.#window.length === 0) return undefined;
    try {
      const head = this.#readWholeHead() ?? this.#readHeadByLine();
      if (head !== undefined) this.#beginContent(head);
      return head;
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /**
   * Reads a piece of content.
   *
   * @returns a view of the octets that were handed over; null if the content has ended; nothing if more octets are
   *   needed
   * @throws {@link ProtocolError}
   */
  readContent(): Buffer | null | undefined {
    if (this.#state === 'head') return null;
    if (this.#state === 'failed') throw this.#failure;
    try {
      return this.#isChunked ? this.#readChunked() : this.#readData();
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #fail(error: unknown): unknown {
    this.#state = 'failed';
    this.#failure = error;
    this.#window.clear();
    return error;
  }

  /** The usual case: the head has come in one piece, and is no larger than either of its parts may be. */
  #readWholeHead(): RequestHead | undefined {
    const window = this.#window;
    if (this.#requestLine !== undefined || !window.isFresh) return undefined;
    let text = window.peek(PROBE_SIZE);
    let end = text.indexOf(HEAD_END);
    if (end === -1) {
      if (window.length <= PROBE_SIZE) return undefined;
      end = window.indexOf(HEAD_END_OCTETS);
      if (end === -1) return undefined;
    }
    const size = end + HEAD_END.length;
    // With empty lines before it, it is none of the usual cases.
    if (size > this.#limits.maxHeaderSize || text.startsWith(CRLF)) return undefined;
    if (size > text.length) text = window.peek(size);

    let lineEnd = text.indexOf(CRLF);
    const requestLine = parseRequestLine(text.slice(0, lineEnd));
    const fields: string[] = [];
    const maxLength = this.#limits.maxHeadersCount * 2;
    while (lineEnd < end) {
      const lineStart = lineEnd + CRLF.length;
      lineEnd = text.indexOf(CRLF, lineStart);
      parseFieldLine(text, lineStart, lineEnd, fields);
      if (fields.length > maxLength) throw new ProtocolError('WSGI_ERR_FIELDS_TOO_MANY');
    }
    window.skip(size);
    this.#emptyLines = 0;
    return createRequestHead(requestLine, fields, this.#limits);
  }

  #readHeadByLine(): RequestHead | undefined {
    this.#requestLine ??= this.#readRequestLine();
    const requestLine = this.#requestLine;
    if (requestLine === undefined) return undefined;
    const fields = this.#readSection(FIELD_LINE, this.#limits.maxHeaderSize);
    if (fields === undefined) return undefined;
    this.#requestLine = undefined;
    return createRequestHead(requestLine, fields, this.#limits);
  }

  #readRequestLine(): RequestLine | undefined {
    let line = this.#window.takeLine(this.#limits.maxHeaderSize, REQUEST_LINE);
    while (line === '') {
      this.#emptyLines += 1;
      if (this.#emptyLines > MAX_EMPTY_LINES) {
        throw new ProtocolError('WSGI_ERR_REQUEST_LINE_INVALID', 'empty lines only');
      }
      line = this.#window.takeLine(this.#limits.maxHeaderSize, REQUEST_LINE);
    }
    if (line === undefined) return undefined;
    this.#emptyLines = 0;
    return parseRequestLine(line);
  }

  /** Reads field lines up to an empty line, and gives them; nothing if more octets are needed. */
  #readSection(kind: LineKind, maxSize: number): string[] | undefined {
    for (;;) {
      const line = this.#window.takeLine(maxSize - this.#sectionSize, kind);
      if (line === undefined) return undefined;
      if (line === '') return this.#takeSection();
      this.#sectionSize += line.length + CRLF.length;
      parseFieldLine(line, 0, line.length, this.#fields);
      if (this.#fields.length > this.#limits.maxHeadersCount * 2) {
        throw new ProtocolError('WSGI_ERR_FIELDS_TOO_MANY');
      }
    }
  }

  #takeSection(): string[] {
    const fields = this.#fields;
    this.#fields = [];
    this.#sectionSize = 0;
    return fields;
  }

  #beginContent(head: RequestHead): void {
    this.#contentRead = 0;
    if (this.#trailers.length > 0) this.#trailers = [];
    if (head.contentLength === 0) return;
    this.#state = 'content';
    this.#isChunked = head.isChunked;
    this.#extensionSize = 0;
    this.#part = head.isChunked ? 'chunk-line' : 'data';
    this.#remaining = head.isChunked ? 0 : head.contentLength;
  }

  #readData(): Buffer | undefined {
    if (this.#window.length === 0) return undefined;
    const piece = this.#window.take(this.#remaining);
    this.#remaining -= piece.length;
    this.#contentRead += piece.length;
    if (this.#remaining === 0) {
      if (this.#isChunked) this.#part = 'chunk-end';
      else this.#state = 'head';
    }
    return piece;
  }

  /** chunked-body = *chunk last-chunk trailer-section CRLF (RFC 9112 §7.1). */
  #readChunked(): Buffer | null | undefined {
    for (;;) {
      switch (this.#part) {
        case 'data':
          return this.#readData();
        case 'chunk-end':
          if (!this.#readChunkEnd()) return undefined;
          this.#part = 'chunk-line';
          break;
        case 'chunk-line':
          if (!this.#readChunkLine()) return undefined;
          this.#part = this.#remaining === 0 ? 'trailers' : 'data';
          break;
        case 'trailers':
          return this.#readTrailers() ? null : undefined;
      }
    }
  }

  #readChunkLine(): boolean {
    const { maxBodySize, maxChunkExtensionSize } = this.#limits;
    const maxSize = MAX_SIZE_DIGITS + maxChunkExtensionSize - this.#extensionSize + CRLF.length;
    const line = this.#window.takeLine(maxSize, CHUNK_LINE);
    if (line === undefined) return false;
    const { size, extensionSize } = parseChunkLine(line);
    this.#extensionSize += extensionSize;
    if (this.#extensionSize > maxChunkExtensionSize) throw new ProtocolError(CHUNK_LINE.tooLong);
    // Compared before it is added, so that no sum can overflow (CVE-2013-2028).
    if (size > maxBodySize - this.#contentRead) {
      throw new ProtocolError('WSGI_ERR_CONTENT_TOO_LARGE', maxBodySize);
    }
    this.#remaining = size;
    return true;
  }

  /** The CRLF after chunk-data, checked as the two octets that it is (CVE-2025-43859). */
  #readChunkEnd(): boolean {
    const octets = this.#window.peek(CRLF.length);
    if (!CRLF.startsWith(octets))
      throw new ProtocolError('WSGI_ERR_CHUNK_MALFORMED', 'no CRLF after the data');
    if (octets.length < CRLF.length) return false;
    this.#window.skip(CRLF.length);
    return true;
  }

  #readTrailers(): boolean {
    const fields = this.#readSection(TRAILER_LINE, this.#limits.maxTrailerSize);
    if (fields === undefined) return false;
    for (let index = 0; index < fields.length; index += 2) {
      const name = fields[index] ?? '';
      if (isForbiddenTrailer(name)) throw new ProtocolError('WSGI_ERR_REQUEST_TRAILER_FORBIDDEN', name);
    }
    this.#trailers = fields;
    this.#state = 'head';
    return true;
  }
}
