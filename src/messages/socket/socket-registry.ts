/**
 * Finds the stand-in for the socket of a request.
 *
 * If the host shows its connection, all its requests have the same stand-in in turn, as on node: what a program sets
 * on a socket stays there, and a listener for 'close' is called once.
 */
import { privateMember } from '../../gateway/private-member.ts';
import { foreignProperties } from '../../node-internals/index.ts';
import type { Environ } from '../../wsgi.ts';
import { type HostSocket, hostSocketOf } from './host-socket.ts';
import { MessageSocket } from './message-socket.ts';

/**
 * Tells the messages on a connection that it has timed out.
 *
 * @returns true if somebody listened, so that the connection stays
 */
export function tellTimeout(hostSocket: HostSocket): boolean {
  return standIns.get(hostSocket)?.tellTimeout() === true;
}

/**
 * Gives the socket that a `clientError` listener gets: the one that listeners of `connection` and requests have, if
 * there is one. It tells the server of no other error.
 */
export function reportedSocket<Socket extends HostSocket>(hostSocket: Socket): MessageSocket | Socket {
  const known = standIns.get(hostSocket);
  known?.noteReport();
  return known ?? hostSocket;
}

/** Tells if a connection has a stand-in, which somebody may listen to. */
export function hasStandIn(hostSocket: HostSocket): boolean {
  return standIns.get(hostSocket) !== undefined;
}

/** Tells the listeners of a socket of the fault for which its connection ends. */
export function tellError(hostSocket: HostSocket, error: Error): void {
  standIns.get(hostSocket)?.tellError(error);
}

const standIns = privateMember<MessageSocket>();

/**
 * Gives the socket for a request. It is a fresh one if the host shows no connection, or if another exchange has it,
 * as in HTTP/2 and with pipelined requests.
 */
export function socketFor(environ: Environ): MessageSocket {
  const hostSocket = hostSocketOf(environ['gateway.socket']);
  if (hostSocket === undefined) return new MessageSocket(environ, undefined);
  const known = standIns.get(hostSocket);
  if (known !== undefined) return known.isBusy ? new MessageSocket(environ, hostSocket) : known;
  return createStandIn(hostSocket, environ);
}

/**
 * Gives the socket that the requests of a connection will have, before there is a request. Helpers that shut servers
 * down recognise by it a connection that they have counted.
 */
export function connectionSocket(hostSocket: HostSocket): MessageSocket {
  const known = standIns.get(hostSocket);
  if (known !== undefined) return known;
  // Only this key matters here; each request brings its own environ.
  const facts = { 'wsgi.url_scheme': Reflect.get(hostSocket, 'encrypted') === true ? 'https' : 'http' };
  return createStandIn(hostSocket, facts as Environ);
}

/** Gives the connection for which a socket stands in; undefined if it is a connection itself. */
export function hostSocketBelow(socket: object): HostSocket | undefined {
  return MessageSocket.isStandIn(socket) ? socket.below : undefined;
}

function createStandIn(hostSocket: HostSocket, environ: Environ): MessageSocket {
  const socket = new MessageSocket(environ, hostSocket);
  standIns.set(hostSocket, socket);
  shareProperties(hostSocket, socket);
  socket.follow(hostSocket);
  return socket;
}

/** Shows what a program has set on the connection before it was served, such as the facts of the PROXY protocol. */
function shareProperties(hostSocket: HostSocket, socket: MessageSocket): void {
  for (const key of foreignProperties(hostSocket)) {
    // The stand-in knows better what it has itself.
    if (key in socket) continue;
    Object.defineProperty(socket, key, {
      configurable: true,
      enumerable: true,
      get: () => Reflect.get(hostSocket, key),
      set: (value) => Reflect.set(hostSocket, key, value),
    });
  }
}
