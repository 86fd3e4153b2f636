/**
 * Writes the parameters of requests as records, and remembers pairs: most parameters of a request are the same as those of the one before,
 * such as the name of the server, the script, and what a browser accepts. A pair that is remembered is neither checked nor encoded again.
 *
 * Rule 1: a pair is used again only if its value is the same text.
 * Rule 2: memory is bounded, and refers to no head of a request: clients choose values, and names of fields.
 */
import { assertVariable, type MetaVariables } from '../_cgi/meta-variables.ts';
import { encodeNameValue, MAX_PAIRS } from './name-values.ts';
import { RecordType, recordString } from './records.ts';

/** Names that are remembered, at most, and characters of a value. */
const MOST_NAMES = 64;
const MOST_CHARACTERS = 256;

/** Names whose value is another one for each request, or each client: remembering it would cost more than it saves. */
const VOLATILE: ReadonlySet<string> = new Set([
  'CONTENT_LENGTH',
  'PATH_INFO',
  'QUERY_STRING',
  'REMOTE_PORT',
  'REQUEST_URI',
]);

/** A pair that was written. */
interface Known {
  value: string;
  /** The value as it was written. */
  pair: string;
}

/** Writes the parameters of the requests to one responder. */
export class ParameterWriter {
  readonly #known = new Map<string, Known>();

  /**
   * Writes parameters.
   *
   * @returns records of whole pairs (see `encodeNameValues`), without the end of the stream, as a function of the id of the request
   * @throws what `assertVariable` throws
   */
  write({ list }: MetaVariables): WrittenParameters {
    let full: string[] | undefined;
    let content = '';
    for (let at = 0; at < list.length; at += 2) {
      const pair = this.#write(list[at] ?? '', list[at + 1] ?? '');
      if (content.length + pair.length > MAX_PAIRS && content !== '') {
        full ??= [];
        full.push(content);
        content = '';
      }
      content += pair;
    }
    return new WrittenParameters(full, content);
  }

  #write(name: string, value: string): string {
    const known = this.#known.get(name);
    if (known !== undefined && known.value === value) return known.pair;
    assertVariable(name, value);
    const pair = encodeNameValue(name, value);
    if (VOLATILE.has(name) || value.length > MOST_CHARACTERS) return pair;
    if (known === undefined && this.#known.size >= MOST_NAMES) return pair;
    const own = { value: copyOf(value), pair: copyOf(pair) };
    this.#known.set(known === undefined ? copyOf(name) : name, own);
    return own.pair;
  }
}

/** Parameters that are written but for the id of their request. */
export class WrittenParameters {
  readonly #full: readonly string[] | undefined;
  readonly #last: string;

  constructor(full: readonly string[] | undefined, last: string) {
    this.#full = full;
    this.#last = last;
  }

  /** Gives the records. */
  records(requestId: number): string {
    let records = '';
    if (this.#full !== undefined)
      for (const content of this.#full) records += recordString(RecordType.params, requestId, content);
    return records + recordString(RecordType.params, requestId, this.#last);
  }
}

/** A string that refers to no other: a slice keeps all that it was cut from in memory (V8). */
function copyOf(native: string): string {
  return Buffer.from(native, 'latin1').toString('latin1');
}
