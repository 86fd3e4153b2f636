/** Reads answers as cheaply as possible, and checks that they are whole. */

/** The end of chunked content. */
const END = '\r\n0\r\n\r\n';

/** Reads answers that declare their length or come in chunks, one after another. */
export class Answers {
  #head = '';
  #missing = 0;
  /** The last octets of an answer in chunks; undefined for other answers. */
  #tail: string | undefined;
  #resolve: (() => void) | undefined;
  readonly #expected: string | undefined;
  readonly #fail: (error: Error) => never;

  /**
   * @param expected The content, if it is short and known
   * @param fail Called for a wrong answer
   */
  constructor(expected: string | undefined, fail: (error: Error) => never) {
    this.#expected = expected;
    this.#fail = fail;
  }

  /** Resolves at the end of the next answer. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  readonly take = (length: number, octets: Uint8Array): boolean => {
    if (this.#tail !== undefined) this.#takeChunks(length, octets);
    else if (this.#missing > 0) this.#missing -= length;
    else this.#takeHead(length, octets);
    if (this.#missing < 0) this.#fail(new Error('Answer is longer than it says'));
    if (this.#missing === 0 && this.#head === '' && this.#tail === undefined) this.#resolve?.();
    return true;
  };

  #takeHead(length: number, octets: Uint8Array): void {
    this.#head += Buffer.from(octets.buffer, octets.byteOffset, length).toString('latin1');
    const end = this.#head.indexOf('\r\n\r\n');
    if (end === -1) return;
    const [, declared] = /\r\nContent-Length: *(\d+)\r\n/i.exec(this.#head) ?? [];
    const content = this.#head.slice(end + 4);
    const isChunked = this.#expected === undefined && /\r\nTransfer-Encoding: *chunked\r\n/i.test(this.#head);
    if (this.#head.startsWith('HTTP/1.1 200 ') && isChunked) {
      this.#head = '';
      this.#keepTail(content);
      return;
    }
    if (!this.#head.startsWith('HTTP/1.1 200 ') || declared === undefined) {
      this.#fail(new Error(`Answer is ${this.#head.slice(0, end)}`));
    }
    if (this.#expected !== undefined && content !== '' && content !== this.#expected) {
      this.#fail(new Error(`Answer is ${content}`));
    }
    this.#missing = Number(declared) - content.length;
    this.#head = '';
  }

  /** Looks at the end only: the limits of chunks are the server's choice. */
  #takeChunks(length: number, octets: Uint8Array): void {
    const from = octets.byteOffset + Math.max(0, length - END.length);
    const last = Buffer.from(octets.buffer, from, Math.min(length, END.length)).toString('latin1');
    this.#keepTail(`${this.#tail}${last}`);
  }

  /** Without a tail, the answer is whole. */
  #keepTail(content: string): void {
    const tail = content.slice(-END.length);
    this.#tail = tail === END ? undefined : tail;
  }
}
