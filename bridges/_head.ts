/**
 * The head of a response on node's ServerResponse, beside what the host has set on it before.
 *
 * The application's headers replace the host's of the same name; Set-Cookie has a line for each cookie, whoever set
 * it; whatever else the host set stays. Framing is nobody's but ours: a Content-Length of the host's goes.
 */
import { OutgoingMessage, type ServerResponse } from 'node:http';
import type { HeaderList, ResponseHead } from '../src/index.ts';

/**
 * Writes a head. When it throws, the response has the headers that it had before.
 *
 * @param res The response of the host
 * @param head What the application made known
 * @param isHttp2 Whether there is no reason phrase
 */
export function writeHead(res: ServerResponse, head: ResponseHead, isHttp2: boolean): void {
  const { headers, statusCode, reason } = head;
  // Who has patched writeHead, as on-headers does, looks for the headers on the response.
  if (!isHttp2 && !Object.hasOwn(res, 'writeHead') && takesList(res, headers)) {
    const fields: string[] = [];
    for (const [name, value] of headers) fields.push(name, value);
    if (needsLength(head)) fields.push('Content-Length', `${head.contentLength}`);
    res.writeHead(statusCode, reason, fields);
    return;
  }
  const before = { ...res.getHeaders() };
  if (Array.isArray(before['set-cookie'])) before['set-cookie'] = [...before['set-cookie']];
  try {
    mergeHeaders(res, head);
    if (isHttp2) res.writeHead(statusCode);
    else res.writeHead(statusCode, reason);
  } catch (error) {
    if (!res.headersSent) {
      for (const name of res.getHeaderNames()) res.removeHeader(name);
      for (const [name, value = ''] of Object.entries(before)) res.setHeader(name, value);
    }
    throw error;
  }
}

function mergeHeaders(res: ServerResponse, head: ResponseHead): void {
  // Node takes the removal of a framing field that is not there for the wish to do without: no chunks, no length.
  for (const name of ['content-length', 'transfer-encoding']) {
    if (res.hasHeader(name)) res.removeHeader(name);
  }
  for (const [name] of head.headers) {
    if (!isSetCookie(name) && res.hasHeader(name)) res.removeHeader(name);
  }
  for (const [name, value] of head.headers) res.appendHeader(name, value);
  if (needsLength(head)) res.setHeader('Content-Length', `${head.contentLength}`);
}

/** Whether the length is known to us and not among the application's headers. */
export function needsLength(head: ResponseHead): boolean {
  return head.contentLength !== undefined && !head.hasContentLengthField;
}

/** Tells the one field that cannot be combined (RFC 9110 §5.3). */
export function isSetCookie(name: string): boolean {
  return name.length === 10 && name.toLowerCase() === 'set-cookie';
}

/** Where node keeps what is set on a response. */
const STORE = Object.getOwnPropertySymbols(new OutgoingMessage()).find(
  ({ description }) => description === 'kOutHeaders',
);

/**
 * Whether writeHead can be given the headers as a list. Once anything was set on the response, even if it was removed
 * again, Node 20 keeps only the last of repeated names, and later versions move them together.
 */
function takesList(res: ServerResponse, headers: HeaderList): boolean {
  if (STORE !== undefined && Reflect.get(res, STORE) === null) return true;
  return res.getHeaderNames().length === 0 && !hasRepeats(headers);
}

/** Lists are short: comparing lengths first leaves next to nothing to compare. */
function hasRepeats(headers: HeaderList): boolean {
  for (let index = 1; index < headers.length; index += 1) {
    const name = headers[index]?.[0] ?? '';
    for (let other = 0; other < index; other += 1) {
      const earlier = headers[other]?.[0] ?? '';
      if (earlier.length === name.length && earlier.toLowerCase() === name.toLowerCase()) return true;
    }
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
