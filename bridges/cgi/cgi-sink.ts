/**
 * Writes a response as the output of a CGI program (RFC 3875 §6.3): `Status`, the application's headers, the content.
 *
 * Rule 1: no status line, Date, framing or connection fields: those are the server's. An NPH program is its own
 *         server (RFC 3875 §5) and speaks HTTP/1.0, where the end of the output is the end.
 * Rule 2: a server that no longer reads (EPIPE) is a client that has left, not an error.
 */

import type { Writable } from 'node:stream';
import { disconnection } from '../../src/gateway/index.ts';
import type { DisconnectError, ResponseHead, ResponseSink } from '../../src/index.ts';

/** The output of one CGI program. */
export class CgiSink implements ResponseSink {
  /** The exit code of the process: 1 after a response that was cut off. */
  exitCode: 0 | 1 = 0;
  readonly #output: Writable;
  readonly #isNph: boolean;
  #head: Buffer | undefined;
  #gone: DisconnectError | undefined;
  #listeners: ((error: DisconnectError) => void)[] = [];

  constructor(output: Writable, isNph: boolean) {
    this.#output = output;
    this.#isNph = isNph;
    output.on('error', (cause) => this.#leave(cause));
  }

  writeHead(head: ResponseHead): void {
    const lines = this.#isNph ? [`HTTP/1.0 ${head.status}`] : [`Status: ${head.status}`];
    // RFC 9110 §6.6.1: an origin server with a clock sends Date.
    if (this.#isNph && !head.headers.some(([name]) => name.toLowerCase() === 'date')) {
      lines.push(`Date: ${new Date().toUTCString()}`);
    }
    for (const [name, value] of head.headers) lines.push(`${name}: ${value}`);
    if (!head.hasContentLengthField && head.contentLength !== undefined) {
      lines.push(`Content-Length: ${head.contentLength}`);
    }
    this.#head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    return this.#send(chunk, false);
  }

  end(lastChunk?: Uint8Array): Promise<void> | undefined {
    return this.#send(lastChunk ?? Buffer.alloc(0), true);
  }

  abort(): void {
    this.#head = undefined;
    // A wrapped program that destroys its own response tells of a client that has left. Ours only is one that has.
    if (this.#gone === undefined) this.exitCode = 1;
  }

  watch(listener: (error: DisconnectError) => void): void {
    if (this.#gone === undefined) this.#listeners.push(listener);
    else listener(this.#gone);
  }

  /** Waits for the last piece, because standard output is never ended: the response is over once that was taken. */
  #send(chunk: Uint8Array, isLast: boolean): Promise<void> | undefined {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    const octets = this.#head === undefined ? chunk : Buffer.concat([this.#head, chunk]);
    this.#head = undefined;
    let isTaken = false;
    let settle: ((error?: Error | null) => void) | undefined;
    this.#output.write(octets, (error) => {
      isTaken = true;
      if (error) this.#leave(error);
      settle?.(error);
    });
    // Bun calls back during the call (1.4).
    if (isTaken) return this.#gone === undefined ? undefined : Promise.reject(this.#gone);
    // Otherwise the output may still refer to the chunk.
    if (this.#output.writableLength === 0 && !isLast) return undefined;
    return new Promise((resolve, reject) => {
      settle = (error) => (error ? reject(this.#gone) : resolve());
    });
  }

  #leave(cause: Error): void {
    if (this.#gone !== undefined) return;
    this.#gone = disconnection('response', cause);
    for (const listener of this.#listeners) listener(this.#gone);
    this.#listeners = [];
  }
}
