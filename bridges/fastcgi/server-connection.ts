/**
 * A connection of a web server to a responder: reads requests, answers management records, and writes responses.
 *
 * Rule 1: requests may share the connection (FCGI_MPXS_CONNS); each has an id.
 * Rule 2: what a server may send is bounded: requests, octets of parameters, content that nobody reads.
 */
import type { Socket } from 'node:net';
import { FastCgiSink } from './fastcgi-sink.ts';
import { decodeNameValues, encodeNameValues } from './name-values.ts';
import { ReceivedContent } from './received-content.ts';
import {
  BROKEN_RECORD,
  decodeBeginRequest,
  encodeEndRequest,
  encodeRecords,
  encodeUnknownType,
  type FastCgiRecord,
  ProtocolStatus,
  RESPONDER,
  RecordParser,
  RecordType,
} from './records.ts';

/** A request that has all of its parameters. */
export interface ServerRequest {
  readonly variables: ReadonlyMap<string, string>;
  readonly content: ReceivedContent;
  readonly sink: FastCgiSink;
}

/** Settings of a {@link ServerConnection}. */
export interface ServerConnectionOptions {
  readonly maxConnections: number;
  /** Requests on one connection. */
  readonly maxRequests: number;
  readonly maxParamsSize: number;
  /** Runs the application. Never rejects, and settles when the request is over. */
  answer(request: ServerRequest): Promise<void>;
  /** Tells a fault of the server. */
  warn(fault: string): void;
}

interface OpenRequest extends ServerRequest {
  variables: ReadonlyMap<string, string>;
  readonly keepsConnection: boolean;
  params: Buffer[];
  paramsSize: number;
  isStarted: boolean;
  /** FCGI_END_REQUEST was sent, or the response was cut off. */
  hasEnded: boolean;
  /** The application is done with it. */
  isOver: boolean;
}

/** One connection. */
export class ServerConnection {
  readonly #socket: Socket;
  readonly #options: ServerConnectionOptions;
  readonly #parser = new RecordParser();
  readonly #requests = new Map<number, OpenRequest>();
  /** Requests that were aborted, and whose id another one has, while the application is not done with them. */
  readonly #leaving = new Set<OpenRequest>();
  readonly #pausing = new Set<number>();
  #isDraining = false;
  #isClosing = false;
  /** The last answer that waits for its peer. */
  #answering: Promise<void> | undefined;

  constructor(socket: Socket, options: ServerConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.setNoDelay(true);
    socket.on('data', (octets: Buffer) => this.#read(octets));
    socket.on('error', (cause) => this.#leave(cause));
    socket.on('end', () => this.#leave());
    socket.on('close', () => this.#leave());
  }

  /** Ends the connection once its requests have ended. */
  drain(): void {
    this.#isDraining = true;
    if (this.#requests.size === 0) this.#socket.end();
  }

  /** Ends the connection, and its requests. */
  destroy(): void {
    this.#socket.destroy();
  }

  #read(octets: Buffer): void {
    try {
      for (const record of this.#parser.push(octets)) {
        if (this.#socket.destroyed) return;
        this.#take(record);
      }
    } catch (fault) {
      // Only the codec and the limits throw here.
      this.#options.warn((fault as Error).message);
      this.#socket.destroy();
    }
  }

  #take({ type, requestId: id, content }: FastCgiRecord): void {
    if (id === 0) {
      this.#manage(type, content);
      return;
    }
    if (type === RecordType.beginRequest) {
      this.#begin(id, content);
      return;
    }
    // §3.3: records of a request that has ended are ignored.
    const request = this.#requests.get(id);
    if (request === undefined || request.hasEnded) return;
    if (type === RecordType.params) this.#takeParams(id, request, content);
    else if (type === RecordType.stdin) request.content.take(content);
    else if (type === RecordType.abortRequest) this.#abort(id, request);
  }

  /** §4: what is asked of the connection, not of a request. */
  #manage(type: number, content: Buffer): void {
    if (type !== RecordType.getValues) {
      this.#answer(encodeUnknownType(type));
      return;
    }
    const { maxConnections, maxRequests } = this.#options;
    const known: Readonly<Record<string, string>> = {
      FCGI_MAX_CONNS: `${maxConnections}`,
      FCGI_MAX_REQS: `${maxConnections * maxRequests}`,
      FCGI_MPXS_CONNS: '1',
    };
    const asked = [...decodeNameValues(content).keys()].filter((name) => Object.hasOwn(known, name));
    const [values] = encodeNameValues(asked.map((name) => [name, known[name] ?? ''] as const));
    this.#answer(encodeRecords(RecordType.getValuesResult, 0, values));
  }

  #begin(id: number, octets: Buffer): void {
    const { role, keepsConnection } = decodeBeginRequest(octets);
    // This side has ended.
    if (!this.#socket.writable) return;
    const earlier = this.#requests.get(id);
    if (earlier?.hasEnded === false) throw new Error(`request ${id} begins twice (§3.3)`);
    const refusal = this.#refusal(role);
    if (refusal !== undefined) {
      this.#answer(encodeEndRequest(id, { appStatus: 0, protocolStatus: refusal }));
      if (!keepsConnection) this.#isClosing = true;
      this.#closeIfDone();
      return;
    }
    // §3.3: an id is free once FCGI_END_REQUEST was sent, though the application may not have noticed the abort.
    if (earlier !== undefined) this.#leaving.add(earlier);
    const request: OpenRequest = {
      variables: new Map(),
      content: new ReceivedContent((isPaused) => this.#setPaused(id, isPaused)),
      sink: new FastCgiSink({
        write: (output) => this.#write(encodeRecords(RecordType.stdout, id, output)),
        end: (output) => this.#end(id, request, output),
        cut: () => this.#cut(id, request),
      }),
      keepsConnection,
      params: [],
      paramsSize: 0,
      isStarted: false,
      hasEnded: false,
      isOver: false,
    };
    this.#requests.set(id, request);
  }

  #refusal(role: number): number | undefined {
    if (role !== RESPONDER) return ProtocolStatus.unknownRole;
    const isFull = this.#requests.size + this.#leaving.size >= this.#options.maxRequests;
    return isFull || this.#isDraining ? ProtocolStatus.overloaded : undefined;
  }

  #takeParams(id: number, request: OpenRequest, octets: Buffer): void {
    if (request.isStarted) throw new Error(`parameters of request ${id} come after their end (§3.3)`);
    const { maxParamsSize } = this.#options;
    request.paramsSize += octets.length;
    if (request.paramsSize > maxParamsSize)
      throw new Error(`parameters exceed ${maxParamsSize} octets (option maxParamsSize)`);
    if (octets.length > 0) {
      request.params.push(octets);
      return;
    }
    request.isStarted = true;
    request.variables = decodeNameValues(Buffer.concat(request.params));
    request.params = [];
    void this.#options.answer(request).then(() => {
      request.isOver = true;
      request.content.endRun();
      void this.#end(id, request, NOTHING);
      this.#forget(id, request);
    });
  }

  /** §5.4: the application stops, and the request ends. */
  #abort(id: number, request: OpenRequest): void {
    request.content.leave();
    request.sink.leave();
    if (!request.isStarted) request.isOver = true;
    if (!request.hasEnded) this.#answer(this.#endOf(id, request));
    this.#forget(id, request);
  }

  /** The response is complete. The request is, once its content is not read any more: the server sends none behind its end. */
  #end(id: number, request: OpenRequest, output: Uint8Array): Promise<void> | undefined {
    if (request.hasEnded) return undefined;
    const stdout = output.length === 0 ? [] : encodeRecords(RecordType.stdout, id, output);
    if (!request.content.hasReader) return this.#write([...stdout, ...this.#endOf(id, request)]);
    request.content.finish(() => {
      void this.#write(this.#endOf(id, request));
      this.#forget(id, request);
    });
    return this.#write(stdout);
  }

  /** Marks a request as ended, and gives the records that say so. */
  #endOf(id: number, request: OpenRequest): Uint8Array[] {
    request.hasEnded = true;
    request.content.discard();
    if (!request.keepsConnection) this.#isClosing = true;
    return [...encodeRecords(RecordType.stdout, id), ...encodeEndRequest(id, COMPLETE)];
  }

  /**
   * Web servers pass a response on as complete whatever FCGI_END_REQUEST says; nginx without buffering also if the connection ends
   * without it, on a unix socket. But they cut off what comes with a broken record. A peer that shares the connection among requests
   * would lose the others.
   */
  #cut(id: number, request: OpenRequest): void {
    if (request.hasEnded) return;
    request.hasEnded = true;
    request.content.discard();
    const isShared = [...this.#requests.values()].some((one) => !one.hasEnded);
    if (isShared) {
      void this.#write(encodeEndRequest(id, INCOMPLETE));
      return;
    }
    void this.#write([BROKEN_RECORD]);
    // It waits for what is to be sent, but not for the end of the other side.
    this.#socket.destroySoon();
  }

  /** Its id is free once the end was sent and the application is done. */
  #forget(id: number, request: OpenRequest): void {
    if (request.isOver) this.#leaving.delete(request);
    if (!request.hasEnded || !request.isOver || this.#requests.get(id) !== request) return;
    this.#requests.delete(id);
    this.#setPaused(id, false);
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if ((this.#isClosing || this.#isDraining) && this.#requests.size === 0) this.#socket.end();
  }

  #leave(cause?: unknown): void {
    for (const request of this.#requests.values()) {
      request.content.leave(cause);
      request.sink.leave(cause);
    }
    this.#socket.destroy();
  }

  #setPaused(id: number, isPaused: boolean): void {
    if (isPaused) this.#pausing.add(id);
    else this.#pausing.delete(id);
    if (this.#pausing.size > 0) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** Writes what a record has caused at once. No more records are read until it has left, or a peer that reads nothing would fill the memory. */
  #answer(buffers: readonly Uint8Array[]): void {
    const leaving = this.#write(buffers);
    if (leaving === undefined) return;
    this.#answering = leaving;
    this.#setPaused(0, true);
    void leaving.then(() => {
      if (this.#answering === leaving) this.#setPaused(0, false);
    });
  }

  /** Resolves when the operating system has all, so that the memory may be used again. Never rejects. */
  #write(buffers: readonly Uint8Array[]): Promise<void> | undefined {
    const socket = this.#socket;
    if (buffers.length === 0 || !socket.writable) return undefined;
    let settle: (() => void) | undefined;
    socket.cork();
    for (const one of buffers.slice(0, -1)) socket.write(one);
    socket.write(buffers.at(-1) ?? NOTHING, () => settle?.());
    socket.uncork();
    if (socket.writableLength === 0) return undefined;
    return new Promise((resolve) => {
      settle = resolve;
    });
  }
}

const NOTHING = new Uint8Array(0);

const COMPLETE = { appStatus: 0, protocolStatus: ProtocolStatus.complete };

/** No status says that a response is cut off; this one says that the request was not served. */
const INCOMPLETE = { appStatus: 1, protocolStatus: ProtocolStatus.overloaded };
