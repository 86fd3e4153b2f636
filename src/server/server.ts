/**
 * The standalone server as its users see it: listening, TLS, and the ways to end.
 *
 * It has the surface of node's http.Server, so that supertest and graceful-shutdown helpers work with it.
 * connection-pool.ts serves the accepted sockets.
 */
import { captureRejectionSymbol } from 'node:events';
import { Server as HttpServer } from 'node:http';
import { Server as NetServer, type ServerOpts as NetServerOptions, type Socket } from 'node:net';
import type { TLSSocket, Server as TlsServer } from 'node:tls';
import { toApplication } from '../gateway/application.ts';
import { checkOptions } from '../gateway/check-options.ts';
import { type OptionsOf, type OptionTable, settingsOf } from '../gateway/option-table.ts';
import { areRequestsHeard, serverMessages } from '../messages/index.ts';
import { isNodeEmit } from '../node-internals/index.ts';
import type { Application } from '../wsgi.ts';
import { ConnectionPool } from './connection-pool.ts';
import { Http2Protocol } from './http2/http2-protocol.ts';
import type { ServerMetrics } from './metrics.ts';
import { acceptedSocket, type ConnectionEvent, emitConnection } from './node-surface/connection-event.ts';
import { checkPlace, checkTls, type TextPorts } from './node-surface/listening.ts';
import { constructBase, descendFromHttp, nodePrototypeOf, recognize } from './node-surface/prototypes.ts';
import { RequestEvents } from './node-surface/request-events.ts';
import { hostIn, serverUrl } from './node-surface/server-url.ts';
import {
  checkServerOptions,
  defineSettings,
  SERVER_OPTIONS,
  type ServerOptions,
  type ServerSettings,
  takeSettings,
} from './options.ts';
import { ProxiedSockets } from './socket/proxied-sockets.ts';
import { Tally } from './tally.ts';

/** The options of `shutdown`. */
export const SHUTDOWN_OPTIONS = {
  /** After this time the server cuts off what still runs; Infinity waits for ever. */
  timeout: { type: 'milliseconds', default: 10_000 },
  /**
   * Idle connections are kept for so many milliseconds: a request that is on its way is served, and its answer says
   * `Connection: close`. 0 closes them at once.
   */
  idleGrace: { type: 'milliseconds', default: 0 },
} as const;

/** Options of `shutdown`. */
export interface ShutdownOptions extends OptionsOf<typeof SHUTDOWN_OPTIONS> {}

/** An error, and the event that was emitted to the listener, with its values. */
type Rejection = [error: Error, event: string | symbol, ...values: unknown[]];

/** A net.Server with the settings as properties, or a tls.Server. */
type BaseServer = new (
  options: NetServerOptions,
  tls: ServerOptions['tls'],
) => NetServer & ServerSettings & TextPorts;

function Base(this: unknown, options: NetServerOptions, tls: ServerOptions['tls']): object {
  // Called by `super` only: it is the class that is constructed.
  return constructBase(options, tls, new.target as unknown as BaseServer);
}

// A function that constructs what it returns. `defineSettings` adds the settings.
const ServerBase = Base as unknown as BaseServer;

/**
 * A server of HTTP/1.1, and with the option `http2` of HTTP/2, for one gateway application.
 *
 * It is a net.Server and emits node:http's events. Limits and time-outs are properties that can change at any time.
 */
export class Server extends ServerBase {
  readonly #pool: ConnectionPool;
  readonly #tls: ServerOptions['tls'];
  readonly #tally: Tally = new Tally(this);
  /** Sockets that listeners got in the place of the server, to give them back to it. */
  readonly #handedOut = new WeakSet<Socket>();
  /** With the option `proxyProtocol`. */
  readonly #proxied: ProxiedSockets | undefined;
  #host: string | undefined;

  /**
   * Use {@link createServer}.
   *
   * @param own More options that are known, because the caller obeys them
   */
  constructor(application: Application, options: ServerOptions, own: OptionTable = {}) {
    checkServerOptions(options, own);
    const { noDelay, keepAlive, keepAliveInitialDelay } = settingsOf(SERVER_OPTIONS, options);
    const { tls, proxyProtocol, http2 = false } = options;
    const proxied = proxyProtocol && new ProxiedSockets(proxyProtocol, tls !== undefined);
    // A client may close its half and wait for the response (RFC 9112 §9.6). With TLS only after the handshake: during
    // it Node 20 would not notice that the client leaves.
    const { highWaterMark } = options;
    const base = {
      allowHalfOpen: tls === undefined,
      noDelay,
      keepAlive,
      keepAliveInitialDelay,
      ...(highWaterMark !== undefined && { highWaterMark }),
    };
    super(base, tls === undefined ? undefined : withProtocols(tls, http2));
    this.#tls = tls;
    this.#proxied = proxied;
    const settings = takeSettings(options);
    defineSettings(this, settings);
    const events = new RequestEvents(this, toApplication(application), {
      isObserved: () => this.#isObserved,
      // https.createServer has no uniqueHeaders.
      messages: serverMessages(tls === undefined ? options : { ...options, uniqueHeaders: undefined }),
      shouldUpgrade: options.shouldUpgradeCallback,
    });
    this.#pool = new ConnectionPool(this, {
      ...{ settings, options, events, tally: this.#tally },
      http2: http2 ? new Http2Protocol(this, options) : undefined,
    });
    this.on(this.#event, this.#accept);
    if (tls !== undefined) this.on('tlsClientError', this.#onHandshakeError);
  }

  /** Somebody has patched `emit`, here or on one of node's classes, or subscribes to node's channels. */
  get #isObserved(): boolean {
    if (this.emit !== OWN_EMIT || areRequestsHeard()) return true;
    return !isNodeEmit(nodePrototypeOf(this.#tls !== undefined).emit);
  }

  static {
    descendFromHttp(Server.prototype);
    recognize(Server, (value) => #pool in value);
    // Added here, because an override in the class would lose the overloads of node's types.
    Object.defineProperty(Server.prototype, 'listen', {
      configurable: true,
      writable: true,
      value: function listen(this: Server, ...values: unknown[]): unknown {
        checkPlace(values);
        this.#host = hostIn(values);
        // With TLS it is a tls.Server, whatever its type says.
        if (this.#tls !== undefined) checkTls(this as unknown as TlsServer, this.#tls);
        return Reflect.apply(nodePrototypeOf(this.#tls !== undefined).listen, this, values);
      },
    });
  }

  /**
   * The address to open in a browser: `http://127.0.0.1:8124/`. It names the host that `listen` was given, and
   * `localhost` if the server listens on every address. Undefined while the server does not listen, and on a unix socket.
   */
  get url(): string | undefined {
    return serverUrl(this.address(), this.#tls === undefined ? 'http' : 'https', this.#host);
  }

  /** On node's servers, which have no such property, helpers of tests assign it. */
  set url(value: string | undefined) {
    Object.defineProperty(this, 'url', { configurable: true, enumerable: true, writable: true, value });
  }

  /** The event of a connection that can be served. */
  get #event(): ConnectionEvent {
    return this.#tls === undefined ? 'connection' : 'secureConnection';
  }

  readonly #accept = (shown: Socket): void => {
    const socket = acceptedSocket(shown);
    if (this.#tls !== undefined) {
      socket.allowHalfOpen = true;
    } else if (Reflect.get(socket, 'server') !== this || this.#handedOut.has(socket)) readAsStream(socket);
    // node does so for every socket, also for one that others accepted.
    Reflect.set(socket, 'server', this);
    this.#pool.accept(socket, this.#proxied?.factsOf(socket));
  };

  override emit(event: string | symbol, ...values: unknown[]): boolean {
    return this.#proxied === undefined
      ? this.#emit(event, values)
      : this.#emitProxied(this.#proxied, event, values);
  }

  /** A connection that a proxy relays is emitted once its header has come: listeners see the client. */
  #emitProxied(proxied: ProxiedSockets, event: string | symbol, values: unknown[]): boolean {
    for (const value of values) proxied.follow(value);
    if (event !== 'connection') return this.#emit(event, values);
    // The value of the event is a socket: accepted here, or emitted by others.
    const socket = values[0] as Socket;
    const judgement = proxied.judge(socket);
    if (judgement === 'serve') return this.#emit(event, values);
    if (judgement === 'gone') socket.destroy();
    else {
      this.#pool.awaitProxyHeader(socket, (header) => {
        proxied.take(socket, header);
        this.#emit(event, values);
      });
    }
    return true;
  }

  #emit(event: string | symbol, values: unknown[]): boolean {
    // node's own `emit` is nearer, but tools patch that of the server that ours stands for.
    const { emit } = nodePrototypeOf(this.#tls !== undefined);
    // The value of both events is a socket: accepted here, or emitted by others.
    if (event === this.#event) {
      if (!this.listeners(event).includes(this.#accept)) this.#handedOut.add(values[0] as Socket);
      return emitConnection(this, values[0] as Socket, { event: this.#event, own: this.#accept, emit });
    }
    if (event === 'connection') this.#beginHandshake(values[0] as Socket);
    if (event === 'drop') this.#tally.refused += 1;
    return Reflect.apply(emit, this, [event, ...values]);
  }

  static {
    // A member with this name cannot be declared (TypeScript's isolatedDeclarations).
    Object.defineProperty(Server.prototype, captureRejectionSymbol, {
      value(this: Server, ...rejection: Rejection): void {
        this.#answerRejection(...rejection);
      },
      writable: true,
      configurable: true,
    });
  }

  /**
   * Called for a listener whose promise was rejected, if `events.captureRejections` is true. http.Server answers 500, or
   * cuts a response that has begun; https.Server lacks that, and its client would wait for ever.
   */
  #answerRejection(...rejection: Rejection): void {
    const [, event] = rejection;
    const prototype = event === 'request' ? HttpServer.prototype : nodePrototypeOf(this.#tls !== undefined);
    prototype[captureRejectionSymbol]?.apply(this, rejection);
  }

  #beginHandshake(socket: Socket): void {
    this.#pool.awaitHandshake(socket);
    socket.allowHalfOpen = false;
  }

  readonly #onHandshakeError = (error: Error, socket: TLSSocket): void => {
    this.#tally.handshakeErrors += 1;
    // As on node:https.
    if (!this.emit('clientError', error, socket)) socket.destroy(error);
  };

  /**
   * Stops accepting connections and drops idle ones. Others are served until they end or idle out.
   *
   * @param callback Called when the last connection has ended; with an error if the server was not listening
   */
  override close(callback?: (error?: Error) => void): this {
    closeListener(this, callback);
    this.#pool.stop();
    return this;
  }

  /** Closes idle connections. */
  closeIdleConnections(): void {
    this.#pool.destroyIdle();
  }

  /** Closes all connections, also busy ones. */
  closeAllConnections(): void {
    this.#pool.destroyAll();
  }

  /**
   * Closes gracefully: each connection ends with its current response, which tells the client so. The deadline cuts
   * off the rest, also sockets that listeners of `upgrade` and `connect` have taken over.
   *
   * @returns a promise of the end of the last connection; rejects with TypeError or RangeError if an option is wrong
   */
  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    checkOptions(options, SHUTDOWN_OPTIONS, { unknown: 'ignore', likely: 'timeout' });
    const { timeout, idleGrace } = settingsOf(SHUTDOWN_OPTIONS, options);
    const closed = new Promise<void>((resolve) => {
      closeListener(this, () => resolve());
    });
    this.#pool.beginShutdown(Math.min(idleGrace, timeout));
    const deadline = Number.isFinite(timeout) ? setTimeout(() => this.#cutOff(), timeout) : undefined;
    await closed;
    // node counts only those that this server has accepted itself.
    await this.#pool.whenEmpty();
    clearTimeout(deadline);
    this.#pool.endShutdown();
  }

  #cutOff(): void {
    this.closeAllConnections();
    this.#pool.destroyReleased();
  }

  /** Gives a snapshot of what the server has counted since it was made: connections, requests, responses, octets. */
  metrics(): ServerMetrics {
    return this.#pool.metrics();
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

/** To find out if somebody has patched it. */
const OWN_EMIT: unknown = Server.prototype.emit;

/** A server with the option `tls`. It has the methods of tls.Server besides. */
export interface SecureServer
  extends Server,
    Pick<TlsServer, 'addContext' | 'getTicketKeys' | 'setSecureContext' | 'setTicketKeys'> {}

/** Reads 'data' of a socket that others read too: they may put octets back, also after they have emitted it. */
function readAsStream(socket: Socket): void {
  if (socket.readableFlowing === null) socket.resume();
}

/** Offers HTTP/1.1 and HTTP/1.0, and HTTP/2 before them, unless the deployer decides (RFC 7301 §6). */
function withProtocols(
  tls: NonNullable<ServerOptions['tls']>,
  http2: boolean,
): NonNullable<ServerOptions['tls']> {
  // node refuses both.
  if (tls.ALPNCallback !== undefined) return tls;
  const protocols = http2 ? ['h2', 'http/1.1', 'http/1.0'] : ['http/1.1', 'http/1.0'];
  return { ...tls, ALPNProtocols: tls.ALPNProtocols ?? protocols };
}

/** Calls net.Server's close. The one of http.Server, which is nearer, also closes idle connections. */
function closeListener(server: Server, callback?: (error?: Error) => void): void {
  NetServer.prototype.close.call(server, callback);
}
