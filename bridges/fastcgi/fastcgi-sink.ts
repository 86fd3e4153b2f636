/**
 * Writes a response as the records of FastCGI: `Status`, the application's headers and the content on FCGI_STDOUT (RFC 3875 §6.3), then
 * FCGI_END_REQUEST.
 */
import { disconnection } from '../../src/gateway/index.ts';
import type { DisconnectError, ResponseHead, ResponseSink } from '../../src/index.ts';

/** The connection of a request, as its response uses it. */
export interface ResponseLine {
  /** Sends octets on FCGI_STDOUT. @returns a promise if the server has not taken them; it never rejects */
  write(octets: Uint8Array): Promise<void> | undefined;
  /** Sends the last octets, and ends the request. @returns as `write` */
  end(octets: Uint8Array): Promise<void> | undefined;
  /** Ends the request so that the server notices that the response is incomplete. */
  cut(): void;
}

const EMPTY = new Uint8Array(0);

/** The response to one request. */
export class FastCgiSink implements ResponseSink {
  readonly #line: ResponseLine;
  #head: Buffer | undefined;
  #gone: DisconnectError | undefined;
  #hasEnded = false;
  #listeners: ((error: DisconnectError) => void)[] = [];

  constructor(line: ResponseLine) {
    this.#line = line;
  }

  writeHead(head: ResponseHead): void {
    const lines = [`Status: ${head.status}`];
    for (const [name, value] of head.headers) lines.push(`${name}: ${value}`);
    if (!head.hasContentLengthField && head.contentLength !== undefined)
      lines.push(`Content-Length: ${head.contentLength}`);
    this.#head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    const octets = this.#behindHead(chunk);
    return octets.length === 0 ? undefined : this.#settle(this.#line.write(octets));
  }

  end(lastChunk: Uint8Array = EMPTY): Promise<void> | undefined {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    this.#hasEnded = true;
    return this.#settle(this.#line.end(this.#behindHead(lastChunk)));
  }

  abort(): void {
    this.#head = undefined;
    this.#hasEnded = true;
    // A server that has left by itself needs to notice nothing.
    if (this.#gone === undefined) this.#line.cut();
    else void this.#line.end(EMPTY);
  }

  watch(listener: (error: DisconnectError) => void): void {
    if (this.#gone === undefined) this.#listeners.push(listener);
    else listener(this.#gone);
  }

  /** The server has aborted the request, or closed the connection. */
  leave(cause?: unknown): void {
    if (this.#gone !== undefined || this.#hasEnded) return;
    this.#gone = disconnection('response', cause);
    for (const listener of this.#listeners) listener(this.#gone);
    this.#listeners = [];
  }

  #behindHead(chunk: Uint8Array): Uint8Array {
    const head = this.#head;
    this.#head = undefined;
    return head === undefined ? chunk : Buffer.concat([head, chunk]);
  }

  #settle(taken: Promise<void> | undefined): Promise<void> | undefined {
    return taken?.then(() => {
      if (this.#gone !== undefined) throw this.#gone;
    });
  }
}
