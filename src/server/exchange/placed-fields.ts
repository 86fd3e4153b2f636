/**
 * Fields of the connection that a program for node:http has set among its own, put where it set them.
 *
 * The server decides what they say, not the program (PEP 3333, Other HTTP Features). Here they are spelt as the program
 * spelt them, so that the octets are those of node:http.
 */
import { insertFields, isFieldValue, saysClose } from '../../gateway/headers.ts';
import type { ConnectionField } from '../../port.ts';
import type { HeaderList } from '../../wsgi.ts';

/** The decisions of the server. */
export interface ConnectionDecision {
  readonly isPersistent: boolean;
  /** The content is chunked, or to HEAD would be for all that is known (RFC 9112 §6.1). */
  readonly isChunked: boolean;
}

/** Headers with the fields in their places, and the fields that the server need not add any more. */
export interface PlacedFields {
  readonly headers: HeaderList;
  readonly hasConnection: boolean;
  readonly hasKeepAlive: boolean;
  readonly hasTransferEncoding: boolean;
}

/**
 * Puts the fields among the headers.
 *
 * @param headers The headers of the response
 * @param fields The fields that the program has set, in ascending order of their places
 * @param decision The decisions of the server
 */
export function placeFields(
  headers: HeaderList,
  fields: readonly ConnectionField[],
  decision: ConnectionDecision,
): PlacedFields {
  const spelled: ConnectionField[] = [];
  const names = new Set<string>();
  for (const { index, name, value } of fields) {
    const lowerCase = name.toLowerCase();
    const text = spell(lowerCase, value, decision);
    if (text === undefined) continue;
    spelled.push({ index, name, value: text });
    names.add(lowerCase);
  }
  return {
    headers: insertFields(headers, spelled),
    hasConnection: names.has('connection'),
    hasKeepAlive: names.has('keep-alive'),
    hasTransferEncoding: names.has('transfer-encoding'),
  };
}

/** Gives the value of a field; undefined if the field would not be true. */
function spell(name: string, value: string, decision: ConnectionDecision): string | undefined {
  if (!isFieldValue(value)) return undefined;
  switch (name) {
    case 'connection':
      return decision.isPersistent || saysClose(value) ? value : 'close';
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
