/**
 * The standalone server: listens, makes a connection of every socket, keeps the clock, and ends all of it.
 *
 * Its surface is that of node's http.Server, so that what attaches to one (supertest, graceful-shutdown helpers)
 * attaches to the other. A plain or a TLS server of node does the listening; HTTP begins in connection.ts.
 */
import { Server as NetServer, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
  type Server as TlsServer,
} from 'node:tls';
import { toApplication } from '../application.ts';
import type { ProtocolError } from '../errors.ts';
import type { Application } from '../wsgi.ts';
import { createClientError } from './client-error.ts';
import { Connection } from './connection.ts';
import { describeSocket } from './connection-facts.ts';
import type { ConnectionHost, ServedConnection } from './connection-host.ts';
import { type ServerOptions, type ServerSettings, takeSettings } from './options.ts';
import { RequestEvents } from './request-events.ts';

/** How long `shutdown` waits. */
export interface ShutdownOptions {
  /** Milliseconds until what is still running is cut off; Infinity for never. @default 10000 */
  readonly timeout?: number | undefined;
}

/**
 * An HTTP/1.1 server for one gateway application.
 *
 * It is a net.Server, and emits what a server of node:http emits. Limits and time-outs are properties that can be
 * changed at any time.
 */
export class Server extends NetServer implements ServerSettings, ConnectionHost {
  declare headersTimeout: number;
  declare requestTimeout: number;
  declare keepAliveTimeout: number;
  declare timeout: number;
  declare writeTimeout: number;
  declare maxHeaderSize: number;
  declare maxHeadersCount: number;
  declare maxBodySize: number;
  declare maxChunkExtensionSize: number;
  declare maxTrailerSize: number;
  declare maxDrainSize: number;
  declare drainTimeout: number;
  declare maxRequestsPerSocket: number;
  declare maxConnections: number;
  declare requireHostHeader: boolean;
  declare connectionsCheckingInterval: number;
  /** @internal */
  readonly events: RequestEvents;
  readonly options: ServerOptions;
  isShuttingDown = false;
  readonly #tls: TlsServer | undefined;
  readonly #connections = new Set<ServedConnection>();
  /** Sockets whose TLS handshake is under way. */
  readonly #handshakes = new Set<Socket>();
  /** Sockets that listeners have taken over. */
  readonly #released = new Set<Socket>();
  #clock: NodeJS.Timeout | undefined;

  /** @internal Use `createServer`. */
  constructor(application: Application, options: ServerOptions) {
    const { noDelay = true, keepAlive = false, keepAliveInitialDelay = 0 } = options;
    // A client may close its half and wait for the response (RFC 9112 §9.6).
    super({ allowHalfOpen: true, noDelay, keepAlive, keepAliveInitialDelay });
    this.events = new RequestEvents(this, toApplication(application));
    this.options = options;
    Object.assign(this, takeSettings(options));
    this.#tls = options.tls === undefined ? undefined : this.#createTls(options.tls);
    this.on('connection', (socket) => {
      if (this.#tls === undefined) this.#accept(socket);
      else this.#beginHandshake(this.#tls, socket);
    });
  }

  /** A TLS server that does not listen: it is handed the sockets that this one has accepted. */
  #createTls(options: NonNullable<ServerOptions['tls']>): TlsServer {
    const server = createTlsServer({ ALPNProtocols: ['http/1.1'], ...options });
    server.on('secureConnection', (socket) => {
      socket.allowHalfOpen = true;
      this.#accept(socket);
      this.emit('secureConnection', socket);
    });
    server.on('tlsClientError', (error, socket) => {
      // As node:https does: who wants to know can, and the socket goes in any case.
      if (!this.emit('tlsClientError', error, socket)) socket.destroy();
    });
    return server;
  }

  #beginHandshake(tls: TlsServer, socket: Socket): void {
    this.#handshakes.add(socket);
    socket.on('close', () => this.#handshakes.delete(socket));
    // Only once it is done: amid a handshake nobody would notice that the client has left (Node 20).
    socket.allowHalfOpen = false;
    tls.emit('connection', socket);
  }

  /**
   * Replaces key and certificate for connections to come.
   *
   * @throws TypeError if the server does not serve TLS
   */
  setSecureContext(options: SecureContextOptions): void {
    if (this.#tls === undefined) throw new TypeError('Server was not created with the option tls');
    this.#tls.setSecureContext(options);
  }

  get settings(): ServerSettings {
    return this;
  }

  get keepAliveValue(): string | undefined {
    const { keepAliveTimeout, maxRequestsPerSocket } = this;
    if (!isLimited(keepAliveTimeout)) return undefined;
    const max = isLimited(maxRequestsPerSocket) ? `, max=${maxRequestsPerSocket}` : '';
    return `timeout=${Math.floor(keepAliveTimeout / 1000)}${max}`;
  }

  #accept(socket: Socket | TLSSocket): void {
    const connection = new Connection(socket, this, describeSocket(socket, this.options.serverName));
    this.#connections.add(connection);
    if (isLimited(this.timeout)) {
      socket.setTimeout(this.timeout);
      socket.on('timeout', () => {
        if (!this.emit('timeout', socket)) socket.destroy();
      });
    }
    this.#clock ??= setInterval(() => this.#checkConnections(), this.connectionsCheckingInterval).unref();
  }

  #checkConnections(): void {
    const now = performance.now();
    for (const connection of this.#connections) connection.check(now);
  }

  /** @internal */
  reportClientError(error: ProtocolError, socket: Socket, rawPacket: Buffer): boolean {
    return this.emit('clientError', createClientError(error, rawPacket), socket);
  }

  /** @internal */
  reportSocketError(error: Error, socket: Socket): void {
    this.emit('clientError', error, socket);
  }

  /** @internal */
  remove(connection: ServedConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size > 0) return;
    clearInterval(this.#clock);
    this.#clock = undefined;
  }

  /** @internal */
  release(socket: Socket): void {
    this.#released.add(socket);
    socket.once('close', () => this.#released.delete(socket));
  }

  /**
   * Stops accepting connections and drops those that are idle. Others are served until they end or idle out.
   *
   * @param callback Called when the last connection has ended; with an error if the server was not listening
   */
  override close(callback?: (error?: Error) => void): this {
    super.close(callback);
    this.closeIdleConnections();
    return this;
  }

  /** Closes the connections on which no request is under way. */
  closeIdleConnections(): void {
    for (const connection of [...this.#connections]) {
      if (connection.isIdle) connection.destroy();
    }
  }

  /** Closes all connections, also those that are serving a request. */
  closeAllConnections(): void {
    for (const connection of [...this.#connections]) connection.destroy();
    for (const socket of [...this.#handshakes]) socket.destroy();
  }

  /**
   * Closes gracefully: every connection ends with the response that it is serving, and says so to its client. What is
   * left at the deadline is cut off, also what listeners of `upgrade` and `connect` have taken over.
   *
   * @param options How long to wait
   * @returns a promise of the end of the last connection
   */
  async shutdown({ timeout = 10_000 }: ShutdownOptions = {}): Promise<void> {
    this.isShuttingDown = true;
    const closed = new Promise<void>((resolve) => {
      super.close(() => resolve());
    });
    for (const connection of [...this.#connections]) connection.closeWhenDone();
    const deadline = Number.isFinite(timeout) ? setTimeout(() => this.#cutOff(), timeout) : undefined;
    await closed;
    clearTimeout(deadline);
    this.isShuttingDown = false;
  }

  #cutOff(): void {
    this.closeAllConnections();
    for (const socket of [...this.#released]) socket.destroy();
  }

  /**
   * Closes sockets on which nothing has moved for so long, or hands them to the `timeout` event.
   *
   * @param milliseconds 0 for never
   * @param callback A listener for `timeout`
   */
  setTimeout(milliseconds?: number, callback?: (socket: Socket) => void): this;
  setTimeout(callback: (socket: Socket) => void): this;
  setTimeout(
    milliseconds: number | ((socket: Socket) => void) = 0,
    callback?: (socket: Socket) => void,
  ): this {
    // node's way of asking for the default: without a number there is no time-out.
    if (typeof milliseconds === 'function') return this.setTimeout(0, milliseconds);
    this.timeout = milliseconds;
    if (callback !== undefined) this.on('timeout', callback);
    return this;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    if (this.listening) await this.shutdown();
  }
}

/** 0 and Infinity are for no limit. */
function isLimited(value: number): boolean {
  return value > 0 && Number.isFinite(value);
}
