/**
 * The head of a response on node's ServerResponse, beside what the host has set on it before.
 *
 * The application's headers replace the host's of the same name; Set-Cookie has a line for each cookie, whoever set
 * it; whatever else the host set stays. Framing is nobody's but ours: a Content-Length of the host's goes.
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

/** What a wrapped program has set of the connection's fields. */
type ConnectionFields = NonNullable<ConnectionDirectives['fields']>;

/** As node defines it; a response that has another one was patched or is another's class. */
const { writeHead: nodeWriteHead } = ServerResponse.prototype;

/**
 * Writes a head. When it throws, the response has the headers that it had before.
 *
 * @param res The response of the host
 * @param head What the application made known
 * @param fields The connection's fields that a wrapped program has set; undefined over HTTP/2
 * @returns Whether node has done so alone, and nothing that the host has put in its place
 */
export function writeHead(res: ServerResponse, head: ResponseHead, fields?: ConnectionFields): boolean {
  const headers =
    fields === undefined ? head.headers : insertFields(head.headers, ownFields(res, head, fields));
  const stored = headerMapOf(res);
  // Who has patched writeHead, as on-headers does, looks for the headers on the response.
  const isNodes = res.writeHead === nodeWriteHead;
  if (isNodes && takesList(res, headers, stored)) writeList(res, head, headers);
  else mergeHeaders(res, head, { headers, stored, isHttp2: false });
  return isNodes;
}

/** Writes the head of a response over HTTP/2, which has no reason phrase. */
export function writeHttp2Head(res: ServerResponse, head: ResponseHead): void {
  mergeHeaders(res, head, { headers: head.headers, stored: undefined, isHttp2: true });
}

function writeList(res: ServerResponse, head: ResponseHead, headers: HeaderList): void {
  // As long as it will be: a push into an empty list makes room for 17 (V8).
  const lines = new Array<string>(headers.length * 2);
  for (let index = 0; index < headers.length; index += 1) {
    const [name, value] = headers[index] ?? ['', ''];
    lines[index * 2] = name;
    lines[index * 2 + 1] = value;
  }
  if (needsLength(head)) {
    // Where node works a length out, it puts it behind the fields of its own; to HEAD it gives none.
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

/** What is to be put on a response, and what is known of it. */
interface Merger {
  readonly headers: HeaderList;
  /** What is set on it; undefined where nobody but `getHeader` tells. */
  readonly stored: HeaderMap | null | undefined;
  readonly isHttp2: boolean;
}

function mergeHeaders(res: ServerResponse, head: ResponseHead, merger: Merger): void {
  const { headers, isHttp2 } = merger;
  const { sendDate } = res;
  // Headers that nobody else has set are looked for where node keeps them: 0.2 µs for two and the framing (Node 20).
  const stored = merger.stored ?? undefined;
  let replaced: [name: string, value: number | string | string[]][] | undefined;
  try {
    // Node takes the removal of a framing field that is not there for the wish to do without: no chunks, no length.
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
        // A list of its own: the present one may be the host's.
        if (isSetCookie(name)) res.setHeader(name, [...[present].flat().map(String), value]);
        else res.setHeader(name, value);
      }
    }
    if (needsLength(head)) res.setHeader('Content-Length', `${head.contentLength}`);
    if (isHttp2) res.writeHead(head.statusCode);
    else res.writeHead(head.statusCode, head.reason);
  } catch (error) {
    if (!res.headersSent) {
      for (const [name] of headers) res.removeHeader(name);
      if (needsLength(head)) res.removeHeader('Content-Length');
      for (const [name, value] of replaced ?? []) res.setHeader(name, value);
      // Removing a Date is the wish to do without.
      if (!isHttp2) res.sendDate = sendDate;
    }
    throw error;
  }
}

const FRAMING = ['content-length', 'transfer-encoding'] as const;

/**
 * Chooses the fields of the connection that a response may have. What node makes of them is what it would have made
 * of them had it called the wrapped program itself.
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
    // Node throws at the announcement of a trailer section where there are no chunks.
    return lowerCase === 'trailer' ? isChunked : OWN_FIELDS.has(lowerCase);
  });
}

const OWN_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'upgrade',
]);

/** Whether the length is known to us and not among the application's headers. */
export function needsLength(head: ResponseHead): boolean {
  return head.contentLength !== undefined && !head.hasContentLengthField;
}

const keys = new NameMemory((name) => name.toLowerCase());

/**
 * Gives a field name in lower case. V8 looks a string that was just made up in a table when it is used as a key; a
 * remembered one has been found already.
 */
export function keyOf(name: string): string {
  return keys.get(name);
}

/** Tells the one field that cannot be combined (RFC 9110 §5.3). */
export function isSetCookie(name: string): boolean {
  return name.length === 10 && name.toLowerCase() === 'set-cookie';
}

/**
 * Whether writeHead can be given the headers as a list. Once anything was set on the response, even if it was removed
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

/** Whether a name was there before. Lists are short: comparing lengths first leaves next to nothing to compare. */
export function hasEarlier(headers: HeaderList, index: number): boolean {
  const name = headers[index]?.[0] ?? '';
  for (let other = 0; other < index; other += 1) {
    const earlier = headers[other]?.[0] ?? '';
    if (earlier.length === name.length && earlier.toLowerCase() === name.toLowerCase()) return true;
  }
  return false;
}

/** Headers as node's API takes them: an object with a list for each name that is repeated. */
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
