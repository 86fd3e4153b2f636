/**
 * Gives the field lines of a request as its host sees them: with what middleware has changed in `req.headers`.
 *
 * A field is changed if it is not what node makes of the received lines. Repeats that node has dropped are no change.
 *
 * Rule: most requests are untouched. They are compared by the identity of strings, and only if somebody has asked for
 * the headers at all.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { type FieldIdentity, rewriteLines, valuesOf } from '../../src/gateway/index.ts';
import { headersOfLines, madeHeadersOf } from '../../src/node-internals/index.ts';
import { keyOf } from './response-head.ts';

/** Headers by lower-case name, as a host shows them. */
export type HostHeaders = Readonly<Record<string, unknown>>;

/**
 * Gives the field lines of a request.
 *
 * @param req The request
 * @param isHttp2 It is one of HTTP/2's compatibility API
 * @param headers The headers of the host, if it has others than node
 */
export function fieldLines(
  req: JoiningRequest,
  isHttp2: boolean,
  headers: HostHeaders | undefined,
): readonly string[] {
  // Undefined, against node's types, for a request that something else has made.
  const received: readonly string[] = req.rawHeaders ?? NOTHING;
  const shown: HostHeaders | undefined = headers ?? madeHeadersOf(req);
  const isUntouched = shown === undefined || isAsReceived(received, shown);
  if (isHttp2) return isUntouched ? withoutPseudoFields(received) : http2Lines(received, shown);
  return isUntouched ? received : changedLines(received, shown, req.joinDuplicateHeaders);
}

/**
 * Gives the same lines as text. Tools that make requests in memory pass on numbers and lists, against node's types.
 */
export function textLines(lines: readonly unknown[]): readonly string[] {
  // The loop has looked at all of them.
  return lines.every(isText) ? (lines as readonly string[]) : lines.map(toText);
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function toText(value: unknown): string {
  return Array.isArray(value) ? value.join(', ') : String(value);
}

/** A request with a property of node's that its types lack. */
interface JoiningRequest extends IncomingMessage {
  readonly joinDuplicateHeaders?: boolean;
}

const NOTHING: readonly string[] = [];

/** Compares lines without repeats. Allocates nothing. */
function isAsReceived(lines: readonly string[], headers: HostHeaders): boolean {
  let count = 0;
  for (let index = 0; index + 1 < lines.length; index += 2) {
    if (headers[keyOf(lines[index] ?? '')] !== lines[index + 1]) return false;
    count += 1;
  }
  for (const _name in headers) count -= 1;
  return count === 0;
}

function changedLines(lines: readonly string[], headers: HostHeaders, joins = false): readonly string[] {
  const made: IncomingHttpHeaders = headersOfLines(lines, joins);
  const shown = lowerCased(headers);
  const changes = new Map<string, readonly string[]>();
  for (const [name, value] of shown) {
    if (!isSame(made[name], value) && firstOf(lines, name) !== value) changes.set(name, valuesOf(value));
  }
  for (const name of Object.keys(made)) if (!shown.has(name)) changes.set(name, []);
  if (changes.size === 0) return lines;
  // RFC 9112 §6.2: a message has one of the two.
  if ((changes.get('content-length')?.length ?? 0) > 0) changes.set('transfer-encoding', []);
  return rewriteLines(lines, changes, BY_NAME);
}

const BY_NAME: FieldIdentity = { identify: keyOf, nameOf: (name) => name };

/** A name in another case, which node never makes, was set by a program and counts. */
function lowerCased(headers: HostHeaders): Map<string, unknown> {
  const fields = new Map<string, unknown>();
  for (const name of Object.keys(headers)) {
    if (name.startsWith(':')) continue;
    const lowerCase = name.toLowerCase();
    if (lowerCase !== name || !fields.has(name)) fields.set(lowerCase, headers[name]);
  }
  return fields;
}

function isSame(made: unknown, shown: unknown): boolean {
  if (made === shown) return true;
  if (!Array.isArray(made) || !Array.isArray(shown) || made.length !== shown.length) return false;
  return made.every((value, index) => value === shown[index]);
}

/** HTTP/2 drops other repeats than HTTP/1 does. */
function firstOf(lines: readonly string[], name: string): string | undefined {
  for (let index = 0; index + 1 < lines.length; index += 2) {
    if (keyOf(lines[index] ?? '') === name) return lines[index + 1];
  }
  return undefined;
}

/** RFC 9113 §8.3.1: `:authority` counts, whatever Host says. Other pseudo-header fields are dropped. */
function withoutPseudoFields(lines: readonly string[]): string[] {
  const authority = firstOf(lines, ':authority');
  const fields: string[] = authority === undefined ? [] : ['host', authority];
  for (let index = 0; index + 1 < lines.length; index += 2) {
    const name = lines[index] ?? '';
    if (!name.startsWith(':') && (authority === undefined || name !== 'host'))
      fields.push(name, lines[index + 1] ?? '');
  }
  return fields;
}

/** Middleware that changes one of these names changes both. */
function http2Lines(lines: readonly string[], headers: HostHeaders): readonly string[] {
  const fields = withoutPseudoFields(lines);
  const shown: Record<string, unknown> = { ...headers };
  const authority = firstOf(lines, ':authority');
  if (authority !== undefined && headers.host === firstOf(lines, 'host')) shown.host = headers[':authority'];
  return changedLines(fields, shown);
}
