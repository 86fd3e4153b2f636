/**
 * A connection to a FastCGI responder: sends requests and gives each the records of its response.
 *
 * Rule 1: a request that was lost before anything of it was sent says so; all others are never sent again.
 * Rule 2: a connection is used again only if both streams of the last request have ended.
 */
import { connect, type Socket } from 'node:net';
import { isError, MAX_DELAY } from '../../src/gateway/index.ts';
import { UpstreamError } from '../../src/index.ts';
import { decodeNameValues, encodeNameValues } from './name-values.ts';
import {
  encodeRecords,
  type FastCgiRecord,
  RecordParser,
  RecordType,
  type RequestFrame,
  requestFrame,
} from './records.ts';
import type { RequestLine, ResponderRequest } from './responder-request.ts';

/** Where a responder listens. */
export interface ResponderAddress {
  readonly path?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}

/** Milliseconds between attempts to connect to a unix socket whose queue is full (EAGAIN). */
const RETRY_DELAY = 20;

/** A socket that is connected. */
export interface OpenSocket {
  readonly socket: Socket;
  /** Takes what arrives. The memory is used again afterwards. */
  onOctets(octets: Buffer): void;
}

/** Octets of a read. */
const READ_SIZE = 65_536;

/** All sockets read into it, one after another. A buffer for each read costs more than the copy of what is kept. */
let readBuffer: Buffer | undefined;

/** Opens a socket. @throws what node's connect fails with, or an error of code ETIMEDOUT */
export async function openSocket(address: ResponderAddress, timeout: number): Promise<OpenSocket> {
  const end = Date.now() + timeout;
  for (;;) {
    try {
      return await openOnce(address, Math.max(end - Date.now(), 1));
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN' || Date.now() >= end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY));
  }
}

function openOnce(address: ResponderAddress, timeout: number): Promise<OpenSocket> {
  return new Promise((resolve, reject) => {
    const { path, host, port } = address;
    readBuffer ??= Buffer.allocUnsafeSlow(READ_SIZE);
    const onread = {
      buffer: readBuffer,
      callback(length: number, buffer: Uint8Array): boolean {
        open.onOctets(Buffer.from(buffer.buffer, buffer.byteOffset, length));
        return true;
      },
    };
    const target = path === undefined ? { host, port: port ?? 0, noDelay: true } : { path };
    const socket = connect({ ...target, onread });
    // Nobody has asked anything before a connection takes it over.
    const refuse = (): unknown => socket.destroy();
    const open: OpenSocket = { socket, onOctets: refuse };
    const fail = (error: unknown): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const late = (): void => {
      fail(Object.assign(new Error(`no connection in ${timeout} ms`), { code: 'ETIMEDOUT' }));
    };
    const timer = setTimeout(late, Math.min(timeout, MAX_DELAY));
    socket.on('error', fail).once('connect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      resolve(open);
    });
  });
}

/** Gives the code of an error of node. */
export function codeOf(error: unknown): string | undefined {
  return isError(error) && 'code' in error ? String(error.code) : undefined;
}

/** An open connection. */
export class ResponderConnection {
  readonly #socket: Socket;
  readonly #name: string;
  readonly #keepsOpen: boolean;
  readonly #isShared: boolean;
  readonly #onChange: () => void;
  readonly #parser = new RecordParser();
  readonly #requests = new Map<number, ResponderRequest>();
  /** Requests that hold up the reading. */
  readonly #pausing = new Set<number>();
  /** Requests whose content has not ended. */
  readonly #unfinished = new Set<number>();
  /** Requests that the responder was told to abort. */
  readonly #aborted = new Set<number>();
  /** Calls those that wait until the socket takes more. */
  readonly #waiting = new Set<() => void>();
  #onValues: ((values: ReadonlyMap<string, string>) => void) | undefined;
  /** The frame of a request with the id 1, which most have. */
  readonly #frame: RequestFrame;
  /** The request whose record was read last, if its reader does not know yet. */
  #touched: ResponderRequest | undefined;
  #mayReuse = true;
  #hasEnded = false;
  /** It keeps the process running. */
  #isReferred = true;

  constructor(open: OpenSocket, { name, keepsOpen, isShared, onChange }: ConnectionOptions) {
    const { socket } = open;
    this.#socket = socket;
    this.#name = name;
    this.#keepsOpen = keepsOpen;
    this.#isShared = isShared;
    this.#onChange = onChange;
    this.#frame = requestFrame(1, keepsOpen);
    const read = (octets: Buffer): void => this.#read(octets);
    open.onOctets = read;
    socket.on('drain', () => this.#wake());
    socket.on('error', (cause) => this.#lose(`closed the connection (${codeOf(cause)})`));
    socket.on('end', () => this.#lose('closed the connection'));
    socket.on('close', () => this.#lose('closed the connection'));
  }

  /** Requests under way. */
  get size(): number {
    return this.#requests.size;
  }

  /** Another request may be sent. */
  get isOpen(): boolean {
    return !this.#hasEnded && this.#mayReuse && !this.#socket.destroyed && this.#socket.writable;
  }

  /** A request waits, and has got no sign of life. */
  get isSilent(): boolean {
    return [...this.#requests.values()].some((one) => !one.hasAnswered);
  }

  /**
   * Sends a request.
   *
   * @param onEnd Called once, when it leaves the connection
   */
  start(request: ResponderRequest, onEnd: () => void): void {
    let id = 1;
    while (this.#requests.has(id)) id += 1;
    if (!this.#keepsOpen) this.#mayReuse = false;
    this.#requests.set(id, request);
    const { parameters, content } = request.options;
    const { begin, endOfParams, end } = id === 1 ? this.#frame : requestFrame(id, this.#keepsOpen);
    const hasContent = content.length !== 0;
    if (hasContent) this.#unfinished.add(id);
    if (!this.#isReferred) this.#socket.ref();
    this.#isReferred = true;
    // One string that is written once costs less than several buffers.
    this.#socket.write(begin + parameters.records(id) + (hasContent ? endOfParams : end), 'latin1');
    request.start(new Line(this, id), onEnd);
  }

  /** Asks what the responder can do (FCGI_GET_VALUES, §4.1). */
  askValues(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return new Promise((resolve) => {
      this.#onValues = resolve;
      const [content] = encodeNameValues(names.map((name) => [name, ''] as const));
      this.#write(encodeRecords(RecordType.getValues, 0, content));
    });
  }

  /** Closes the connection. Requests on it are lost. */
  destroy(): void {
    this.#socket.destroy();
    this.#lose('was closed');
  }

  /** Lets the process end while nothing is under way. */
  unref(): void {
    this.#socket.unref();
    this.#isReferred = false;
  }

  #write(buffers: readonly Uint8Array[]): boolean {
    let isTaken = true;
    for (const one of buffers) isTaken = this.#socket.write(one);
    return isTaken;
  }

  /** The next octets of the content of a request. See {@link RequestLine}. */
  send(id: number, content: Uint8Array): Promise<void> {
    if (content.length === 0) this.#unfinished.delete(id);
    if (this.#hasEnded) return Promise.resolve();
    this.#socket.cork();
    const isTaken = this.#write(encodeRecords(RecordType.stdin, id, content));
    this.#socket.uncork();
    if (isTaken) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #read(octets: Buffer): void {
    try {
      const parser = this.#parser;
      parser.feed(octets);
      for (let record = parser.next(); record !== undefined; record = parser.next()) {
        this.#take(record);
        if (this.#hasEnded) break;
      }
      this.#settle();
    } catch (cause) {
      const fault = isError(cause) ? cause.message : String(cause);
      this.#fail(new UpstreamError('WSGI_ERR_UPSTREAM_MALFORMED', `${this.#name}: ${fault}`));
    }
  }

  /** The reader of a request gets all that one read has brought: often the end too. */
  #settle(): void {
    const request = this.#touched;
    this.#touched = undefined;
    request?.settle();
  }

  #take(record: FastCgiRecord): void {
    const { type, requestId } = record;
    if (type === RecordType.getValuesResult) this.#onValues?.(decodeNameValues(record.content));
    else if (type === RecordType.unknownType) this.#onValues?.(new Map());
    const request = this.#requests.get(requestId);
    if (request === undefined) {
      if (requestId === 0 || this.#isShared) return;
      throw new Error(`a record of request ${requestId}, which is not under way (FastCGI §3.3)`);
    }
    if (this.#touched !== request) this.#settle();
    this.#touched = request;
    request.take(record);
    if (type === RecordType.endRequest) this.#remove(requestId);
  }

  #remove(id: number): void {
    this.#requests.delete(id);
    this.#aborted.delete(id);
    this.setPaused(id, false);
    // The responder would take the rest of the content for that of the next request.
    if (this.#unfinished.delete(id)) this.#mayReuse = false;
    if (!this.#mayReuse && this.#requests.size === 0) this.#socket.destroy();
    this.#onChange();
  }

  /** A request holds up the reading, or does not any more. */
  setPaused(id: number, isPaused: boolean): void {
    if (isPaused) this.#pausing.add(id);
    else if (!this.#pausing.delete(id)) return;
    if (this.#pausing.size > 0) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** php-fpm ignores FCGI_ABORT_REQUEST, and notices a connection that is closed (§5.4). */
  abort(id: number): void {
    const request = this.#requests.get(id);
    if (request === undefined) return;
    if (!this.#isShared || this.#aborted.has(id)) {
      this.destroy();
      return;
    }
    this.#aborted.add(id);
    this.#write(encodeRecords(RecordType.abortRequest, id));
    if (this.#unfinished.delete(id)) this.#write(encodeRecords(RecordType.stdin, id));
    this.setPaused(id, false);
  }

  #lose(how: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#onValues?.(new Map());
    this.#socket.destroy();
    for (const request of this.#requests.values()) request.lose(how);
    this.#requests.clear();
    this.#wake();
    this.#onChange();
  }

  #fail(error: unknown): void {
    for (const request of this.#requests.values()) request.lose('broke the protocol', error);
    this.#socket.destroy();
    this.#lose('broke the protocol');
  }
}

/** The services of a connection for one request. */
class Line implements RequestLine {
  readonly #connection: ResponderConnection;
  readonly #id: number;

  constructor(connection: ResponderConnection, id: number) {
    this.#connection = connection;
    this.#id = id;
  }

  send(content: Uint8Array): Promise<void> {
    return this.#connection.send(this.#id, content);
  }

  setPaused(isPaused: boolean): void {
    this.#connection.setPaused(this.#id, isPaused);
  }

  abort(): void {
    this.#connection.abort(this.#id);
  }
}

/** Settings of a {@link ResponderConnection}. */
export interface ConnectionOptions {
  /** The name of the responder, for errors. */
  readonly name: string;
  /** It may serve more than one request. */
  readonly keepsOpen: boolean;
  /** It may serve more than one request at the same time. */
  readonly isShared: boolean;
  /** Called when a request has left the connection, and when the connection has ended. */
  onChange(): void;
}
