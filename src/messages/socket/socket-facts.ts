/**
 * Answers what a program asks a socket without using it: its addresses, its encryption.
 *
 * The connection below answers if the host shows it (`gateway.socket`), otherwise the environ. A middleware's change
 * of the environ wins: it knows better than the last hop.
 */
import { OutgoingMessage } from 'node:http';
import type { Stream } from 'node:stream';
import { isServedByNode, securePrototypeOf, socketPrototype } from '../../node-internals/index.ts';
import type { Environ } from '../../wsgi.ts';
import type { HostSocket } from './host-socket.ts';

/** A socket is a Stream. Taken from here, because nothing else of node:stream is needed. */
const LegacyStream: new () => Stream = Object.getPrototypeOf(OutgoingMessage);

const TLS_METHODS = [
  'disableRenegotiation',
  'enableTrace',
  'exportKeyingMaterial',
  'getCertificate',
  'getCipher',
  'getEphemeralKeyInfo',
  'getFinished',
  'getPeerCertificate',
  'getPeerFinished',
  'getPeerX509Certificate',
  'getProtocol',
  'getSession',
  'getSharedSigalgs',
  'getTLSTicket',
  'getX509Certificate',
  'isSessionReused',
  'renegotiate',
  'setKeyCert',
  'setMaxSendFragment',
  'setServername',
  'setSession',
] as const;

const TLS_FACTS = ['alpnProtocol', 'authorizationError', 'authorized', 'servername'] as const;

const secureTwins = new Map<object, object>();

function secureTwinOf(prototype: object): object {
  const twin = secureTwins.get(prototype) ?? securePrototypeOf(prototype);
  secureTwins.set(prototype, twin);
  return twin;
}

function ignore(): void {}

/** Facts about a connection, under the names of node's sockets. */
export class SocketFacts extends LegacyStream {
  connecting = false;
  /** True over TLS. Programs behind a proxy assign it. */
  encrypted: boolean | undefined;
  authorized: boolean | undefined;
  readonly #hostSocket: HostSocket | undefined;
  // Only these keys of an environ: the socket outlives the request, and an environ refers to its whole exchange.
  #remoteAddress: string | undefined;
  #remotePort: string | undefined;
  #serverName = '';
  #serverPort = '';
  #isSecure = false;

  constructor(environ: Environ, hostSocket: HostSocket | undefined) {
    super();
    this.#hostSocket = hostSocket;
    this.describe(environ);
  }

  /** The connection below. */
  protected get hostSocket(): HostSocket | undefined {
    return this.#hostSocket;
  }

  /** The connection below, for the server that accepted it. */
  get below(): HostSocket | undefined {
    return this.#hostSocket;
  }

  /** The request came from node's own server, which has a parser on its sockets. */
  get isServedByNode(): boolean {
    return isServedByNode(this.#hostSocket);
  }

  /** Takes the facts of another request: a proxy sends those of many clients over one connection. */
  protected describe(environ: Environ): void {
    this.#remoteAddress = environ.REMOTE_ADDR;
    this.#remotePort = environ.REMOTE_PORT;
    this.#serverName = environ.SERVER_NAME;
    this.#serverPort = environ.SERVER_PORT;
    const isSecure = environ['wsgi.url_scheme'] === 'https';
    if (isSecure === this.#isSecure) return;
    this.#isSecure = isSecure;
    this.encrypted = isSecure ? true : undefined;
    if (isSecure) this.#becomeSecure();
  }

  static {
    Object.setPrototypeOf(SocketFacts.prototype, socketPrototype(false));
  }

  /** Tells if a value is a stand-in, whatever its prototype. */
  static isStandIn(value: object): value is SocketFacts {
    return #hostSocket in value;
  }

  /** Takes the facts and methods of a socket of TLS, if the host shows one. */
  #becomeSecure(): void {
    const hostSocket = this.#hostSocket;
    if (hostSocket === undefined) return;
    const methods = TLS_METHODS.filter((name) => typeof Reflect.get(hostSocket, name) === 'function');
    if (methods.length === 0) return;
    Object.setPrototypeOf(this, secureTwinOf(Object.getPrototypeOf(this)));
    for (const name of methods) Reflect.set(this, name, Reflect.get(hostSocket, name).bind(hostSocket));
    for (const name of TLS_FACTS) {
      const get = (): unknown => Reflect.get(hostSocket, name);
      Object.defineProperty(this, name, { get, set: ignore, configurable: true, enumerable: true });
    }
  }

  /** As the connection tells it, unless a middleware has changed REMOTE_ADDR. */
  get remoteAddress(): string | undefined {
    const fromEnviron = this.#remoteAddress;
    const fromSocket = this.#hostSocket?.remoteAddress;
    return fromEnviron === undefined || fromSocket === `::ffff:${fromEnviron}` ? fromSocket : fromEnviron;
  }

  get remotePort(): number | undefined {
    const fromEnviron = this.#remotePort;
    return fromEnviron === undefined ? this.#hostSocket?.remotePort : Number(fromEnviron);
  }

  get remoteFamily(): string | undefined {
    return family(this.remoteAddress);
  }

  get localAddress(): string | undefined {
    return this.#hostSocket === undefined ? this.#serverName : this.#hostSocket.localAddress;
  }

  get localPort(): number | undefined {
    return this.#hostSocket === undefined ? Number(this.#serverPort) : this.#hostSocket.localPort;
  }

  get localFamily(): string | undefined {
    return family(this.localAddress);
  }

  get bytesRead(): number {
    return this.#hostSocket?.bytesRead ?? 0;
  }

  get bytesWritten(): number {
    return this.#hostSocket?.bytesWritten ?? 0;
  }

  get server(): unknown {
    return this.#hostSocket?.server;
  }

  /** As all sockets of HTTP servers: the server decides what the end of a client's half means. */
  get allowHalfOpen(): boolean {
    return true;
  }

  get pending(): boolean {
    return this.connecting;
  }

  address(): object {
    const { localAddress: address, localPort: port, localFamily } = this;
    return address === undefined ? {} : { address, family: localFamily, port };
  }

  setNoDelay(isOn?: boolean): this {
    this.#hostSocket?.setNoDelay?.(isOn);
    return this;
  }

  setKeepAlive(isOn?: boolean, initialDelay?: number): this {
    this.#hostSocket?.setKeepAlive?.(isOn, initialDelay);
    return this;
  }

  ref(): this {
    this.#hostSocket?.ref?.();
    return this;
  }

  unref(): this {
    this.#hostSocket?.unref?.();
    return this;
  }
}

function family(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  return address.includes(':') ? 'IPv6' : 'IPv4';
}
