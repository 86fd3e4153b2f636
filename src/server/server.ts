/**
 * The standalone server as its users see it: listening, TLS, and the ways to end.
 *
 * Its surface is that of node's http.Server, so that what attaches to one (supertest, graceful-shutdown helpers)
 * attaches to the other. What becomes of an accepted socket is connection-pool.ts's.
 */
import { Server as NetServer, type ServerOpts as NetServerOptions, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type Server as TlsServer,
} from 'node:tls';
import { toApplication } from '../gateway/application.ts';
import { checkOptions } from '../gateway/check-options.ts';
import { defaultsOf, type OptionsOf } from '../gateway/option-table.ts';
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
  /** Milliseconds until everything that still runs is cut off; Infinity for never. */
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
 * It is a net.Server, and emits what a server of node:http emits. Limits and time-outs are properties that can be
 * changed at any time.
 */
export class Server extends ServerBase {
  readonly #pool: ConnectionPool;
  readonly #tls: TlsServer | undefined;
  /** Sockets whose TLS handshake is under way. */
  readonly #handshakes = new Set<Socket>();

  /** Use {@link createServer}. */
  constructor(application: Application, options: ServerOptions) {
    checkServerOptions(options);
    const { noDelay, keepAlive, keepAliveInitialDelay } = { ...SOCKET_DEFAULTS, ...options };
    // A client may close its half and wait for the response (RFC 9112 §9.6).
    super({ allowHalfOpen: true, noDelay, keepAlive, keepAliveInitialDelay });
    Object.assign(this, takeSettings(options));
    const events = new RequestEvents(this, toApplication(application));
    this.#pool = new ConnectionPool(this, { settings: this, options, events });
    this.#tls = options.tls === undefined ? undefined : this.#createTls(options.tls);
    this.on('connection', this.#onConnection);
    // Classes that extend this one keep their own prototypes.
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
    // What is accepted is a socket, and so is what others hand to a server by emitting the event.
    return emitConnection(this, values[0] as Socket, this.#onConnection);
  }

  /** A TLS server that does not listen: it is handed the sockets that this one has accepted. */
  #createTls(options: NonNullable<ServerOptions['tls']>): TlsServer {
    const server = createTlsServer({ ALPNProtocols: ['http/1.1'], ...options });
    server.on('secureConnection', (socket) => {
      socket.allowHalfOpen = true;
      this.#pool.accept(socket);
      emitSecureConnection(this, socket);
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
    this.#secureServer.setSecureContext(options);
  }

  /** Adds a certificate for a host name (SNI), as tls.Server does. @throws TypeError if the server does not serve TLS */
  addContext(hostname: string, context: SecureContextOptions): void {
    this.#secureServer.addContext(hostname, context);
  }

  /** tls.Server's: the keys that session tickets are encrypted with. @throws TypeError if it does not serve TLS */
  getTicketKeys(): Buffer {
    return this.#secureServer.getTicketKeys();
  }

  /** tls.Server's. @throws TypeError if the server does not serve TLS */
  setTicketKeys(keys: Buffer): void {
    this.#secureServer.setTicketKeys(keys);
  }

  get #secureServer(): TlsServer {
    if (this.#tls === undefined) throw new TypeError('Server was not created with the option tls');
    return this.#tls;
  }

  /**
   * Stops accepting connections and drops those that are idle. Others are served until they end or idle out.
   *
   * @param callback Called when the last connection has ended; with an error if the server was not listening
   */
  override close(callback?: (error?: Error) => void): this {
    closeListener(this, callback);
    this.closeIdleConnections();
    return this;
  }

  /** Closes the connections on which no request is under way. */
  closeIdleConnections(): void {
    this.#pool.destroyIdle();
  }

  /** Closes all connections, also those that are serving a request. */
  closeAllConnections(): void {
    this.#pool.destroyAll();
    for (const socket of [...this.#handshakes]) socket.destroy();
  }

  /**
   * Closes gracefully: every connection ends with the response that it is serving, and says so to its client. What is
   * left at the deadline is cut off, also what listeners of `upgrade` and `connect` have taken over.
   *
   * @param options How long to wait
   * @returns a promise of the end of the last connection; it rejects with TypeError or RangeError if the options are
   *   none
   */
  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    checkOptions(options, SHUTDOWN_OPTIONS, { likely: 'timeout' });
    const { timeout = SHUTDOWN_OPTIONS.timeout.default } = options;
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

const SOCKET_DEFAULTS = defaultsOf(SERVER_OPTIONS);

/** net.Server's part of it. http.Server's, which is nearer, also closes the connections that idle. */
function closeListener(server: Server, callback?: (error?: Error) => void): void {
  NetServer.prototype.close.call(server, callback);
}
