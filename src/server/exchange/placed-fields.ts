/**
 * Puts connection fields where a program for node:http has set them among its own.
 *
 * The server decides their meaning (PEP 3333, Other HTTP Features). They keep the program's spelling, so that the
 * octets are those of node:http.
 */
import { insertFields, isFieldValue, saysClose } from '../../gateway/headers.ts';
import type { ConnectionField } from '../../port.ts';
import type { HeaderList } from '../../wsgi.ts';

/** The decisions of the server. */
export interface ConnectionDecision {
  readonly isPersistent: boolean;
  /** The content is chunked, or to a GET would be, as far as is known (RFC 9112 §6.1). */
  readonly isChunked: boolean;
}

/** Headers with the fields in their places, and which fields the server need not add. */
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

/** Gives the value of a field; undefined if the field would be untrue. */
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
