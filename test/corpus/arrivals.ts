/**
 * Reads responses from the octets that have arrived so far, like a client that corrects nothing.
 *
 * Rule 1: octets that RFC 9112 does not allow are no response. They stay in `surplus`, where a case finds them.
 * Rule 2: nothing waits here; the same octets can be read again when more have come.
 */

/** One response, complete or not. */
export interface Arrival {
  readonly status: number;
  /** Status line and field lines, without their CRLF. */
  readonly lines: readonly string[];
  readonly framing: 'none' | 'length' | 'chunked' | 'to the close';
  /** The chunks, or the whole content if it is not chunked. Native strings. */
  readonly pieces: readonly string[];
  /** Its end has come. */
  readonly isWhole: boolean;
  /** Status codes of the interim responses before it. */
  readonly interim: readonly number[];
}

/** Everything that has arrived. */
export interface Arrivals {
  readonly responses: readonly Arrival[];
  /** Status codes of the interim responses after the last response. */
  readonly interim: readonly number[];
  /** The octets after that, which are no response. */
  readonly surplus: string;
}

const STATUS_LINE = /^HTTP\/1\.1 ([1-9][0-9]{2}) [\t\x20-\x7e\x80-\xff]*$/;
const FIELD_LINE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*$/;
const CHUNK = /([0-9a-f]+)\r\n/y;

/**
 * Reads the responses.
 *
 * @param text All octets, as a native string
 * @param isEnded Nothing more will come
 * @param methods The methods of the requests, in order
 */
export function readArrivals(text: string, isEnded: boolean, methods: readonly string[]): Arrivals {
  const responses: Arrival[] = [];
  let interim: number[] = [];
  let at = 0;
  for (;;) {
    const end = text.indexOf('\r\n\r\n', at);
    if (end === -1) break;
    const lines = text.slice(at, end).split('\r\n');
    const status = Number(STATUS_LINE.exec(lines[0] ?? '')?.[1]);
    if (Number.isNaN(status) || !lines.slice(1).every((line) => FIELD_LINE.test(line))) break;
    at = end + 4;
    if (status < 200) {
      interim.push(status);
      continue;
    }
    const head = { status, lines, interim, isBodiless: methods[responses.length] === 'HEAD' };
    const { arrival, next } = readContent(text, at, { head, isEnded });
    responses.push(arrival);
    interim = [];
    at = next;
    if (!arrival.isWhole) break;
  }
  return { responses, interim, surplus: text.slice(at) };
}

/** The values of a field. */
export function valuesOf({ lines }: Arrival, name: string): string[] {
  const prefix = `${name.toLowerCase()}:`;
  return lines
    .filter((line) => line.toLowerCase().startsWith(prefix))
    .map((line) => line.slice(prefix.length).trim());
}

interface Head {
  readonly status: number;
  readonly lines: readonly string[];
  readonly interim: readonly number[];
  readonly isBodiless: boolean;
}

/** RFC 9112 §6.3, as a client applies it. */
function readContent(
  text: string,
  start: number,
  { head, isEnded }: { readonly head: Head; readonly isEnded: boolean },
): { arrival: Arrival; next: number } {
  const { isBodiless, ...facts } = head;
  const empty: Arrival = { ...facts, framing: 'none', pieces: [], isWhole: true };
  if (isBodiless || head.status === 204 || head.status === 304) return { arrival: empty, next: start };
  const codings = valuesOf(empty, 'Transfer-Encoding');
  const lengths = valuesOf(empty, 'Content-Length');
  // With several framing fields two clients could disagree, so this one gives up.
  if (codings.length + lengths.length > 1) return { arrival: { ...empty, isWhole: false }, next: start };
  if (codings.length === 1) return readChunks(text, start, { ...empty, framing: 'chunked' });
  const [length] = lengths;
  if (length === undefined) {
    const pieces = [text.slice(start)];
    return { arrival: { ...empty, framing: 'to the close', pieces, isWhole: isEnded }, next: text.length };
  }
  const end = start + Number(length);
  const pieces = length === '0' ? [] : [text.slice(start, end)];
  const isWhole = text.length >= end;
  return { arrival: { ...empty, framing: 'length', pieces, isWhole }, next: Math.min(end, text.length) };
}

/** RFC 9112 §7.1, without extensions; a trailer section may follow. */
function readChunks(text: string, start: number, head: Arrival): { arrival: Arrival; next: number } {
  const pieces: string[] = [];
  let at = start;
  for (;;) {
    CHUNK.lastIndex = at;
    const size = Number.parseInt(CHUNK.exec(text)?.[1] ?? '', 16);
    if (size === 0) {
      const last = text.indexOf('\r\n\r\n', at);
      if (last !== -1) return { arrival: { ...head, pieces, isWhole: true }, next: last + 4 };
    }
    const data = CHUNK.lastIndex;
    const end = data + size;
    if (!(size > 0) || text.slice(end, end + 2) !== '\r\n') {
      return { arrival: { ...head, pieces, isWhole: false }, next: at };
    }
    pieces.push(text.slice(data, end));
    at = end + 2;
  }
}
