/**
 * Writes the head of a response on node's ServerResponse, beside the headers that the host has set.
 *
 * The application's headers replace the host's of the same name, but each Set-Cookie of both is sent, and Vary is
 * joined. Other headers of the host stay, except framing, which is ours: a Content-Length of the host's goes.
 */
import { ServerResponse } from 'node:http';
import { insertFields, NameMemory } from '../../src/gateway/index.ts';
import type { ConnectionDirectives, HeaderList, ResponseHead } from '../../src/index.ts';
import {
  forgetLength,
  type HeaderMap,
  headerMapOf,
  leaveLengthToNode,
} from '../../src/node-internals/index.ts';

/** Connection fields that a wrapped program has set. */
type ConnectionFields = NonNullable<ConnectionDirectives['fields']>;

/** Node's own method. A response with another one was patched or has another class. */
const { writeHead: nodeWriteHead, write: nodeWrite, end: nodeEnd } = ServerResponse.prototype;

/**
 * Writes a head. If it throws, the response has its earlier headers again.
 *
 * @param res The response of the host
 * @param head The head
 * @param fields Connection fields that a wrapped program has set
 * @returns true if node alone wrote it, not a patch of the host's
 */
export function writeHead(res: ServerResponse, head: ResponseHead, fields?: ConnectionFields): boolean {
  // Patches of writeHead, such as on-headers, look for the headers on the response.
  const isUnpatched = res.writeHead === nodeWriteHead;
  const headers =
    fields === undefined ? head.headers : insertFields(head.headers, framedFields(res, head, fields));
  const stored = headerMapOf(res);
  if (isUnpatched && takesList(res, headers, stored)) writeList(res, head, headers);
  else mergeHeaders(res, head, { headers, stored, isHttp2: false });
  return isUnpatched;
}

/**
 * Sets a head on a response whose `write` or `end` was patched, so that the first of them writes it, as after
 * `res.send`: such middleware may change status and headers until then.
 *
 * @returns a function that gives the response its earlier headers again, for a patch that throws
 */
export function prepareHead(res: ServerResponse, head: ResponseHead, fields?: ConnectionFields): () => void {
  const headers =
    fields === undefined ? head.headers : insertFields(head.headers, framedFields(res, head, fields));
  const { statusCode, statusMessage } = res;
  const undo = mergeHeaders(res, head, { headers, stored: headerMapOf(res), isHttp2: false, isHeld: true });
  res.statusCode = head.statusCode;
  res.statusMessage = head.reason;
  const allowReason = head.reason === '' ? keepEmptyReason(res) : undefined;
  return () => {
    allowReason?.();
    Object.assign(res, { statusCode, statusMessage });
    undo();
  };
}

/**
 * Keeps an empty reason phrase: node writes its own in the place of an empty `statusMessage`, unless `writeHead` is
 * given one.
 *
 * @returns a function that takes this back
 */
function keepEmptyReason(res: ServerResponse): () => void {
  const { writeHead: before, statusCode } = res;
  const isOwn = Object.hasOwn(res, 'writeHead');
  const allow = (): void => {
    if (isOwn) res.writeHead = before;
    else Reflect.deleteProperty(res, 'writeHead');
  };
  const write = (status: number, ...rest: unknown[]): ServerResponse => {
    allow();
    const isEmpty = status === statusCode && res.statusMessage === '' && typeof rest[0] !== 'string';
    return Reflect.apply(before, res, isEmpty ? [status, '', ...rest] : [status, ...rest]);
  };
  res.writeHead = write;
  return allow;
}

/**
 * Chooses connection fields. A patch may set Content-Length after we have set Transfer-Encoding, so node adds that
 * itself then: never both (RFC 9112 §6.2).
 */
function framedFields(res: ServerResponse, head: ResponseHead, fields: ConnectionFields): ConnectionFields {
  const own = ownFields(res, head, fields);
  const isUnpatched = res.writeHead === nodeWriteHead && !isPatched(res);
  return isUnpatched ? own : own.filter(({ name }) => name.toLowerCase() !== 'transfer-encoding');
}

/** Tells if middleware has replaced `write` or `end` of a response. */
export function isPatched(res: ServerResponse): boolean {
  return res.write !== nodeWrite || res.end !== nodeEnd;
}

/** Writes the head of a response over HTTP/2, which has no reason phrase. */
export function writeHttp2Head(res: ServerResponse, head: ResponseHead): void {
  mergeHeaders(res, head, { headers: head.headers, stored: undefined, isHttp2: true });
}

function writeList(res: ServerResponse, head: ResponseHead, headers: HeaderList): void {
  // With its final length: a push into an empty list makes room for 17 (V8).
  const lines = new Array<string>(headers.length * 2);
  for (let index = 0; index < headers.length; index += 1) {
    const [name, value] = headers[index] ?? ['', ''];
    lines[index * 2] = name;
    lines[index * 2 + 1] = value;
  }
  if (needsLength(head)) {
    // Where node computes a length, it puts it behind its own fields; to HEAD it gives none.
    const { contentLength = 0 } = head;
    if (head.isBodiless || !leaveLengthToNode(res, contentLength))
      lines.push('Content-Length', `${contentLength}`);
  }
  try {
    res.writeHead(head.statusCode, head.reason, lines);
  } catch (error) {
    if (!res.headersSent) forgetLength(res);
    throw error;
  }
}

/** Headers to set on a response. */
interface Merger {
  readonly headers: HeaderList;
  /** Headers that are set already; undefined if only `getHeader` tells. */
  readonly stored: HeaderMap | null | undefined;
  readonly isHttp2: boolean;
  /** The head is not written yet. */
  readonly isHeld?: boolean;
}

/** @returns a function that gives the response its earlier headers again */
function mergeHeaders(res: ServerResponse, head: ResponseHead, merger: Merger): () => void {
  const { headers, isHttp2 } = merger;
  const { sendDate } = res;
  // Looks for headers where node keeps them, which is faster than `getHeader`.
  const stored = merger.stored ?? undefined;
  let replaced: [name: string, value: number | string | string[]][] | undefined;
  const undo = (): void => {
    for (const [name] of headers) res.removeHeader(name);
    if (needsLength(head)) res.removeHeader('Content-Length');
    for (const [name, value] of replaced ?? []) res.setHeader(name, value);
    // Node takes the removal of Date for the wish to send none.
    if (!isHttp2) res.sendDate = sendDate;
  };
  try {
    // Node takes the removal of an absent framing field for the wish to do without: no chunks, no length.
    for (const name of FRAMING) {
      const present = stored === undefined ? res.getHeader(name) : stored[name]?.[1];
      if (present === undefined) continue;
      replaced ??= [];
      replaced.push([name, present]);
      res.removeHeader(name);
    }
    for (let index = 0; index < headers.length; index += 1) {
      const [name, value] = headers[index] ?? ['', ''];
      const present = stored === undefined ? res.getHeader(name) : stored[keyOf(name)]?.[1];
      if (present === undefined) res.setHeader(name, value);
      else if (hasEarlier(headers, index)) res.appendHeader(name, value);
      else {
        replaced ??= [];
        replaced.push([name, present]);
        // A new list: the present one may be the host's.
        if (isSetCookie(name)) res.setHeader(name, [...[present].flat().map(String), value]);
        else res.setHeader(name, isVary(name) ? joinVary([present].flat().map(String), value) : value);
      }
    }
    if (needsLength(head)) res.setHeader('Content-Length', `${head.contentLength}`);
    if (isHttp2) res.writeHead(head.statusCode);
    else if (merger.isHeld !== true) res.writeHead(head.statusCode, head.reason);
  } catch (error) {
    if (!res.headersSent) undo();
    throw error;
  }
  return undo;
}

const FRAMING = ['content-length', 'transfer-encoding'] as const;

/**
 * Chooses the connection fields that a response may have. Node treats them as if the wrapped program had set them on
 * its response.
 */
export function ownFields(
  res: ServerResponse,
  head: ResponseHead,
  fields: ConnectionFields,
): ConnectionFields {
  const isChunked = head.contentLength === undefined && !head.isBodiless && res.useChunkedEncodingByDefault;
  return fields.filter(({ name, value }) => {
    const lowerCase = name.toLowerCase();
    // RFC 9112 §6.1: not over HTTP/1.0, and nothing but chunks.
    if (lowerCase === 'transfer-encoding') return isChunked && value.toLowerCase() === 'chunked';
    // Node throws at `Trailer` where there are no chunks.
    return lowerCase === 'trailer' ? isChunked : OWN_FIELDS.has(lowerCase);
  });
}

const OWN_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'upgrade',
]);

/** Tells if the length is known to us only, and not in the application's headers. */
export function needsLength(head: ResponseHead): boolean {
  return head.contentLength !== undefined && !head.hasContentLengthField;
}

const keys = new NameMemory((name) => name.toLowerCase());

/** Gives a field name in lower case, and remembers it: V8 looks a new string up in a table when it becomes a key. */
export function keyOf(name: string): string {
  return keys.get(name);
}

/** Checks for the one field that cannot be combined (RFC 9110 §5.3). */
export function isSetCookie(name: string): boolean {
  return name.length === 10 && name.toLowerCase() === 'set-cookie';
}

/** Checks for the field that tells caches what the host and the application have looked at (RFC 9110 §12.5.5). */
export function isVary(name: string): boolean {
  return name.length === 4 && name.toLowerCase() === 'vary';
}

/**
 * Joins the members of Vary, each once.
 *
 * @param present The values of the host
 * @param value The value of the application
 */
export function joinVary(present: readonly string[], value: string): string {
  const members = new Map<string, string>();
  for (const member of [...present, value].join(',').split(',')) {
    const name = member.trim();
    if (name === '*') return '*';
    if (name !== '' && !members.has(name.toLowerCase())) members.set(name.toLowerCase(), name);
  }
  return [...members.values()].join(', ');
}

/**
 * Tells if writeHead can take the headers as a list. Once anything was set on the response, even if it was removed
 * again, Node 20 keeps only the last of repeated names, and later versions move them together.
 */
function takesList(res: ServerResponse, headers: HeaderList, stored: HeaderMap | null | undefined): boolean {
  if (stored !== undefined) return stored === null;
  return res.getHeaderNames().length === 0 && !hasRepeats(headers);
}

function hasRepeats(headers: HeaderList): boolean {
  for (let index = 1; index < headers.length; index += 1) {
    if (hasEarlier(headers, index)) return true;
  }
  return false;
}

/** Tells if a name occurs before. Lists are short, and the lengths of names mostly differ. */
export function hasEarlier(headers: HeaderList, index: number): boolean {
  const name = headers[index]?.[0] ?? '';
  for (let other = 0; other < index; other += 1) {
    const earlier = headers[other]?.[0] ?? '';
    if (earlier.length === name.length && earlier.toLowerCase() === name.toLowerCase()) return true;
  }
  return false;
}

/** Converts headers for node's API: an object with a list for each repeated name. */
export function toHeaderObject(headers: HeaderList): Record<string, string | string[]> {
  // Without a prototype: `__proto__` is a token.
  const object: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of headers) {
    const present = object[name];
    if (present === undefined) object[name] = value;
    else if (Array.isArray(present)) present.push(value);
    else object[name] = [present, value];
  }
  return object;
}
