/**
 * The connections of a server: makes one for each socket, checks their time-outs, and ends them.
 *
 * One clock checks all connections, so that no connection or request needs a timer of its own.
 */
import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ProtocolError } from '../errors.ts';
import { Members } from '../gateway/members.ts';
import type { ProxyHeader } from '../http/index.ts';
import {
  createUnansweredRequest,
  hasStandIn,
  reportedSocket,
  tellError,
  tellTimeout,
} from '../messages/index.ts';
import { carrierOf, findClientError } from '../node-internals/index.ts';
import type { Environ, ProxyProtocol } from '../wsgi.ts';
import { Connection } from './connection.ts';
import type { PlaceOfFault, ServedConnection, Shutdown } from './connection-owner.ts';
import { Handshake } from './handshake.ts';
import type { Http2Protocol, ProtocolOwner } from './http2/http2-protocol.ts';
import type { ServerMetrics } from './metrics.ts';
import type { RequestEvents } from './node-surface/request-events.ts';
import type { ServerOptions, ServerSettings } from './options.ts';
import { ProxyHeaderReader } from './proxy-header-reader.ts';
import { describeSocket, type SocketDescription } from './socket/describe-socket.ts';
import type { Tally } from './tally.ts';

/** Shared by all connections of a server. */
export interface PoolOptions {
  /** Read anew each time, because they may change. */
  readonly settings: ServerSettings;
  readonly options: ServerOptions;
  readonly events: RequestEvents;
  readonly tally: Tally;
  /** With the option `http2`. */
  readonly http2: Http2Protocol | undefined;
}

/** A server, as its connections know it. */
export interface ListeningEmitter extends EventEmitter {
  readonly listening: boolean;
}

/** The connections of one server. */
export class ConnectionPool implements ProtocolOwner {
  readonly settings: ServerSettings;
  readonly options: ServerOptions;
  readonly events: RequestEvents;
  readonly tally: Tally;
  shutdown: Shutdown | undefined;
  #wasStopped = false;
  readonly #emitter: ListeningEmitter;
  readonly #http2: Http2Protocol | undefined;
  readonly #connections = new Members<ServedConnection>();
  /** Those that wait for their clients to close, the oldest first. */
  readonly #lingering = new Members<ServedConnection>();
  readonly #handshakes = new WeakMap<Socket, Handshake>();
  /** Sockets that listeners have taken over. */
  readonly #released = new Members<Socket>();
  /** Those who wait until no connection is left. */
  readonly #awaiting: (() => void)[] = [];
  /** A listener for the event of a socket. */
  readonly #onTimeout: (this: Socket) => void;
  #clock: NodeJS.Timeout | undefined;
  /** The fields that go into every response, and the settings that they were made of. */
  #persistence = { keepAliveTimeout: Number.NaN, maxRequestsPerSocket: Number.NaN, fields: '' };

  /**
   * @param emitter Its listeners hear of errors and take connections over
   * @param options Shared by all connections
   */
  constructor(emitter: ListeningEmitter, { settings, options, events, tally, http2 }: PoolOptions) {
    this.#emitter = emitter;
    this.#http2 = http2;
    this.settings = settings;
    this.options = options;
    this.events = events;
    this.tally = tally;
    function onTimeout(this: Socket): void {
      // node's order: first the messages, then the server; both are told.
      const isHeard = tellTimeout(this);
      if (!emitter.emit('timeout', this) && !isHeard) this.destroy();
    }
    this.#onTimeout = onTimeout;
  }

  get persistenceFields(): string {
    const { keepAliveTimeout, maxRequestsPerSocket } = this.settings;
    const known = this.#persistence;
    if (known.keepAliveTimeout === keepAliveTimeout && known.maxRequestsPerSocket === maxRequestsPerSocket) {
      return known.fields;
    }
    const fields = formatPersistence(keepAliveTimeout, maxRequestsPerSocket);
    this.#persistence = { keepAliveTimeout, maxRequestsPerSocket, fields };
    return fields;
  }

  /** Reads the PROXY protocol header of a socket, before anybody else has it. */
  awaitProxyHeader(socket: Socket, onHeader: (header: ProxyHeader) => void): void {
    this.#add(new ProxyHeaderReader(socket, this, onHeader));
  }

  /** Notes a socket whose TLS handshake begins. */
  awaitHandshake(socket: Socket): void {
    const handshake = new Handshake(socket, this);
    this.#handshakes.set(socket, handshake);
    this.#add(handshake);
    this.tally.accepted += 1;
  }

  /**
   * Serves a socket; a TLS socket after its handshake.
   *
   * @param proxied What a proxy has told of it
   */
  accept(socket: Socket, proxied?: ProxyProtocol): void {
    const handshake = this.#handshakes.get(carrierOf(socket) ?? socket);
    if (handshake === undefined) this.tally.accepted += 1;
    else this.remove(handshake);
    const description = describeSocket(socket, this.options.serverName, proxied);
    const connection: ServedConnection =
      this.#http2?.begin(socket, this, description) ?? new Connection(socket, this, description);
    this.#add(connection);
    this.tally.open(connection, socket);
    const { timeout } = this.settings;
    if (isLimited(timeout) && connection.hasOwnTimeout !== true) {
      socket.setTimeout(timeout);
      // First, so that other listeners see what has become of the socket.
      socket.prependListener('timeout', this.#onTimeout);
    }
  }

  replace(reader: ServedConnection, next: ServedConnection): void {
    // It may have ended meanwhile.
    if (!this.#connections.delete(reader)) return;
    this.#connections.add(next);
    this.tally.replace(reader, next);
  }

  serveHttp1(socket: Socket, description: SocketDescription, octets: Buffer): ServedConnection {
    const connection = new Connection(socket, this, description);
    queueMicrotask(() => connection.intake.receive(octets, octets.length, false));
    return connection;
  }

  #add(connection: ServedConnection): void {
    this.#connections.add(connection);
    const { connectionsCheckingInterval } = this.settings;
    this.#clock ??= setInterval(() => this.#checkAll(), connectionsCheckingInterval).unref();
  }

  #checkAll(): void {
    const now = performance.now();
    for (const connection of this.#connections) connection.check(now);
  }

  reportClientError(fault: ProtocolError, socket: Socket, { intake, isContent }: PlaceOfFault): boolean {
    // Time-outs are counted by their kind.
    if (fault.code !== 'WSGI_ERR_REQUEST_TIMEOUT') this.tally.clientErrors += 1;
    const isHeard = this.#emitter.listenerCount('clientError') > 0 || hasStandIn(socket);
    const error = findClientError(fault, {
      packet: intake.lastPacket,
      octets: isHeard ? intake.parser.faultPlace : undefined,
      maxHeaderSize: this.settings.maxHeaderSize,
      isContent,
    });
    if (error === undefined) return false;
    if (this.#emitter.emit('clientError', error, reportedSocket(socket))) return true;
    tellError(socket, error);
    return false;
  }

  reportSocketError(error: Error, socket: Socket): void {
    // A fault of TLS does not end the socket by itself.
    if (!this.#emitter.emit('clientError', error, reportedSocket(socket))) socket.destroy(error);
  }

  reportDrop(environ: Environ, socket: Socket): void {
    if (this.#emitter.listenerCount('dropRequest') === 0) return;
    this.#emitter.emit('dropRequest', createUnansweredRequest(environ, socket), socket);
  }

  emit(event: 'upgrade' | 'connect', request: IncomingMessage, socket: Duplex, rest: Buffer): boolean {
    return this.#emitter.emit(event, request, socket, rest);
  }

  get isStopping(): boolean {
    return this.#wasStopped && !this.#emitter.listening;
  }

  noteLingering(connection: ServedConnection): void {
    this.#lingering.add(connection);
    if (this.#lingering.size <= this.settings.maxLingering) return;
    const { first: oldest = connection } = this.#lingering;
    this.#lingering.delete(oldest);
    oldest.destroy();
  }

  remove(connection: ServedConnection): void {
    this.tally.leave(connection);
    if (connection instanceof Handshake) this.#handshakes.delete(connection.socket);
    this.#connections.delete(connection);
    this.#lingering.delete(connection);
    if (this.#connections.size > 0) return;
    clearInterval(this.#clock);
    this.#clock = undefined;
    this.#tellIfEmpty();
  }

  release(socket: Socket): void {
    socket.off('timeout', this.#onTimeout);
    this.#released.add(socket);
    socket.once('close', () => {
      this.#released.delete(socket);
      this.tally.closeReleased(socket);
      this.#tellIfEmpty();
    });
  }

  /** Gives a snapshot of what the server counts. */
  metrics(): ServerMetrics {
    return this.tally.snapshot(this.#connections.size);
  }

  /** Waits until no connection is left, also of those that listeners have taken over. */
  whenEmpty(): Promise<void> {
    return new Promise((resolve) => {
      this.#awaiting.push(resolve);
      this.#tellIfEmpty();
    });
  }

  #tellIfEmpty(): void {
    if (this.#awaiting.length === 0) return;
    // A connection that is handed over leaves one set before it enters the other.
    queueMicrotask(() => {
      if (this.#connections.size > 0 || this.#released.size > 0) return;
      for (const resolve of this.#awaiting.splice(0)) resolve();
    });
  }

  /** The server stops to listen: drops idle connections now, and later those that are not used. */
  stop(): void {
    this.#wasStopped = true;
    this.destroyIdle();
    // A program's response may be complete and reach its connection in this turn: on node the connection is idle by then.
    setImmediate(() => {
      if (!this.isStopping) return;
      for (const connection of this.#connections) connection.closeIfAnswered();
    });
  }

  destroyIdle(): void {
    for (const connection of this.#connections) {
      if (connection.isIdle) connection.destroy();
    }
  }

  destroyAll(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  destroyReleased(): void {
    for (const socket of this.#released) socket.destroy();
  }

  /**
   * Ends every connection after its current response.
   *
   * @param idleGrace Milliseconds that idle connections are kept for one more request, also those that become idle because
   *   their client was told, before, that they would be kept
   */
  beginShutdown(idleGrace: number): void {
    this.#wasStopped = true;
    this.shutdown = { time: performance.now(), idleGrace };
    if (idleGrace > 0) return;
    for (const connection of this.#connections) connection.closeWhenDone();
  }

  /** All connections have ended; the server may listen again. */
  endShutdown(): void {
    this.shutdown = undefined;
  }
}

/** Formats the fields as node does. */
function formatPersistence(keepAliveTimeout: number, maxRequestsPerSocket: number): string {
  const connection = 'Connection: keep-alive\r\n';
  if (!isLimited(keepAliveTimeout)) return connection;
  const max = isLimited(maxRequestsPerSocket) ? `, max=${maxRequestsPerSocket}` : '';
  return `${connection}Keep-Alive: timeout=${Math.floor(keepAliveTimeout / 1000)}${max}\r\n`;
}

/** 0 and Infinity mean no limit. */
function isLimited(value: number): boolean {
  return value > 0 && Number.isFinite(value);
}
