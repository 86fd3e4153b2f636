/**
 * A client of one connection that shows the exact octets on the wire.
 *
 * Rule 1: it sends what it is given, however wrong, and corrects nothing.
 * Rule 2: it is strict about responses. One that RFC 9112 does not allow fails the read with an AssertionError that
 *         names the fault.
 * Rule 3: it reads only during a wait, so that a test can be a slow reader.
 * Rule 4: every wait has a deadline: an audit fails instead of hanging.
 */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { HeaderList } from '../wsgi.ts';

/** The head of a response as received; strings are native strings. */
export interface WireHead {
  readonly protocol: string;
  readonly statusCode: number;
  readonly reason: string;
  readonly headers: HeaderList;
  /** The octets of the head, the empty line included. */
  readonly raw: string;
}

/** How the end of the content is marked (RFC 9112 §6.3). */
export type WireFraming = 'none' | 'length' | 'chunked' | 'close';

/** One whole response. */
export interface WireResponse extends WireHead {
  /** The interim responses (1xx) that came before it. */
  readonly interim: readonly WireHead[];
  readonly framing: WireFraming;
  readonly content: Buffer;
  /** The chunks of a chunked response, one by one. */
  readonly chunks: readonly Buffer[];
  readonly trailers: HeaderList;
}

/** How the peer left: by an orderly end or by a reset. */
export type Farewell = 'end' | 'reset';

const STATUS_LINE = /^(HTTP\/1\.[01]) ([1-9]\d\d) ([\t\x20-\x7e\x80-\xff]*)$/;
const FIELD_LINE =
  /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*$/;
const CHUNK_LINE = /^[0-9A-Fa-f]{1,8}$/;
const MAX_LINE = 1 << 20;

/** A connection to a server under test. */
export class WireClient {
  readonly #socket: Socket;
  readonly #timeout: number;
  #pieces: Buffer[] = [];
  #length = 0;
  #failure: Error | undefined;

  /**
   * @param socket A connected (or connecting) socket that nobody else reads
   * @param timeout Milliseconds that one wait may take
   */
  constructor(socket: Socket, timeout = 5000) {
    this.#socket = socket;
    this.#timeout = timeout;
    // A 'readable' listener keeps the stream paused: outside a wait it takes no more from the kernel than its
    // high-water mark.
    socket.on('readable', () => {});
    socket.on('error', (error) => {
      this.#failure = error;
    });
  }

  /** The underlying socket. */
  get socket(): Socket {
    return this.#socket;
  }

  /** Sends octets; a string is a native string. */
  send(octets: string | Uint8Array): void {
    this.#socket.write(typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets);
  }

  /** Closes the sending side, and can still read. */
  halfClose(): void {
    this.#socket.end();
  }

  /** Leaves by a reset (RST); over TLS, where a socket cannot, without a word. */
  reset(): void {
    if (this.#socket instanceof TLSSocket) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  /** Leaves; what has not been read is lost. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Reads one response, and the interim ones before it. */
  async readResponse(method = 'GET'): Promise<WireResponse> {
    const interim: WireHead[] = [];
    let head = await this.readHead();
    while (head.statusCode < 200) {
      interim.push(head);
      head = await this.readHead();
    }
    const framing = framingOf(head, method);
    const chunks: Buffer[] = [];
    let trailers: HeaderList = [];
    let content: Buffer = Buffer.alloc(0);
    if (framing === 'chunked') {
      for (let chunk = await this.readChunk(); chunk !== null; chunk = await this.readChunk()) {
        chunks.push(chunk);
      }
      trailers = await this.readFields();
      content = Buffer.concat(chunks);
    } else if (framing === 'length') {
      content = await this.readOctets(Number(fieldValues(head, 'Content-Length')[0]));
    } else if (framing === 'close') {
      content = await this.readRest();
    }
    return { ...head, interim, framing, content, chunks, trailers };
  }

  /** Reads one head, interim or final. */
  async readHead(): Promise<WireHead> {
    const line = await this.#readLine('a status line');
    const match = STATUS_LINE.exec(line);
    assert.ok(match, `Status line breaks RFC 9112 §4: ${JSON.stringify(line)}`);
    const [, protocol = '', statusCode = '', reason = ''] = match;
    const fieldLines: string[] = [];
    const headers = await this.readFields(fieldLines);
    const raw = `${[line, ...fieldLines].join('\r\n')}\r\n\r\n`;
    return { protocol, statusCode: Number(statusCode), reason, headers, raw };
  }

  /** Reads field lines up to the empty line that ends them. */
  async readFields(lines: string[] = []): Promise<HeaderList> {
    const headers: HeaderList = [];
    for (;;) {
      const line = await this.#readLine('a field line');
      if (line === '') {
        return headers;
      }
      const match = FIELD_LINE.exec(line);
      assert.ok(match, `Field line breaks RFC 9112 §5: ${JSON.stringify(line)}`);
      headers.push([match[1] ?? '', match[2] ?? '']);
      lines.push(line);
    }
  }

  /** Reads one chunk of a chunked response; `null` for the last one, whose trailer section is left unread. */
  async readChunk(): Promise<Buffer | null> {
    const line = await this.#readLine('a chunk size');
    assert.match(line, CHUNK_LINE, `Chunk size breaks RFC 9112 §7.1: ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    if (size === 0) {
      return null;
    }
    const chunk = await this.readOctets(size);
    const end = await this.readOctets(2);
    assert.equal(end.toString('latin1'), '\r\n', 'Chunk data must be followed by CRLF (RFC 9112 §7.1)');
    return chunk;
  }

  /** Reads exactly `size` octets. */
  async readOctets(size: number): Promise<Buffer> {
    while (this.#length < size) {
      if (!(await this.#pull(`${size} octets, has ${this.#length}`))) {
        assert.fail(`Connection ended after ${this.#length} of ${size} octets${this.#reason()}`);
      }
    }
    return this.#take(size);
  }

  /** Reads until the peer ends the connection. */
  async readRest(): Promise<Buffer> {
    while (await this.#pull('the end of the connection')) {}
    return this.#take(this.#length);
  }

  /** Waits until the peer leaves, and tells how. `onRest` gets the octets that came before. */
  async farewell(onRest?: (rest: Buffer) => void): Promise<Farewell> {
    const rest = await this.readRest();
    onRest?.(rest);
    return this.#failure === undefined ? 'end' : 'reset';
  }

  /** Tells if nothing arrives, and the connection stays open, for so many milliseconds. */
  async isSilent(milliseconds: number): Promise<boolean> {
    const deadline = Date.now() + milliseconds;
    while (this.#length === 0 && !this.#isOver() && this.#socket.readableLength === 0) {
      const left = deadline - Date.now();
      if (left <= 0) {
        return true;
      }
      await this.#event(left);
    }
    return false;
  }

  async #readLine(what: string): Promise<string> {
    let searched = 0;
    for (;;) {
      const buffered = this.#joined();
      const end = buffered.indexOf('\r\n', Math.max(0, searched - 1), 'latin1');
      if (end !== -1) {
        const line = this.#take(end).toString('latin1');
        this.#take(2);
        return line;
      }
      searched = buffered.length;
      assert.ok(searched < MAX_LINE, `No CRLF in ${searched} octets while waiting for ${what}`);
      if (!(await this.#pull(what))) {
        const rest = JSON.stringify(buffered.toString('latin1').slice(0, 200));
        assert.fail(`Connection ended while waiting for ${what}, after ${rest}${this.#reason()}`);
      }
    }
  }

  async #pull(what: string): Promise<boolean> {
    const deadline = Date.now() + this.#timeout;
    for (;;) {
      const octets: Buffer | null = this.#socket.read();
      if (octets !== null) {
        this.#pieces.push(octets);
        this.#length += octets.length;
        return true;
      }
      if (this.#isOver()) {
        return false;
      }
      const left = deadline - Date.now();
      if (left <= 0) {
        assert.fail(`Nothing came for ${this.#timeout} ms while waiting for ${what}`);
      }
      await this.#event(left);
    }
  }

  #isOver(): boolean {
    return this.#socket.readableEnded || this.#socket.closed;
  }

  #event(milliseconds: number): Promise<void> {
    const socket = this.#socket;
    return new Promise((resolve) => {
      const timer = setTimeout(done, milliseconds);
      for (const name of ['readable', 'end', 'close']) {
        socket.on(name, done);
      }
      function done(): void {
        clearTimeout(timer);
        for (const name of ['readable', 'end', 'close']) {
          socket.off(name, done);
        }
        resolve();
      }
    });
  }

  #joined(): Buffer {
    const [first] = this.#pieces;
    if (first !== undefined && this.#pieces.length === 1) {
      return first;
    }
    const joined = Buffer.concat(this.#pieces);
    this.#pieces = [joined];
    return joined;
  }

  #take(size: number): Buffer {
    const joined = this.#joined();
    this.#pieces = [joined.subarray(size)];
    this.#length -= size;
    return joined.subarray(0, size);
  }

  #reason(): string {
    return this.#failure === undefined ? '' : ` (${this.#failure.message})`;
  }
}

/** Returns the value of each line of a field. */
export function fieldValues(head: { readonly headers: HeaderList }, name: string): string[] {
  const wanted = name.toLowerCase();
  return head.headers.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
}

/** Finds the framing as a client does (RFC 9112 §6.3). */
function framingOf(head: WireHead, method: string): WireFraming {
  const codings = fieldValues(head, 'Transfer-Encoding');
  const lengths = fieldValues(head, 'Content-Length');
  if (method === 'HEAD' || head.statusCode === 204 || head.statusCode === 304) {
    return 'none';
  }
  if (codings.length > 0) {
    assert.deepEqual(codings, ['chunked'], 'Transfer-Encoding must be exactly one chunked (RFC 9112 §6.1)');
    assert.deepEqual(lengths, [], 'Content-Length must not accompany Transfer-Encoding (RFC 9112 §6.2)');
    assert.equal(head.protocol, 'HTTP/1.1', 'A chunked response needs HTTP/1.1 (RFC 9112 §6.1)');
    return 'chunked';
  }
  if (lengths.length > 0) {
    assert.equal(lengths.length, 1, `Content-Length must be one field (RFC 9110 §8.6): ${lengths}`);
    assert.match(lengths[0] ?? '', /^\d+$/, 'Content-Length must be digits (RFC 9110 §8.6)');
    return 'length';
  }
  return 'close';
}
