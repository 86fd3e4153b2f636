/**
 * The fields of a response, one by one, as node takes them into a head.
 *
 * What they do to the response is node's; where they go is PEP 3333's: a list of pairs, without hop-by-hop fields.
 */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { isHopByHop } from '../headers.ts';
import type { ConnectionField } from '../port.ts';
import type { HeaderList } from '../wsgi.ts';
import type { ResponseMessage } from './node-internals.ts';

const CLOSE = /(?:^|\W)close(?:$|\W)/i;
const CHUNKED = /(?:^|\W)chunked(?:$|\W)/i;

/** What node has to look at, or what depends on an encoding. */
const NOT_PLAIN = /[^\t\x20-\x7e]/;

/** Puts one field after the other into the list, and takes note of those that frame. */
export class FieldCollector {
  readonly fields: HeaderList = [];
  /** The fields that do not get past here, for a host that writes them itself. */
  connectionFields: ConnectionField[] | undefined;
  hasConnection = false;
  hasLength = false;
  hasTransferEncoding = false;
  hasDate = false;
  hasTrailer = false;
  isWide = false;
  isAscii = true;
  /** Characters, with colons and CRLFs. */
  length = 0;
  readonly #response: ResponseMessage;

  constructor(response: ResponseMessage) {
    this.#response = response;
  }

  /** A field of writeHead, which nobody has looked at yet. */
  add(name: string, value: unknown): void {
    const kind = kindOf(name);
    if (typeof value === 'string' && !NOT_PLAIN.test(value)) {
      this.#putPlain(kind, name, value);
      return;
    }
    for (const item of Array.isArray(value) ? value : [value]) validateHeaderValue(name, item);
    this.addChecked(name, value);
  }

  addChecked(name: string, value: unknown): void {
    const kind = kindOf(name);
    if (!Array.isArray(value)) {
      this.#put(kind, name, value);
    } else if (value.length >= 2 && kind === 'cookie') {
      this.#put(kind, name, value.join('; '));
    } else {
      for (const item of value) this.#put(kind, name, item);
    }
  }

  #put(kind: FieldKind, name: string, value: unknown): void {
    const text = String(value);
    if (!NOT_PLAIN.test(text)) {
      this.#putPlain(kind, name, text);
      return;
    }
    this.isAscii = false;
    this.#putPlain(kind, name, kind === 'content-disposition' ? this.#disposition(text) : text);
  }

  #putPlain(kind: FieldKind, name: string, text: string): void {
    this.length += name.length + text.length + 4;
    if (kind !== 'other') {
      this.#note(kind, text);
      if (isHopByHop(name)) {
        this.connectionFields ??= [];
        this.connectionFields.push({ index: this.fields.length, name, value: text });
        return;
      }
    }
    this.fields.push([name, text]);
  }

  /**
   * nodejs/node#46528: beside a Content-Length, node means to send Content-Disposition as latin-1. What it does, in
   * all versions so far, is to read the octets of latin-1 as UTF-8.
   */
  #disposition(text: string): string {
    if (!this.#response._contentLength) return text;
    this.isWide = true;
    return Buffer.from(text, 'latin1').toString('utf8');
  }

  #note(kind: FieldKind, value: string): void {
    const response = this.#response;
    switch (kind) {
      case 'connection':
        this.hasConnection = true;
        response._removedConnection = false;
        if (CLOSE.test(value)) response._last = true;
        else response.shouldKeepAlive = true;
        break;
      case 'transfer-encoding':
        this.hasTransferEncoding = true;
        response._removedTE = false;
        if (CHUNKED.test(value)) response.chunkedEncoding = true;
        break;
      case 'content-length':
        this.hasLength = true;
        response._contentLength = Number(value);
        response._removedContLen = false;
        break;
      case 'date':
        this.hasDate = true;
        break;
      case 'trailer':
        this.hasTrailer = true;
        break;
      case 'cookie':
      case 'content-disposition':
      case 'hop-by-hop':
      case 'other':
    }
  }
}

/** The names that mean something to node, and those that do not get past here. */
const KINDS = [
  'connection',
  'transfer-encoding',
  'content-length',
  'date',
  'trailer',
  'cookie',
  'content-disposition',
] as const;

type FieldKind = (typeof KINDS)[number] | 'hop-by-hop' | 'other';

/** Programs use few names again and again; what is remembered of them is bounded. It saves 0.1 µs a field. */
const MAX_NAMES = 1024;
const kinds = new Map<string, FieldKind>();

/** @throws node's own error for what is no field name */
function kindOf(name: string): FieldKind {
  const known = kinds.get(name);
  if (known !== undefined) return known;
  validateHeaderName(name);
  const lowerCase = name.toLowerCase();
  const kind = KINDS.find((one) => one === lowerCase) ?? (isHopByHop(name) ? 'hop-by-hop' : 'other');
  if (kinds.size < MAX_NAMES && name.length <= 64) kinds.set(name, kind);
  return kind;
}
