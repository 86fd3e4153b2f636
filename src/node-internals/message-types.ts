/**
 * Types of node's request and response with the members that its own server and parser use.
 *
 * Rule 1: a member stands here only if gatebridge uses it. All were checked on Node 20.20, 22.23, 24.21 and 26.10.
 * Rule 2: code uses the documented surface if it gives the same.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** A callback that node passes along with a piece of output. */
export type WriteCallback = (error?: Error | null) => void;

/** node's request. */
export interface RequestMessage extends IncomingMessage {
  joinDuplicateHeaders: boolean;
  upgrade: boolean | null;
  /** Sets the field lines, or, once `complete` is set, the trailer section. */
  _addHeaderLines(lines: readonly string[], count: number): void;
  /** Reads to the end and throws everything away. */
  _dump(): void;
  /** Leaves the request as if it had been read and closed. Since Node 24. */
  _dumpAndCloseReadable?(): void;
}

/** node's response. */
export interface ResponseMessage extends ServerResponse<RequestMessage> {
  /** Since Node 15; missing from node's types. */
  getRawHeaderNames(): string[];
  /** The text of the head, once it is settled; node asks only if there is one. */
  _header: string | null;
  /** The head has gone out with a first piece. */
  _headerSent: boolean;
  _hasBody: boolean;
  _contentLength: number | null;
  /** The connection ends with this response. */
  _last: boolean;
  _removedConnection: boolean;
  _removedContLen: boolean;
  _removedTE: boolean;
  /** Field lines of the trailer section, each with its CRLF. */
  readonly _trailer: string;
  _closed: boolean;
  destroyed: boolean;
  /** Settles the head. `headers` is the map of setHeader or the argument of writeHead. */
  _storeHeader(statusLine: string, headers: unknown): void;
  /** Sends a piece of content or framing; false if the caller should wait for 'drain'. */
  _send(
    data: string | Uint8Array,
    encoding?: BufferEncoding | WriteCallback | null,
    callback?: WriteCallback | null,
  ): boolean;
  /** Sends octets past the response: interim responses. */
  _writeRaw(
    data: string,
    encoding?: BufferEncoding | WriteCallback | null,
    callback?: WriteCallback | null,
  ): boolean;
  /** Called by `end()` once the whole response is on its way. */
  _finish(): void;
}
