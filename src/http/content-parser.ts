/**
 * Parses content: as many octets as Content-Length says, or chunks (RFC 9112 §6, §7.1).
 *
 * Pieces are views of the received octets, or copies of lent ones; nothing is gathered. The lines around chunks are
 * checked as strictly as a head, because they frame the message too.
 */
import { ProtocolError } from '../errors.ts';
import { MAX_SIZE_DIGITS, parseChunkLine } from './chunk-line.ts';
import { LineSections } from './field-section.ts';
import { isForbiddenTrailer } from './forbidden-trailers.ts';
import { NOT_FIELD_OCTET, quote } from './grammar.ts';
import type { HttpLimits } from './limits.ts';
import type { LineKind, OctetWindow } from './octet-window.ts';
import { checkContentSize } from './request-framing.ts';
import type { RequestHead } from './request-head.ts';

const CRLF = '\r\n';
/** Some head of a message with chunks. */
const CHUNKED_HEAD = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
const HEXDIG_OR_NOTHING = /^[0-9A-Fa-f]?$/;
const CHUNK_LINE: LineKind = { forbidden: NOT_FIELD_OCTET, tooLong: 'WSGI_ERR_CHUNK_EXTENSIONS_TOO_LARGE' };
const TRAILER_LINE: LineKind = { forbidden: NOT_FIELD_OCTET, tooLong: 'WSGI_ERR_FIELDS_TOO_LARGE' };

/** The part to read next. */
type Part = 'data' | 'chunk-line' | 'chunk-data' | 'chunk-end' | 'trailers' | 'nothing';

/** Parses the content of one message after another. */
export class ContentParser {
  readonly #window: OctetWindow;
  readonly #limits: HttpLimits;
  readonly #sections: LineSections = new LineSections();
  #part: Part = 'nothing';
  /** Octets of data left in the content or in the chunk. */
  #remaining = 0;
  #extensionSize = 0;
  #given = 0;
  #trailers: string[] = [];
  /** A chunk line that was consumed, and not accepted yet. */
  #line = '';

  constructor(window: OctetWindow, limits: HttpLimits) {
    this.#window = window;
    this.#limits = limits;
  }

  /** Octets of content given out for this message. */
  get given(): number {
    return this.#given;
  }

  /** Octets of data left in the content, or in the current chunk. */
  get remaining(): number {
    return this.#remaining;
  }

  /** The trailer section of the message, once its content has ended. */
  get trailers(): string[] {
    return this.#trailers;
  }

  get isAtEnd(): boolean {
    return this.#part === 'nothing';
  }

  /** Text that leads another parser to where this one stands: a head, and the begun part of the coding. */
  get consumed(): string {
    switch (this.#part) {
      case 'chunk-line':
        return CHUNKED_HEAD + this.#line;
      case 'chunk-end':
        return `${CHUNKED_HEAD}1${CRLF}x`;
      case 'trailers':
        return `${CHUNKED_HEAD}0${CRLF}${this.#sections.text}`;
      default:
        return '';
    }
  }

  begin(head: RequestHead): void {
    this.#given = 0;
    if (this.#trailers.length > 0) this.#trailers = [];
    if (head.contentLength === 0) return;
    this.#extensionSize = 0;
    this.#part = head.isChunked ? 'chunk-line' : 'data';
    this.#remaining = head.isChunked ? 0 : head.contentLength;
  }

  /**
   * Reads a piece of content.
   *
   * @returns the piece; null if the content has ended; undefined if more octets are needed
   * @throws {@link ProtocolError}
   */
  read(): Buffer | null | undefined {
    // chunked-body = *chunk last-chunk trailer-section CRLF (RFC 9112 §7.1).
    for (;;) {
      switch (this.#part) {
        case 'nothing':
          return null;
        case 'data':
          return this.#readData('nothing');
        case 'chunk-data':
          return this.#readData('chunk-end');
        case 'chunk-end':
          if (!this.#readChunkEnd()) return undefined;
          this.#part = 'chunk-line';
          break;
        case 'chunk-line':
          if (!this.#readChunkLine()) return undefined;
          this.#part = this.#remaining === 0 ? 'trailers' : 'chunk-data';
          break;
        case 'trailers':
          if (!this.#readTrailers()) return undefined;
          this.#part = 'nothing';
      }
    }
  }

  #readData(next: Part): Buffer | undefined {
    if (this.#window.length === 0) return undefined;
    const piece = this.#window.take(this.#remaining);
    this.#remaining -= piece.length;
    this.#given += piece.length;
    if (this.#remaining === 0) this.#part = next;
    return piece;
  }

  #readChunkLine(): boolean {
    const usualSize = this.#window.takeHexadecimal();
    const size = usualSize === -1 ? this.#readExtendedChunkLine() : usualSize;
    if (size === undefined) return false;
    checkContentSize(size, this.#given, this.#limits.maxBodySize);
    this.#line = '';
    this.#remaining = size;
    return true;
  }

  /** Reads a chunk line that has extensions, or is not complete; undefined while it is not. */
  #readExtendedChunkLine(): number | undefined {
    const { maxChunkExtensionSize } = this.#limits;
    // A line that begins with another octet is refused at once.
    const first = this.#window.peek(1);
    if (!HEXDIG_OR_NOTHING.test(first)) throw new ProtocolError('WSGI_ERR_CHUNK_MALFORMED', quote(first));
    const maxSize = MAX_SIZE_DIGITS + maxChunkExtensionSize - this.#extensionSize + CRLF.length;
    const line = this.#window.takeLine(maxSize, CHUNK_LINE);
    if (line === undefined) return undefined;
    this.#line = line + CRLF;
    const { size, extensionSize } = parseChunkLine(line);
    this.#extensionSize += extensionSize;
    if (this.#extensionSize > maxChunkExtensionSize) throw new ProtocolError(CHUNK_LINE.tooLong);
    return size;
  }

  /** Reads the CRLF after chunk-data, and checks both octets (CVE-2025-43859). */
  #readChunkEnd(): boolean {
    const octets = this.#window.peek(CRLF.length);
    if (!CRLF.startsWith(octets))
      throw new ProtocolError('WSGI_ERR_CHUNK_MALFORMED', 'no CRLF after the data');
    if (octets.length < CRLF.length) return false;
    this.#window.skip(CRLF.length);
    return true;
  }

  #readTrailers(): boolean {
    const { maxTrailerSize, maxHeadersCount } = this.#limits;
    const fields = this.#sections.read(this.#window, TRAILER_LINE, {
      maxSize: maxTrailerSize,
      maxCount: maxHeadersCount,
    });
    if (fields === undefined) return false;
    for (let index = 0; index < fields.length; index += 2) {
      const name = fields[index] ?? '';
      if (isForbiddenTrailer(name)) throw new ProtocolError('WSGI_ERR_REQUEST_TRAILER_FORBIDDEN', name);
    }
    this.#sections.forget();
    this.#trailers = fields;
    return true;
  }
}
