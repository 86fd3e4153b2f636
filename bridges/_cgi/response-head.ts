/**
 * Parses the head of a program's response (RFC 3875 §6), piece by piece.
 *
 * Rule 1: no I/O. The octets behind the head are given back as content.
 * Rule 2: each error names the program and cites the section that it broke.
 * Rule 3: strict where leniency would change what the client gets: a repeated Status, framing by the program.
 */
import { isFieldValue, isToken, reasonPhrase } from '../../src/gateway/index.ts';
import { type HeaderList, isHopByHop, UpstreamError } from '../../src/index.ts';

/** A response for the client. */
export interface DocumentHead {
  readonly kind: 'document';
  /** Such as `200 OK`. */
  readonly status: string;
  readonly headers: HeaderList;
  /** Octets of content that the program declares. */
  readonly contentLength: number | undefined;
}

/** A local redirect (RFC 3875 §6.2.2): the server answers as if the client had asked for this path and query. */
export interface RedirectHead {
  readonly kind: 'redirect';
  readonly location: string;
}

/** The head of a program's response. */
export type ProgramHead = DocumentHead | RedirectHead;

/** A parsed head, and the octets behind it. */
export interface ParsedHead {
  readonly head: ProgramHead;
  readonly rest: Uint8Array;
}

const LF = 0x0a;
const EMPTY = Buffer.alloc(0);

/** Octets of output that an error shows. */
const SHOWN = 80;

/** Parses one head. */
export class ResponseHeadParser {
  readonly #program: string;
  readonly #maxSize: number;
  #pending: Buffer = EMPTY;
  #size = 0;
  readonly #fields = new Map<string, string>();
  readonly #headers: HeaderList = [];

  /**
   * @param program The name of the program, for errors
   * @param maxSize Octets of the head, at most
   */
  constructor(program: string, maxSize: number) {
    this.#program = program;
    this.#maxSize = maxSize;
  }

  /**
   * Takes the next octets of the output.
   *
   * @returns the head once it is complete, until then undefined
   * @throws {@link UpstreamError} 502 if it is malformed or too large
   */
  push(octets: Uint8Array): ParsedHead | undefined {
    const piece = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
    const whole = this.#size === 0 && this.#pending.length === 0 ? endOfHead(piece, this.#maxSize) : -1;
    if (whole !== -1) return { head: this.#readWhole(piece, whole), rest: piece.subarray(whole) };
    const text = this.#pending.length === 0 ? piece : Buffer.concat([this.#pending, piece]);
    let start = 0;
    for (let end = text.indexOf(LF); end !== -1; end = text.indexOf(LF, start)) {
      // §6.2: a newline is LF alone or CRLF.
      const isCrLf = end > start && text[end - 1] === 0x0d;
      const line = text.toString('latin1', start, isCrLf ? end - 1 : end);
      this.#count(end + 1 - start);
      start = end + 1;
      if (line === '') return { head: this.#complete(), rest: text.subarray(start) };
      this.#addLine(line);
    }
    // A copy: the caller may use its memory again.
    this.#pending = Buffer.from(text.subarray(start));
    if (this.#size + this.#pending.length > this.#maxSize) throw this.#tooLarge();
    return undefined;
  }

  /** Most heads come in one piece: one string of all of it costs less than one for each line. */
  #readWhole(piece: Buffer, size: number): ProgramHead {
    const text = piece.toString('latin1', 0, size);
    this.#size = size;
    for (let start = 0; ; ) {
      const end = text.indexOf('\n', start);
      const line = text.slice(start, text[end - 1] === '\r' ? end - 1 : end);
      if (line === '') return this.#complete();
      this.#addLine(line);
      start = end + 1;
    }
  }

  /** Makes the error of an output that ended before its head was complete. */
  incomplete(how: string): UpstreamError {
    const isEmpty = this.#size === 0 && this.#pending.length === 0;
    const fault = isEmpty ? 'it wrote nothing' : 'its head has no empty line at its end (RFC 3875 §6.2)';
    const seen =
      isEmpty || this.#size > 0 ? '' : `; its output begins with ${show(this.#pending.toString('latin1'))}`;
    return new UpstreamError('WSGI_ERR_UPSTREAM_ENDED', `${this.#program} ${how}, ${fault}${seen}`);
  }

  #count(length: number): void {
    this.#size += length;
    if (this.#size > this.#maxSize) throw this.#tooLarge();
  }

  #tooLarge(): UpstreamError {
    return this.#malformed(`its head exceeds ${this.#maxSize} octets (option maxHeadSize)`, '§6.2');
  }

  #malformed(fault: string, section: string): UpstreamError {
    return new UpstreamError(
      'WSGI_ERR_UPSTREAM_MALFORMED',
      `${this.#program}: ${fault} (RFC 3875 ${section})`,
    );
  }

  /** §6.3: a name, a colon and a value, on one line. */
  #addLine(line: string): void {
    const isFirst = this.#fields.size === 0;
    if (isFirst && /^HTTP\/[0-9]/.test(line)) {
      const fault = `it wrote the status line ${show(line)}; output without a parsed header (NPH) is not supported, write`;
      throw this.#malformed(`${fault} "Status: ${line.replace(/^\S+ */, '')}" instead`, '§5');
    }
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0));
    if (!isToken(name)) {
      const where = isFirst ? 'its output begins with' : 'its head contains';
      throw this.#malformed(`${where} ${show(line)}, which is no header field`, '§6.3');
    }
    const value = trim(line, colon + 1);
    if (!isFieldValue(value))
      throw this.#malformed(`the value of ${name} contains a control character`, '§6.3');
    this.#addField(name, value);
  }

  #addField(name: string, value: string): void {
    const key = name.toLowerCase();
    // §6.3: a CGI field must not come twice. Two lengths, or two statuses, would leave the choice to chance.
    if (SINGLETONS.has(key) && this.#fields.has(key)) throw this.#malformed(`${name} comes twice`, '§6.3');
    this.#fields.set(key, value);
    if (key === 'status') return;
    // §6.3.4: framing is the server's. Content in chunks would reach the client with its chunk sizes.
    if (key === 'transfer-encoding')
      throw this.#malformed('it set Transfer-Encoding, and a program does not frame its content', '§6.3.4');
    if (key === 'content-length' && !/^[0-9]{1,15}$/.test(value))
      throw this.#malformed(`Content-Length is ${show(value)}`, '§6.3.4');
    if (key === 'location' && value === '') throw this.#malformed('Location is empty', '§6.3.2');
    // §6.3.5: such fields are for the server alone.
    if (isHopByHop(name) || key.startsWith('x-cgi-')) return;
    this.#headers.push([name, value]);
  }

  #complete(): ProgramHead {
    const fields = this.#fields;
    const status = fields.get('status');
    const location = fields.get('location');
    if (status === undefined && location === undefined && !fields.has('content-type'))
      throw this.#malformed('its head has none of Content-Type, Location and Status', '§6.3');
    // §6.2.2. With further fields, such as a cookie, the client is redirected instead: nothing is lost.
    if (location !== undefined && fields.size === 1 && isLocal(location))
      return { kind: 'redirect', location };
    const length = fields.get('content-length');
    return {
      kind: 'document',
      status:
        status === undefined ? (location === undefined ? '200 OK' : '302 Found') : this.#parseStatus(status),
      headers: this.#headers,
      contentLength: length === undefined ? undefined : Number(length),
    };
  }

  /** §6.3.3: three digits, and perhaps a reason phrase. */
  #parseStatus(status: string): string {
    const [, code = '', reason = ''] = /^([2-9][0-9]{2})(?: +(.*))?$/.exec(status) ?? [];
    if (code === '') {
      const hint = status.startsWith('HTTP/') ? ', without the version' : '';
      throw this.#malformed(
        `Status is ${show(status)}, not a code from 200 to 999 and a reason${hint}`,
        '§6.3.3',
      );
    }
    return `${code} ${reason === '' ? reasonPhrase(Number(code)) : reason}`;
  }
}

const SINGLETONS: ReadonlySet<string> = new Set(['status', 'content-type', 'location', 'content-length']);

/** Gives the length of a head with its empty line; -1 if it is not complete, or exceeds a size. */
function endOfHead(octets: Buffer, maxSize: number): number {
  const end = Math.min(octets.length, maxSize);
  let start = 0;
  for (let at = 0; at < end; at += 1) {
    if (octets[at] !== LF) continue;
    if (at === start || (at === start + 1 && octets[start] === 0x0d)) return at + 1;
    start = at + 1;
  }
  return -1;
}

/** Gives what stands behind a position, without blanks around it. */
function trim(line: string, from: number): string {
  let [start, end] = [from, line.length];
  while (start < end && isBlank(line.charCodeAt(start))) start += 1;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end -= 1;
  return line.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** local-pathquery (§6.2.2): an absolute path without a fragment. `//host` leads to another server. */
function isLocal(location: string): boolean {
  return /^\/(?!\/)[^#]*$/.test(location);
}

function show(text: string): string {
  const shown = JSON.stringify(text.slice(0, SHOWN)).replace(/[\x7f-\xff]/g, (octet) => {
    return `\\u${octet.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return text.length > SHOWN ? `${shown}…` : shown;
}
