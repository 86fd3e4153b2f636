/**
 * The sockets of a server behind proxies in TCP mode: where a PROXY protocol header must come, and what it says.
 *
 * Rule 1: a header counts only from a trusted address, and there it must come. From elsewhere it is no HTTP.
 * Rule 2: everybody who has the socket sees the client: its addresses are those of the header, for environs, listeners
 *         and programs alike.
 */
import { Socket } from 'node:net';
import { privateMember } from '../../gateway/private-member.ts';
import { type AddressTest, addressTest } from '../../gateway/trusted-addresses.ts';
import type { ProxyHeader } from '../../http/index.ts';
import { areCarriersKnown, carrierOf, lateModule } from '../../node-internals/index.ts';
import type { ProxyProtocol } from '../../wsgi.ts';

/** The sockets of one server. */
export class ProxiedSockets {
  readonly #isTrusted: AddressTest;
  readonly #headers = privateMember<ProxyProtocol>();

  /**
   * @param addresses Those of the proxies: the option `proxyProtocol`
   * @param isSecure The server has the option `tls`
   * @throws TypeError if one is no address
   */
  constructor(addresses: readonly string[], isSecure: boolean) {
    // Never on Node 20 to 26. To show the proxy as the client would be worse.
    if (isSecure && !areCarriersKnown()) {
      throw new TypeError('Option proxyProtocol cannot be used with tls on this version of Node');
    }
    this.#isTrusted = addressTest(addresses, lateModule('node:net'));
  }

  /**
   * Judges a new socket: `header`: a header must come first. `serve`: it has come, or none is to come. `gone`: the
   * client has reset its connection, as checks of health do. Then its address is unknown, and nothing may be believed.
   */
  judge(socket: Socket): 'header' | 'serve' | 'gone' {
    if (this.#headers.get(socket) !== undefined) return 'serve';
    const { remoteAddress, localAddress } = socket;
    // A unix socket has neither.
    if (remoteAddress === undefined && localAddress !== undefined) return 'gone';
    return this.#isTrusted(remoteAddress) ? 'header' : 'serve';
  }

  /** Takes the header that has come on a socket. */
  take(socket: Socket, header: ProxyHeader): void {
    const proxy = Object.freeze({ address: socket.remoteAddress, port: socket.remotePort });
    const facts: ProxyProtocol = Object.freeze({ ...header, proxy });
    for (const part of [facts.source, facts.destination, facts.tls, facts.tlvs]) Object.freeze(part);
    this.#headers.set(socket, facts);
    showClient(socket, facts);
  }

  /** Shows the client on a socket of TLS, too, whose header has come on the socket below. */
  follow(socket: unknown): void {
    const carrier = socket instanceof Socket ? carrierOf(socket) : undefined;
    const facts = carrier === undefined ? undefined : this.#headers.get(carrier);
    if (facts === undefined || !(socket instanceof Socket)) return;
    this.#headers.set(socket, facts);
    showClient(socket, facts);
  }

  /** Gives what the header of a socket has said. */
  factsOf(socket: Socket): ProxyProtocol | undefined {
    return this.#headers.get(socket);
  }
}

/** Without addresses, and for a unix socket in front of the proxy, the client is as near as the proxy (§2.1, §2.2). */
function showClient(socket: Socket, { family, source, destination, tls }: ProxyProtocol): void {
  if (tls !== undefined) define(socket, 'encrypted', true);
  if (family === undefined || family === 'unix' || source === undefined || destination === undefined) return;
  const { address, port } = destination;
  define(socket, 'remoteAddress', source.address);
  define(socket, 'remotePort', source.port);
  define(socket, 'remoteFamily', family);
  define(socket, 'localAddress', address);
  define(socket, 'localPort', port);
  define(socket, 'localFamily', family);
  define(socket, 'address', () => ({ address, port, family }));
}

/** As hidden as the accessors of node's that it takes the place of. */
function define(socket: Socket, name: string, value: unknown): void {
  Object.defineProperty(socket, name, { value, configurable: true, writable: true });
}
