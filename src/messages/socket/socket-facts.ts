/**
 * What a program may ask a socket without using it: whom it connects, whether it is secure.
 *
 * The answers are those of the connection below, where the host shows it (`gateway.socket`), and otherwise those of the
 * environ. What a middleware has put into the environ goes before: it knows better than the last hop.
 */
import { OutgoingMessage } from 'node:http';
import type { Stream } from 'node:stream';
import { isServedByNode } from '../../node-internals/index.ts';
import type { Environ } from '../../wsgi.ts';
import type { HostSocket } from './host-socket.ts';

/** A socket is a Stream; taken from here, because the base class is all that is needed of node:stream. */
const LegacyStream: new () => Stream = Object.getPrototypeOf(OutgoingMessage);

const TLS_METHODS = [
  'getCipher',
  'getEphemeralKeyInfo',
  'getPeerCertificate',
  'getPeerX509Certificate',
  'getProtocol',
  'getSession',
  'isSessionReused',
] as const;

/** The facts about a connection, under the names that node's sockets have for them. */
export class SocketFacts extends LegacyStream {
  destroyed = false;
  connecting = false;
  /** True over TLS. Assignable, as programs behind a proxy do. */
  encrypted: boolean | undefined;
  authorized: boolean | undefined;
  readonly #hostSocket: HostSocket | undefined;
  // Of an environ only these: the socket outlives the request, and an environ refers to all of its exchange.
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

  /** Whether a server of node's own, with a parser on its sockets, has handed the request on. */
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
    if (isSecure) this.#borrowMethods();
  }

  #borrowMethods(): void {
    const hostSocket = this.#hostSocket;
    if (hostSocket === undefined) return;
    for (const name of TLS_METHODS) {
      const method: unknown = Reflect.get(hostSocket, name);
      if (typeof method === 'function') Reflect.set(this, name, method.bind(hostSocket));
    }
    this.authorized = Reflect.get(hostSocket, 'authorized') === true;
  }

  /** As the connection tells it, unless a middleware knows better (`REMOTE_ADDR`). */
  get remoteAddress(): string | undefined {
    const told = this.#remoteAddress;
    const own = this.#hostSocket?.remoteAddress;
    return told === undefined || own === `::ffff:${told}` ? own : told;
  }

  get remotePort(): number | undefined {
    const told = this.#remotePort;
    return told === undefined ? this.#hostSocket?.remotePort : Number(told);
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

  /** As all sockets of servers for HTTP: what the end of a client's half means is the server's affair. */
  get allowHalfOpen(): boolean {
    return true;
  }

  get pending(): boolean {
    return this.connecting;
  }

  get readyState(): string {
    if (this.destroyed) return 'closed';
    return Reflect.get(this, 'writable') === false ? 'readOnly' : 'open';
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
