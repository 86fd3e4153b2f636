/**
 * Puts the head of a response on Fastify's reply, beside the headers that hooks and plugins of the host have set.
 *
 * Until the last hook has run, the headers are the reply's, as if a route had set them: hooks see, replace and remove
 * them. The reply keeps names in lower case, but some HTTP/1.1 clients want them as the application wrote them. So
 * `writeHead` of this response spells them when Fastify calls it, which costs less than setting them on node's
 * response instead (Node 20).
 */
import { type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse, STATUS_CODES } from 'node:http';
import type { ConnectionDirectives, HeaderList, ResponseHead } from '../../src/index.ts';
import { isHttp2Message } from '../../src/node-internals/index.ts';
import {
  hasEarlier,
  isSetCookie,
  isVary,
  joinVary,
  keyOf,
  needsLength,
  ownFields,
} from '../_node/response-head.ts';
import type { FastifyReplyLike } from './instance.ts';

/** The head of one response. */
export class ReplyHead {
  readonly #head: ResponseHead;
  readonly #reply: FastifyReplyLike;
  readonly #raw: ServerResponse;
  readonly #statusBefore: number;
  #hasType = false;
  #hasProto = false;
  /** Headers of the reply that were replaced. */
  #replaced: [key: string, value: unknown][] | undefined;

  /** Sets the headers of a response on the reply. */
  constructor(head: ResponseHead, reply: FastifyReplyLike) {
    this.#head = head;
    this.#reply = reply;
    // HTTP/2's compatibility API has the methods that are used here.
    this.#raw = reply.raw as ServerResponse;
    this.#statusBefore = this.#raw.statusCode;
    // Not by reply.code(), which refuses a status above 599.
    this.#raw.statusCode = head.statusCode;
    const { headers } = head;
    if (!head.hasContentLengthField) this.#setLength(head);
    for (let index = 0; index < headers.length; index += 1) this.#set(headers, index);
    this.#hasType ||= reply.getHeader('content-type') !== undefined;
  }

  /** Takes the headers off again, because the response has failed. */
  withdraw(): void {
    const reply = this.#reply;
    for (const [name] of this.#head.headers) reply.removeHeader(name);
    if (needsLength(this.#head)) reply.removeHeader('content-length');
    for (const [key, value] of this.#replaced ?? []) reply.header(key, value);
    this.#raw.statusCode = this.#statusBefore;
  }

  /**
   * Gives the head its final form, after the last hook.
   *
   * @param payload The payload that will be sent
   * @param isOwn It is the application's answer, not a hook's
   * @param fields Connection fields that a wrapped program has set
   */
  settle(payload: unknown, isOwn: boolean, fields: ConnectionDirectives['fields']): void {
    const reply = this.#reply;
    const isHeld = typeof payload === 'string' || payload instanceof Uint8Array;
    // Fastify corrects the length of a payload in memory, but not to HEAD; that of another stream is unknown.
    if (!isOwn && (!isHeld || this.#head.isBodiless)) this.#removeOwnLength();
    // Fastify gives every Buffer a type; PEP 3333 leaves that to the application.
    if (!this.#hasType && isHeld && isOwn) reply.removeHeader('content-type');
    if (isOwn && this.#hasProto) this.#setProto();
    if (isHttp2Message(this.#raw, this.#raw.req.httpVersionMajor)) return;
    const isStream = typeof payload === 'object' && payload !== null && !isHeld;
    const isChunked = isStream && this.#head.contentLength === undefined && !this.#head.isBodiless;
    spellHead(this.#raw, this.#head, {
      extra: isOwn && fields !== undefined ? this.#choose(fields, isChunked) : NO_FIELDS,
      isChunked,
    });
  }

  #choose(fields: NonNullable<ConnectionDirectives['fields']>, isChunked: boolean): HeaderList {
    const chosen: HeaderList = [];
    for (const { name, value } of ownFields(this.#raw, this.#head, fields)) {
      // Fastify gives a payload in memory a length, even where there is none, so neither chunks nor trailers.
      if (isChunked || !CHUNKS_ONLY.test(name)) chosen.push([name, value]);
    }
    return chosen;
  }

  /** Replaces the host's length, or removes it if the application's is unknown. */
  #setLength({ contentLength }: ResponseHead): void {
    const reply = this.#reply;
    const present = reply.getHeader('content-length');
    if (present !== undefined) {
      this.#remember('content-length', present);
      reply.removeHeader('content-length');
    }
    if (contentLength !== undefined) reply.header('content-length', `${contentLength}`);
  }

  #set(headers: HeaderList, index: number): void {
    const reply = this.#reply;
    const [name, value] = headers[index] ?? NO_FIELD;
    const key = keyOf(name);
    if (key === 'content-type') this.#hasType = true;
    // The reply keeps headers in a plain object, where this is no name.
    if (key === PROTO) {
      this.#hasProto = true;
      return;
    }
    const present = reply.getHeader(key);
    if (present === undefined) {
      reply.header(key, value);
    } else if (hasEarlier(headers, index)) {
      // Fastify itself adds to the cookies.
      reply.header(key, isSetCookie(name) ? value : [...toList(present), value]);
    } else {
      const cookies = isSetCookie(name) ? hostValues(reply, this.#raw, key) : [];
      const vary = isVary(name) ? joinVary(hostValues(reply, this.#raw, key), value) : value;
      this.#remember(key, present);
      reply.removeHeader(key);
      reply.header(key, cookies.length === 0 ? vary : [...cookies, value]);
    }
  }

  #setProto(): void {
    for (const [name, value] of this.#head.headers)
      if (keyOf(name) === PROTO) this.#raw.appendHeader(name, value);
  }

  #remember(key: string, value: unknown): void {
    this.#replaced ??= [];
    this.#replaced.push([key, value]);
  }

  #removeOwnLength(): void {
    const { contentLength } = this.#head;
    if (this.#reply.getHeader('content-length') === `${contentLength}`)
      this.#reply.removeHeader('content-length');
  }
}

/**
 * Gives the values of a host's header. Hooks set them on the reply, other middleware on node's response; the reply
 * tells only its own if there are both.
 */
export function hostValues(reply: FastifyReplyLike, raw: ServerResponse, name: string): string[] {
  const below = raw.getHeader(name);
  const own = reply.getHeader(name);
  return [...toList(below), ...(own === below ? [] : toList(own))];
}

const PROTO = '__proto__';
const NO_FIELD: readonly [name: string, value: string] = ['', ''];
const NO_FIELDS: HeaderList = [];
const CHUNKS_ONLY = /^(?:trailer|transfer-encoding)$/i;

/** Node's own method. A response with another one was patched or has another class. */
const { writeHead: nodeWriteHead } = ServerResponse.prototype;

/** How a head is written. */
interface Spelling {
  /** Connection fields to add. */
  readonly extra: HeaderList;
  /** The content is a stream of unknown length. */
  readonly isChunked: boolean;
}

/** Makes the next `writeHead` of a response write the application's spelling of names, and its reason phrase. */
function spellHead(raw: ServerResponse, head: ResponseHead, { extra, isChunked }: Spelling): void {
  // A patch of the host's is called in its turn.
  const { writeHead } = raw;
  const writeSpelled = (statusCode: number, first?: unknown, second?: unknown): ServerResponse => {
    raw.writeHead = writeHead;
    const reason = statusCode === head.statusCode ? head.reason : undefined;
    const given = second ?? first;
    if (!isHeaderObject(given)) {
      // For a stream Fastify sets the headers one by one.
      respell(raw, head, extra);
      keepOneFraming(raw, {}, isChunked);
      return reason === undefined ? raw.writeHead(statusCode) : raw.writeHead(statusCode, reason);
    }
    keepOneFraming(raw, given, isChunked);
    const lines = spell(given, head, extra);
    // A patch of writeHead may know no lists.
    const fields = writeHead === nodeWriteHead ? lines : toObject(lines);
    return raw.writeHead(statusCode, reason ?? STATUS_CODES[statusCode] ?? 'unknown', fields);
  };
  raw.writeHead = writeSpelled;
}

/**
 * RFC 9112 §6.2: a message has no Content-Length beside Transfer-Encoding. Hooks and other middleware may have set
 * either, on the reply or on node's response.
 */
function keepOneFraming(raw: ServerResponse, given: OutgoingHttpHeaders, isChunked: boolean): void {
  if (!isFramed(raw, given, 'transfer-encoding') || !isFramed(raw, given, 'content-length')) return;
  const surplus = isChunked ? 'content-length' : 'transfer-encoding';
  delete given[surplus];
  if (raw.hasHeader(surplus)) raw.removeHeader(surplus);
}

function isFramed(raw: ServerResponse, given: OutgoingHttpHeaders, name: string): boolean {
  return given[name] !== undefined || raw.hasHeader(name);
}

/** Gives the headers of a reply as a list: name, value, name, value, … */
function spell(
  given: OutgoingHttpHeaders,
  { headers }: ResponseHead,
  extra: HeaderList,
): OutgoingHttpHeader[] {
  // With the length of the application's: a push into an empty list makes room for 17 (V8).
  const lines = new Array<OutgoingHttpHeader>(headers.length * 2);
  let count = 0;
  for (let index = 0; index < headers.length; index += 1) {
    const [name] = headers[index] ?? NO_FIELD;
    const key = keyOf(name);
    const value = given[key];
    if (value === undefined || key === PROTO || hasEarlier(headers, index)) continue;
    lines[count] = name;
    lines[count + 1] = value;
    count += 2;
  }
  lines.length = count;
  for (const [name, value] of extra) lines.push(name, value);
  for (const _key in given) count -= 2;
  if (count < 0) addOthers(lines, given, headers);
  return lines;
}

/** Adds the headers that are not the application's. */
function addOthers(lines: OutgoingHttpHeader[], given: OutgoingHttpHeaders, headers: HeaderList): void {
  const keys = headers.map(([name]) => keyOf(name));
  for (const key in given) {
    const value = given[key];
    if (value !== undefined && !keys.includes(key)) lines.push(key, value);
  }
}

function respell(raw: ServerResponse, { headers }: ResponseHead, extra: HeaderList): void {
  for (const [name] of headers) {
    const value = raw.getHeader(name);
    if (value !== undefined) raw.setHeader(name, value);
  }
  for (const [name, value] of extra) raw.setHeader(name, value);
}

function toObject(lines: readonly OutgoingHttpHeader[]): OutgoingHttpHeaders {
  const object: OutgoingHttpHeaders = Object.create(null);
  for (let index = 0; index + 1 < lines.length; index += 2) object[`${lines[index]}`] = lines[index + 1];
  return object;
}

function isHeaderObject(value: unknown): value is OutgoingHttpHeaders {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toList(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(String);
  return value === undefined ? [] : [String(value)];
}
