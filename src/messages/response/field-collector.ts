/**
 * Collects the fields of a response, one by one, as node takes them into a head.
 *
 * Each changes the response as on node and goes into PEP 3333's list of pairs, unless it is hop-by-hop.
 */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { isHopByHop } from '../../gateway/headers.ts';
import { LastValue, NameMemory } from '../../gateway/name-memory.ts';
import { isUniqueHeader, type ResponseMessage } from '../../node-internals/index.ts';
import type { ConnectionDirectives, ConnectionField } from '../../port.ts';
import type { HeaderList } from '../../wsgi.ts';

// node's own patterns, wider than lists of tokens: the outcome must be node's.
const CLOSE = /(?:^|\W)close(?:$|\W)/i;
const CHUNKED = /(?:^|\W)chunked(?:$|\W)/i;

/** Characters that node must check, or that depend on an encoding. */
const NOT_PLAIN = /[^\t\x20-\x7e]/;

/**
 * Lists the fields and notes those that frame. With status and directives it is also the captured head, which saves
 * an object per request.
 */
export class FieldCollector {
  readonly fields: HeaderList = [];
  status = '';
  directives: ConnectionDirectives | undefined;
  /** Hop-by-hop fields, for a host that writes them itself. */
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

  /** Adds a field of writeHead, which nobody has checked yet. */
  add(name: string, value: unknown): void {
    const rule = rules.get(name);
    if (typeof value === 'string' && isPlain(rule, value)) {
      this.#putPlain(rule, name, value);
      return;
    }
    for (const item of Array.isArray(value) ? value : [value]) validateHeaderValue(name, item);
    this.addChecked(name, value);
  }

  addChecked(name: string, value: unknown): void {
    const rule = rules.get(name);
    if (!Array.isArray(value)) {
      this.#put(rule, name, value);
    } else if ((value.length >= 2 && rule.kind === 'cookie') || isUniqueHeader(this.#response, name)) {
      this.#put(rule, name, value.join('; '));
    } else {
      for (const item of value) this.#put(rule, name, item);
    }
  }

  #put(rule: FieldRule, name: string, value: unknown): void {
    const text = String(value);
    if (isPlain(rule, text)) {
      this.#putPlain(rule, name, text);
      return;
    }
    this.isAscii = false;
    this.#putPlain(rule, name, rule.kind === 'content-disposition' ? this.#disposition(text) : text);
  }

  #putPlain(rule: FieldRule, name: string, text: string): void {
    this.length += name.length + text.length + 4;
    if (rule.kind !== 'other') {
      this.#note(rule.kind, text);
      if (rule.isHopByHop) {
        this.connectionFields ??= [];
        this.connectionFields.push({ index: this.fields.length, name, value: text });
        return;
      }
    }
    this.fields.push([name, text]);
  }

  /**
   * nodejs/node#46528: beside a Content-Length, node means to send Content-Disposition as latin-1. In all versions so
   * far it reads the octets of latin-1 as UTF-8.
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

/** Names that mean something to node. */
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

/** The rule for one name. */
interface FieldRule {
  readonly kind: FieldKind;
  readonly isHopByHop: boolean;
  /** The latest plain value. */
  readonly plain: LastValue;
}

function isPlain(rule: FieldRule, value: string): boolean {
  if (value === rule.plain.value) return true;
  if (NOT_PLAIN.test(value)) return false;
  rule.plain.change(value);
  return true;
}

const rules = new NameMemory(learnRule);

/** @throws node's own error if it is not a field name */
function learnRule(name: string): FieldRule {
  validateHeaderName(name);
  const lowerCase = name.toLowerCase();
  const belongsToConnection = isHopByHop(name);
  const kind = KINDS.find((one) => one === lowerCase) ?? (belongsToConnection ? 'hop-by-hop' : 'other');
  return { kind, isHopByHop: belongsToConnection, plain: new LastValue() };
}
