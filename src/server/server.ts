/**
 * The standalone server as its users see it: listening, TLS, and the ways to end.
 *
 * It has the surface of node's http.Server, so that supertest and graceful-shutdown helpers work with it.
 * connection-pool.ts serves the accepted sockets.
 */
import { Server as NetServer, type ServerOpts as NetServerOptions, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type Server as TlsServer,
} from 'node:tls';
import { toApplication } from '../gateway/application.ts';
import { checkOptions } from '../gateway/check-options.ts';
import { type OptionsOf, settingsOf } from '../gateway/option-table.ts';
import type { Application } from '../wsgi.ts';
import { ConnectionPool } from './connection-pool.ts';
import { emitConnection, emitSecureConnection } from './node-surface/connection-event.ts';
import { descendantOfHttps, descendFromHttp, recognize } from './node-surface/prototypes.ts';
import { RequestEvents } from './node-surface/request-events.ts';
import {
  checkServerOptions,
  SERVER_OPTIONS,
  type ServerOptions,
  type ServerSettings,
  takeSettings,
} from './options.ts';

/** The options of `shutdown`. */
export const SHUTDOWN_OPTIONS = {
  /** After this time the server cuts off what still runs; Infinity waits for ever. */
  timeout: { type: 'milliseconds', default: 10_000 },
} as const;

/** Options of `shutdown`. */
export interface ShutdownOptions extends OptionsOf<typeof SHUTDOWN_OPTIONS> {}

/** net.Server with the settings as properties. */
type NetServerWithSettings = new (options: NetServerOptions) => NetServer & ServerSettings;

// The constructor of Server assigns the settings.
const ServerBase: NetServerWithSettings = NetServer as unknown as NetServerWithSettings;

/**
 * An HTTP/1.1 server for one gateway application.
 *
 * It is a net.Server and emits node:http's events. Limits and time-outs are properties that can change at any time.
 */
export class Server extends ServerBase {
  readonly #pool: ConnectionPool;
  readonly #tls: TlsServer | undefined;
  /** Sockets during their TLS handshake. */
  readonly #handshakes = new Set<Socket>();

  /** Use {@link createServer}. */
  constructor(application: Application, options: ServerOptions) {
    checkServerOptions(options);
    const { noDelay, keepAlive, keepAliveInitialDelay } = settingsOf(SERVER_OPTIONS, options);
    // A client may close its half and wait for the response (RFC 9112 §9.6).
    super({ allowHalfOpen: true, noDelay, keepAlive, keepAliveInitialDelay });
    Object.assign(this, takeSettings(options));
    const events = new RequestEvents(this, toApplication(application));
    this.#pool = new ConnectionPool(this, { settings: this, options, events });
    this.#tls = options.tls === undefined ? undefined : this.#createTls(options.tls);
    this.on('connection', this.#onConnection);
    // Subclasses keep their own prototypes.
    if (this.#tls !== undefined && new.target === Server)
      Object.setPrototypeOf(this, Server.#securePrototype);
  }

  static {
    descendFromHttp(Server.prototype);
    recognize(Server, (value) => #pool in value);
  }

  static readonly #securePrototype = descendantOfHttps(Server.prototype);

  readonly #onConnection = (socket: Socket): void => {
    if (this.#tls === undefined) this.#pool.accept(socket);
    else this.#beginHandshake(this.#tls, socket);
  };

  override emit(event: string | symbol, ...values: unknown[]): boolean {
    if (event !== 'connection' || this.#tls !== undefined) return super.emit(event, ...values);
    // The value is a socket: accepted here, or emitted by others.
    return emitConnection(this, values[0] as Socket, this.#onConnection);
  }

  /** Makes a TLS server that does not listen: this server hands its accepted sockets over. */
  #createTls(options: NonNullable<ServerOptions['tls']>): TlsServer {
    const server = createTlsServer({ ALPNProtocols: ['http/1.1'], ...options });
    server.on('secureConnection', (socket) => {
      socket.allowHalfOpen = true;
      this.#pool.accept(socket);
      emitSecureConnection(this, socket);
    });
    server.on('tlsClientError', (error, socket) => {
      // As on node:https: listeners are told, and the socket is closed in any case.
      if (!this.emit('tlsClientError', error, socket)) socket.destroy();
    });
    return server;
  }

  #beginHandshake(tls: TlsServer, socket: Socket): void {
    this.#handshakes.add(socket);
    socket.on('close', () => this.#handshakes.delete(socket));
    // Allowed only after the handshake: during it Node 20 would not notice that the client leaves.
    socket.allowHalfOpen = false;
    tls.emit('connection', socket);
  }

  /**
   * Replaces key and certificate for later connections.
   *
   * @throws TypeError if the server does not serve TLS
   */
  setSecureContext(options: SecureContextOptions): void {
    this.#secureServer.setSecureContext(options);
  }

  /** Adds a certificate for a host name (SNI), as tls.Server does. @throws TypeError if it does not serve TLS */
  addContext(hostname: string, context: SecureContextOptions): void {
    this.#secureServer.addContext(hostname, context);
  }

  /** Gives the keys that encrypt session tickets, as tls.Server does. @throws TypeError if it does not serve TLS */
  getTicketKeys(): Buffer {
    return this.#secureServer.getTicketKeys();
  }

  /** Sets the keys that encrypt session tickets, as tls.Server does. @throws TypeError if it does not serve TLS */
  setTicketKeys(keys: Buffer): void {
    this.#secureServer.setTicketKeys(keys);
  }

  get #secureServer(): TlsServer {
    if (this.#tls === undefined) throw new TypeError('Server was not created with the option tls');
    return this.#tls;
  }

  /**
   * Stops accepting connections and drops idle ones. Others are served until they end or idle out.
   *
   * @param callback Called when the last connection has ended; with an error if the server was not listening
   */
  override close(callback?: (error?: Error) => void): this {
    closeListener(this, callback);
    this.closeIdleConnections();
    return this;
  }

  /** Closes idle connections. */
  closeIdleConnections(): void {
    this.#pool.destroyIdle();
  }

  /** Closes all connections, also busy ones. */
  closeAllConnections(): void {
    this.#pool.destroyAll();
    for (const socket of [...this.#handshakes]) socket.destroy();
  }

  /**
   * Closes gracefully: each connection ends with its current response, which tells the client so. The deadline cuts
   * off the rest, also sockets that listeners of `upgrade` and `connect` have taken over.
   *
   * @returns a promise of the end of the last connection; rejects with TypeError or RangeError if an option is wrong
   */
  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    checkOptions(options, SHUTDOWN_OPTIONS, { unknown: 'ignore', likely: 'timeout' });
    const { timeout } = settingsOf(SHUTDOWN_OPTIONS, options);
    const closed = new Promise<void>((resolve) => {
      closeListener(this, () => resolve());
    });
    this.#pool.beginShutdown();
    const deadline = Number.isFinite(timeout) ? setTimeout(() => this.#cutOff(), timeout) : undefined;
    await closed;
    clearTimeout(deadline);
    this.#pool.endShutdown();
  }

  #cutOff(): void {
    this.closeAllConnections();
    this.#pool.destroyReleased();
  }

  /**
   * Closes sockets after this long without traffic, or emits `timeout` if it has listeners.
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
    // As on node: a callback alone sets the default, which is no time-out.
    if (typeof milliseconds === 'function') return this.setTimeout(0, milliseconds);
    this.timeout = milliseconds;
    if (callback !== undefined) this.on('timeout', callback);
    return this;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    if (this.listening) await this.shutdown();
  }
}

/** Calls net.Server's close. The one of http.Server, which is nearer, also closes idle connections. */
function closeListener(server: Server, callback?: (error?: Error) => void): void {
  NetServer.prototype.close.call(server, callback);
}
