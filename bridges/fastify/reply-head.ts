/**
 * The head of a response on Fastify's reply, beside what hooks and plugins of the host have set on it.
 *
 * Until the last hook has run the headers are the reply's, as if a route had set them: hooks see them, replace them,
 * remove them. Then they move to node's response, because the reply knows them in lower case only, and HTTP/1.1 has
 * clients that want to see them as the application wrote them.
 */
import type { ServerResponse } from 'node:http';
import type { ConnectionDirectives, ResponseHead } from '../../src/index.ts';
import { isSetCookie, needsLength, ownFields } from '../_head.ts';
import type { FastifyReplyLike } from './instance.ts';

/** The head of one response. */
export class ReplyHead {
  readonly #head: ResponseHead;
  readonly #reply: FastifyReplyLike;
  readonly #raw: ServerResponse;
  /** What the reply had before, by name in lower case. */
  readonly #before = new Map<string, unknown>();
  /** The application's names, as it wrote them. */
  readonly #names = new Map<string, string>();
  readonly #statusBefore: number;
  readonly #hasType: boolean;

  /** Sets the headers of a response on the reply. */
  constructor(head: ResponseHead, reply: FastifyReplyLike) {
    this.#head = head;
    this.#reply = reply;
    // The compatibility API of HTTP/2 has the methods that are used here.
    this.#raw = reply.raw as ServerResponse;
    this.#statusBefore = this.#raw.statusCode;
    this.#hasType = reply.getHeader('content-type') !== undefined;
    // Not by reply.code(), which refuses what is above 599.
    this.#raw.statusCode = head.statusCode;
    this.#set('Content-Length', needsLength(head) ? [`${head.contentLength}`] : []);
    for (const [name, values] of group(head.headers)) this.#set(name, values);
  }

  /** Takes the headers off again: the response that they were for has failed. */
  withdraw(): void {
    for (const name of this.#names.keys()) this.#reply.removeHeader(name);
    for (const [name, value] of this.#before) this.#reply.header(name, value);
    this.#raw.statusCode = this.#statusBefore;
    this.#names.clear();
    this.#before.clear();
  }

  /**
   * Gives the head its final form, when no hook will touch it any more.
   *
   * @param payload What is going to be sent
   * @param isOwn Whether it is what the application answered, and not what a hook made of it
   * @param fields The connection's fields that a wrapped program has set
   */
  settle(payload: unknown, isOwn: boolean, fields: ConnectionDirectives['fields']): void {
    const reply = this.#reply;
    const isHeld = typeof payload === 'string' || payload instanceof Uint8Array;
    // Fastify corrects the length of what it holds in memory, but not to HEAD; of another stream nobody knows it.
    if (!isOwn && (!isHeld || this.#head.isBodiless)) this.#removeOwnLength();
    // Fastify gives every Buffer a type; PEP 3333 leaves that to the application.
    if (!this.#hasType && !this.#names.has('content-type') && isHeld && isOwn)
      reply.removeHeader('content-type');
    if (this.#raw.req.httpVersionMajor === 2) return;
    for (const [key, name] of this.#names) {
      const value = reply.getHeader(key);
      if (!isFieldContent(value) || (key === 'content-length' && isHeld)) continue;
      reply.removeHeader(key);
      this.#raw.setHeader(name, value);
    }
    if (isOwn && fields !== undefined) {
      for (const { name, value } of ownFields(this.#raw, this.#head, fields)) {
        // What is held in memory gets a length, and with it neither chunks nor trailers.
        if (!isHeld || !CHUNKS_ONLY.test(name)) this.#raw.setHeader(name, value);
      }
    }
    if (this.#raw.statusCode === this.#head.statusCode) this.#raw.statusMessage = this.#head.reason;
  }

  #set(name: string, values: string[]): void {
    const reply = this.#reply;
    const key = name.toLowerCase();
    const present = reply.getHeader(key);
    if (present !== undefined && !this.#before.has(key)) this.#before.set(key, present);
    const cookies = isSetCookie(name) ? this.#hostCookies() : [];
    reply.removeHeader(key);
    if (values.length === 0) return;
    this.#names.set(key, name);
    const all = [...cookies, ...values];
    reply.header(key, all.length === 1 ? all[0] : all);
  }

  /** Hooks set cookies on the reply, middleware of other kinds on node's response; the reply tells only of its own. */
  #hostCookies(): string[] {
    const raw = this.#raw.getHeader('set-cookie');
    const own = this.#reply.getHeader('set-cookie');
    return [...toList(raw), ...(own === raw ? [] : toList(own))];
  }

  #removeOwnLength(): void {
    const { contentLength } = this.#head;
    if (this.#reply.getHeader('content-length') === `${contentLength}`)
      this.#reply.removeHeader('content-length');
  }
}

const CHUNKS_ONLY = /^(?:trailer|transfer-encoding)$/i;

/** Headers with all values of a name together, under its first spelling. */
function group(headers: ResponseHead['headers']): [name: string, values: string[]][] {
  const groups = new Map<string, [name: string, values: string[]]>();
  for (const [name, value] of headers) {
    const present = groups.get(name.toLowerCase());
    if (present === undefined) groups.set(name.toLowerCase(), [name, [value]]);
    else present[1].push(value);
  }
  return [...groups.values()];
}

function toList(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(String);
  return value === undefined ? [] : [String(value)];
}

function isFieldContent(value: unknown): value is string | number | string[] {
  return typeof value === 'string' || typeof value === 'number' || Array.isArray(value);
}
