/** Makes status and headers for `startResponse` of those of a `Response`. */
import { NameMemory, reasonPhrase } from '../../src/gateway/index.ts';
import { type HeaderList, isHopByHop } from '../../src/index.ts';

/** The latest status, which most responses repeat. */
let lastCode = 200;
let lastStatus = '200 OK';

/** Gives code and reason phrase: `200 OK`. Most responses leave the phrase to us. */
export function statusOf(code: number, text: string | undefined): string {
  if (text !== undefined && text !== '') return `${code} ${text}`;
  if (code !== lastCode) [lastCode, lastStatus] = [code, `${code} ${reasonPhrase(code)}`];
  return lastStatus;
}

/** Gives the fields, each Set-Cookie on its own, without those about a connection (RFC 9110 §7.6.1). */
export function headersOf(fields: Iterable<readonly [name: string, value: string]>): HeaderList {
  const headers: HeaderList = [];
  for (const field of fields) if (!hopByHop.get(field[0])) headers.push(field);
  return headers;
}

const hopByHop = new NameMemory<boolean>((name) => isHopByHop(name));

/** Codings that `fetch` takes off content. */
const DECODED = /^(?:x-)?(?:gzip|deflate|compress|br|zstd)$/i;

/**
 * Gives the fields of a response that `fetch` has got: its content was decoded, so that coding and length are no longer true.
 *
 * @param codings The value of Content-Encoding
 */
export function withoutCoding(headers: HeaderList, codings: string): HeaderList {
  if (!codings.split(',').every((coding) => DECODED.test(coding.trim()))) return headers;
  return headers.filter(([name]) => !OF_CODING.test(name));
}

const OF_CODING = /^content-(?:encoding|length)$/i;
