/**
 * What this folder knows of node:http beyond its documentation, as types: one place to look at when a new
 * version of Node appears.
 *
 * Rule 1: a member stands here only if something in this folder uses it. All of them were checked on Node 20.20,
 *         22.23, 24.21 and 26.10.
 * Rule 2: what can be had from the documented surface is had from there.
 */
import { type IncomingMessage, OutgoingMessage, type ServerResponse } from 'node:http';

/** A callback as node passes it along with a piece of output. */
export type WriteCallback = (error?: Error | null) => void;

/** node's request, with what its own parser and server use of it. */
export interface RequestMessage extends IncomingMessage {
  /** Whether somebody has begun to read. */
  readonly _consuming: boolean;
  readonly _readableState: {
    readonly resumeScheduled: boolean;
    ended: boolean;
    endEmitted: boolean;
    destroyed: boolean;
    closed: boolean;
    closeEmitted: boolean;
  };
  /** How many events somebody listens to. */
  readonly _eventsCount: number;
  joinDuplicateHeaders: boolean;
  upgrade: boolean | null;
  /** Sets the field lines, or, once `complete` is set, the trailer section. */
  _addHeaderLines(lines: readonly string[], count: number): void;
  /** Reads to the end for nobody. */
  _dump(): void;
}

/** node's response, with what its own server uses of it and what is replaced here. */
export interface ResponseMessage extends ServerResponse<RequestMessage> {
  /** Since Node 15; missing from its types. */
  getRawHeaderNames(): string[];
  /** The text of the head, once it is settled; node asks only whether there is one. */
  _header: string | null;
  /** Whether the head has gone out with a first piece. */
  _headerSent: boolean;
  _hasBody: boolean;
  _contentLength: number | null;
  /** Whether the connection ends with this response. */
  _last: boolean;
  _removedConnection: boolean;
  _removedContLen: boolean;
  _removedTE: boolean;
  /** Field lines of the trailer section, each with its CRLF. */
  readonly _trailer: string;
  _closed: boolean;
  readonly _eventsCount: number;
  destroyed: boolean;
  /** Settles the head. `headers` is the map of setHeader, or whatever writeHead was given. */
  _storeHeader(statusLine: string, headers: unknown): void;
  /** Sends a piece of content or framing; false if the caller should wait for 'drain'. */
  _send(
    data: string | Uint8Array,
    encoding?: BufferEncoding | WriteCallback | null,
    callback?: WriteCallback | null,
  ): boolean;
  /** Sends octets besides the response: interim responses. */
  _writeRaw(
    data: string,
    encoding?: BufferEncoding | WriteCallback | null,
    callback?: WriteCallback | null,
  ): boolean;
  /** Called by `end()` once the whole response is on its way. */
  _finish(): void;
}

/**
 * Makes an error as node:http does: an Error with a code.
 *
 * These are no errors of this package: they are what a program written for node:http expects to see.
 *
 * @param code node's code
 * @param message node's message
 */
export function nodeError(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}

/**
 * Checks the milliseconds of a time-out as net.Socket does.
 *
 * @throws node's own errors
 */
export function checkDuration(milliseconds: unknown): void {
  if (typeof milliseconds !== 'number') {
    const message = `The "msecs" argument must be of type number. Received ${describe(milliseconds)}`;
    throw Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  if (milliseconds >= 0 && milliseconds < Number.POSITIVE_INFINITY) return;
  const message = `The value of "msecs" is out of range. It must be a non-negative finite number. Received ${milliseconds}`;
  throw Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' });
}

/** As node tells of a value that has the wrong type. */
function describe(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value === 'object') return `an instance of ${value.constructor?.name ?? 'Object'}`;
  return `type ${typeof value} (${typeof value === 'string' ? `'${value}'` : String(value)})`;
}

/** Finds a symbol that node keeps to itself, by a response that has it; undefined where there is none any more. */
export function internalSymbol(description: string): symbol | undefined {
  return Object.getOwnPropertySymbols(new OutgoingMessage()).find(
    (symbol) => symbol.description === description,
  );
}

/**
 * What node passes with a piece where the program has given no callback. To keep one for each response and to call it
 * takes 0.05 µs.
 */
export const NO_CALLBACK: unknown = findNoCallback();

function findNoCallback(): unknown {
  const message = new OutgoingMessage();
  let found: unknown;
  const send: ResponseMessage['_send'] = (_data, _encoding, callback) => {
    found = callback;
    return true;
  };
  Object.assign(message, { _header: 'settled', _send: send });
  message.write('');
  return found;
}
