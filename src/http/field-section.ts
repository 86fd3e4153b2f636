/**
 * Field sections: field lines up to an empty line, in heads and as trailer sections (RFC 9112 §2.1, §7.1.2).
 *
 * A complete section is cut out of its text. An incomplete one is read line by line, so that a fault is found at its
 * first octet, and an endless line is refused.
 *
 * A client often repeats its fields from one request to the next. The last section is remembered, because comparing
 * octets is cheaper than cutting and checking them.
 */
import { ProtocolError } from '../errors.ts';
import { parseFieldLine } from './field-line.ts';
import type { LineKind, OctetWindow } from './octet-window.ts';

const CRLF = '\r\n';
/** Largest text, in octets, that is remembered: it stays in memory while the connection idles. */
const MAX_REMEMBERED = 1024;

/** Limits of a field section. */
export interface SectionLimits {
  /** Octets, including the empty line. */
  readonly maxSize: number;
  /** Field lines. */
  readonly maxCount: number;
}

/** Parses the complete field sections of one connection. */
export class WholeSections {
  #text = '';
  #fields: readonly string[] = [];

  /**
   * Parses a field section.
   *
   * @param text Contains the section; the caller has checked its size
   * @param from Start of its first line
   * @param to Start of the empty line after it
   * @param maxCount Field lines that it may have; the same in each call
   * @returns name, value, …; may be kept, must not be changed
   * @throws {@link ProtocolError}
   */
  parse(text: string, from: number, to: number, maxCount: number): readonly string[] {
    const section = text.slice(from, to);
    if (section === this.#text) return this.#fields;
    const fields: string[] = [];
    let start = from;
    while (start < to) {
      const end = text.indexOf(CRLF, start);
      addFieldLine(text.slice(start, end), fields, maxCount);
      start = end + CRLF.length;
    }
    // A slice keeps the whole string in memory.
    if (text.length <= MAX_REMEMBERED) {
      this.#text = section;
      this.#fields = fields;
    }
    return fields;
  }
}

/** Reads one field section after another, line by line, as the octets come. */
export class LineSections {
  #fields: string[] = [];
  /** The lines that were consumed. */
  #text = '';

  /** The consumed lines of the section, which {@link LineSections.forget} has not forgotten yet. */
  get text(): string {
    return this.#text;
  }

  /**
   * Continues to read a section. The caller forgets its text before the next one.
   *
   * @returns name, value, …, for the caller to keep; undefined if more octets are needed
   * @throws {@link ProtocolError}
   */
  read(window: OctetWindow, kind: LineKind, limits: SectionLimits): string[] | undefined {
    for (;;) {
      const line = window.takeLine(limits.maxSize - this.#text.length, kind);
      if (line === undefined) return undefined;
      this.#text += line + CRLF;
      if (line === '') return this.#take();
      addFieldLine(line, this.#fields, limits.maxCount);
    }
  }

  #take(): string[] {
    const fields = this.#fields;
    this.#fields = [];
    return fields;
  }

  /** Forgets the text of the section that was read. */
  forget(): void {
    this.#text = '';
  }
}

function addFieldLine(line: string, fields: string[], maxCount: number): void {
  parseFieldLine(line, fields);
  if (fields.length > maxCount * 2) throw new ProtocolError('WSGI_ERR_FIELDS_TOO_MANY');
}
