/**
 * Reads heads: request line, field section, empty line (RFC 9112 §2.1).
 *
 * A complete head, the usual case, is decoded once and cut with indexOf. An incomplete one is read line by line. Both
 * ways find the same faults in the same order, so the outcome does not depend on how the octets were cut.
 */
import { ProtocolError } from '../errors.ts';
import { LineSections, WholeSections } from './field-section.ts';
import { NOT_FIELD_OCTET, NOT_REQUEST_LINE_OCTET } from './grammar.ts';
import { HeadMemory } from './head-memory.ts';
import type { HttpLimits } from './limits.ts';
import type { LineKind, OctetWindow } from './octet-window.ts';
import { createRequestHead, type RequestHead, repeatRequestHead } from './request-head.ts';
import { parseRequestLine, type RequestLine } from './request-line.ts';

const CRLF = '\r\n';
const HEAD = 'HEAD ';
const HEAD_END = '\r\n\r\n';
const HEAD_END_OCTETS: Buffer = Buffer.from(HEAD_END);
/** RFC 9112 §2.2: at least one empty line before a request line should be ignored. */
const MAX_EMPTY_LINES = 16;

const REQUEST_LINE: LineKind = {
  forbidden: NOT_REQUEST_LINE_OCTET,
  tooLong: 'WSGI_ERR_REQUEST_LINE_TOO_LONG',
};
const FIELD_LINE: LineKind = { forbidden: NOT_FIELD_OCTET, tooLong: 'WSGI_ERR_FIELDS_TOO_LARGE' };

/** Reads the heads of one connection, one at a time. */
export class HeadReader {
  readonly #window: OctetWindow;
  readonly #limits: HttpLimits;
  readonly #memory: HeadMemory = new HeadMemory();
  readonly #wholeSections: WholeSections = new WholeSections();
  readonly #lineSections: LineSections = new LineSections();
  #emptyLines = 0;
  /** The request line of a head that is read line by line. */
  #requestLine: RequestLine | undefined;
  /** Its text. */
  #line = '';
  #method: string | undefined;

  constructor(window: OctetWindow, limits: HttpLimits) {
    this.#window = window;
    this.#limits = limits;
  }

  /**
   * The method of the last head that was begun. A faulty or incomplete request line tells only HEAD, whose answer has
   * no content (RFC 9110 §9.3.2).
   */
  get method(): string | undefined {
    return this.#method ?? (this.#window.peek(HEAD.length) === HEAD ? 'HEAD' : undefined);
  }

  /** Octets of the next head have come. Empty lines before it do not count once `read` has skipped them. */
  get isPartial(): boolean {
    return this.#requestLine !== undefined || this.#window.length > 0;
  }

  /** The lines of the head that were consumed, because it is read line by line. */
  get consumed(): string {
    return this.#line + this.#lineSections.text;
  }

  /**
   * Reads a head.
   *
   * @returns the head; undefined if more octets are needed
   * @throws {@link ProtocolError}
   */
  read(): RequestHead | undefined {
    if (this.#requestLine === undefined) this.#method = undefined;
    return this.#readWhole() ?? this.#readByLine();
  }

  #readWhole(): RequestHead | undefined {
    const window = this.#window;
    if (this.#requestLine !== undefined || !window.isFresh) return undefined;
    const known = this.#memory.recall(window);
    if (known !== undefined) {
      this.#method = known.method;
      this.#emptyLines = 0;
      return known;
    }
    let text = window.decode(false);
    let start = window.textOffset;
    let end = text.indexOf(HEAD_END, start);
    if (end === -1) {
      text = window.decode(true);
      start = 0;
      end = text.indexOf(HEAD_END);
      if (end === -1 && window.length > text.length) end = window.indexOf(HEAD_END_OCTETS);
    }
    const size = end + HEAD_END.length - start;
    // Incomplete, larger than one part may be, or after empty lines: reads it line by line.
    if (end === -1 || size > this.#limits.maxHeaderSize || text.startsWith(CRLF, start)) return undefined;
    if (size > text.length) text = window.peek(size);

    const lineEnd = text.indexOf(CRLF, start);
    const requestLine = parseRequestLine(text.slice(start, lineEnd));
    this.#method = requestLine.method;
    const sectionStart = lineEnd + CRLF.length;
    const sectionEnd = end + CRLF.length;
    const fields = this.#wholeSections.parse(text, sectionStart, sectionEnd, this.#limits.maxHeadersCount);
    const head =
      repeatRequestHead(requestLine, fields, this.#memory.head) ??
      createRequestHead(requestLine, fields, this.#limits);
    this.#memory.keep(head, window, size);
    window.skip(size);
    this.#emptyLines = 0;
    return head;
  }

  #readByLine(): RequestHead | undefined {
    this.#requestLine ??= this.#readRequestLine();
    const requestLine = this.#requestLine;
    if (requestLine === undefined) return undefined;
    this.#method = requestLine.method;
    const { maxHeaderSize, maxHeadersCount } = this.#limits;
    const fields = this.#lineSections.read(this.#window, FIELD_LINE, {
      maxSize: maxHeaderSize,
      maxCount: maxHeadersCount,
    });
    if (fields === undefined) return undefined;
    this.#requestLine = undefined;
    const head = createRequestHead(requestLine, fields, this.#limits);
    this.#line = '';
    this.#lineSections.forget();
    return head;
  }

  #readRequestLine(): RequestLine | undefined {
    for (;;) {
      const line = this.#window.takeLine(this.#limits.maxHeaderSize, REQUEST_LINE);
      if (line === undefined) return undefined;
      if (line !== '') {
        this.#emptyLines = 0;
        this.#line = line + CRLF;
        if (line.startsWith(HEAD)) this.#method = 'HEAD';
        return parseRequestLine(line);
      }
      this.#emptyLines += 1;
      if (this.#emptyLines > MAX_EMPTY_LINES) {
        throw new ProtocolError('WSGI_ERR_REQUEST_LINE_INVALID', 'empty lines only');
      }
    }
  }
}
