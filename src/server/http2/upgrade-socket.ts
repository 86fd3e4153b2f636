/**
 * A stream of an extended CONNECT (RFC 8441) as a socket, for programs that know HTTP/1.1: they write a response of HTTP/1.1 first,
 * mostly a 101, and go on in the other protocol.
 *
 * The response becomes that of the stream: 101 becomes 200 (RFC 8441 §5), fields of the connection are left out.
 */
import type { ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { isError } from '../../errors.ts';
import type { HeaderList } from '../../wsgi.ts';
import { moreFields } from './response-fields.ts';

/** RFC 9113 §7. */
const NO_ERROR = 0;
const CANCEL = 8;
const INTERNAL_ERROR = 2;

/** The answer to a key that HTTP/2 does not have (RFC 8441 §5). */
const ANSWER_TO_KEY = 'sec-websocket-accept';

/** Octets of the head of a response. */
const MAX_HEAD = 65_536;
const HEAD_END = '\r\n\r\n';
const STATUS_LINE = /^HTTP\/1\.[01] ([1-9][0-9][0-9])(?: |$)/;

/** The stream as a socket. */
export class UpgradeSocket extends Duplex {
  bytesWritten = 0;
  readonly encrypted: boolean;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly remoteFamily: string | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly #stream: ServerHttp2Stream;
  /** What has been written of the head of the response; undefined once it has gone. */
  #head: Buffer | undefined = Buffer.alloc(0);

  /**
   * @param stream The stream; nothing of it has been read
   * @param socket The connection, which has the addresses
   */
  constructor(stream: ServerHttp2Stream, socket: Socket) {
    super({ emitClose: true });
    this.#stream = stream;
    this.encrypted = Reflect.get(socket, 'encrypted') === true;
    ({
      remoteAddress: this.remoteAddress,
      remotePort: this.remotePort,
      remoteFamily: this.remoteFamily,
      localAddress: this.localAddress,
      localPort: this.localPort,
    } = socket);
    stream.on('data', (octets: Buffer) => {
      if (!this.push(octets)) stream.pause();
    });
    stream.pause();
    stream.on('end', () => this.push(null));
    stream.on('aborted', () => this.destroy());
    stream.on('close', () => this.destroy());
    // A stream that both sides have closed stays until it is read: what fits here keeps none.
    this.read(0);
  }

  override _read(): void {
    this.#stream.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.bytesWritten += chunk.length;
    let rest = chunk;
    if (this.#head !== undefined) {
      const read = this.#takeHead(chunk);
      if (read === undefined) {
        callback();
        return;
      }
      rest = read;
    }
    if (this.#stream.destroyed || this.#stream.writableEnded || rest.length === 0) callback();
    else this.#stream.write(rest, callback);
  }

  /** @returns what follows the head; undefined if it is not whole, or is none */
  #takeHead(chunk: Buffer): Buffer | undefined {
    const head = Buffer.concat([this.#head ?? Buffer.alloc(0), chunk]);
    this.#head = head;
    const end = head.indexOf(HEAD_END);
    if (end === -1) {
      if (head.length > MAX_HEAD) this.destroy(new Error('The head of the response is too long'));
      return undefined;
    }
    const [line = '', ...lines] = head.toString('latin1', 0, end).split('\r\n');
    const status = Number(STATUS_LINE.exec(line)?.[1] ?? 0);
    const rest = head.subarray(end + HEAD_END.length);
    if (status === 0) {
      this.destroy(new Error('A response of HTTP/1.1 must be written first'));
      return undefined;
    }
    if (status === 101 || status > 199) return this.#respond(status, lines) ? rest : undefined;
    // Other interim responses are left out (RFC 9110 §15.2 allows it).
    this.#head = Buffer.alloc(0);
    return rest.length === 0 ? undefined : this.#takeHead(rest);
  }

  /** @returns false if the stream takes no response, or not this one: a write would send a 200, which opens the tunnel */
  #respond(status: number, lines: readonly string[]): boolean {
    if (this.#stream.destroyed || this.#stream.closed) return false;
    try {
      this.#stream.respond({ ':status': answered(status), ...moreFields(pairsOf(lines)) });
    } catch (error) {
      // node refuses the status or the fields.
      this.destroy(isError(error) ? error : undefined);
      return false;
    }
    this.#head = undefined;
    return true;
  }

  override _final(callback: (error?: Error | null) => void): void {
    const stream = this.#stream;
    if (this.#head !== undefined) stream.close(INTERNAL_ERROR);
    if (stream.closed || stream.writableEnded) callback();
    else stream.end(() => callback());
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const isWhole = error === null && this.writableFinished;
    const code = this.#head !== undefined || error !== null ? INTERNAL_ERROR : isWhole ? NO_ERROR : CANCEL;
    // A reset at once overtakes a response without content (Node 26). Once it is closed, this does nothing.
    setImmediate(() => this.#stream.close(code));
    callback(error);
  }

  // As on a socket. A stream has no connection of its own.

  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }
}

/** RFC 8441 §5: a 2xx opens the tunnel, and nothing else does. Another 2xx would, too. */
function answered(status: number): number {
  if (status === 101) return 200;
  return status < 300 ? 501 : status;
}

function pairsOf(lines: readonly string[]): HeaderList {
  const pairs: HeaderList = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim();
    if (colon > 0 && name.toLowerCase() !== ANSWER_TO_KEY) pairs.push([name, line.slice(colon + 1).trim()]);
  }
  return pairs;
}
