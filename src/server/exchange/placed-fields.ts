/**
 * Fields of the connection that a program for node:http has set among its own, put where it set them.
 *
 * What the fields say is the server's decision and not the program's (PEP 3333, Other HTTP Features): here it is only
 * spelt as the program spelt it, so that the octets are those of node:http.
 */
import { isFieldValue } from '../../gateway/headers.ts';
import type { ConnectionField } from '../../port.ts';
import type { HeaderList } from '../../wsgi.ts';

/** What the server has decided. */
export interface ConnectionDecision {
  readonly isPersistent: boolean;
  /** Whether the content is chunked, or to HEAD would be for all that is known (RFC 9112 §6.1). */
  readonly isChunked: boolean;
}

/** Headers with the fields in their places, and which of its own the server need not add any more. */
export interface PlacedFields {
  readonly headers: HeaderList;
  readonly hasConnection: boolean;
  readonly hasKeepAlive: boolean;
  readonly hasTransferEncoding: boolean;
}

const CLOSE = /(?:^|[\s,])close(?:[\s,]|$)/i;

/**
 * Puts the fields among the headers.
 *
 * @param headers The headers of the response
 * @param fields What the program has set, in ascending order of their places
 * @param decision What the server has decided
 */
export function placeFields(
  headers: HeaderList,
  fields: readonly ConnectionField[],
  decision: ConnectionDecision,
): PlacedFields {
  const placed: HeaderList = [];
  const names = new Set<string>();
  let next = 0;
  for (const { index, name, value } of fields) {
    const text = spell(name.toLowerCase(), value, decision);
    if (text === undefined) continue;
    while (next < index && next < headers.length) placed.push(headers[next++] ?? ['', '']);
    placed.push([name, text]);
    names.add(name.toLowerCase());
  }
  placed.push(...headers.slice(next));
  return {
    headers: placed,
    hasConnection: names.has('connection'),
    hasKeepAlive: names.has('keep-alive'),
    hasTransferEncoding: names.has('transfer-encoding'),
  };
}

/** What a field says; undefined if it would not be true. */
function spell(name: string, value: string, decision: ConnectionDecision): string | undefined {
  if (!isFieldValue(value)) return undefined;
  switch (name) {
    case 'connection':
      return decision.isPersistent || CLOSE.test(value) ? value : 'close';
    case 'transfer-encoding':
      return decision.isChunked ? 'chunked' : undefined;
    case 'trailer':
      return decision.isChunked ? value : undefined;
    case 'keep-alive':
    case 'upgrade':
    case 'proxy-authenticate':
      return value;
    default:
      return undefined;
  }
}
