/**
 * Which socket stands in for the connection of a request.
 *
 * Where the host shows its connection, all requests of it have the same stand-in, one after the other. That is what a
 * program sees on node: what it hangs on a socket stays there, and a listener for 'close' is called once.
 */
import type { Environ } from '../../wsgi.ts';
import { type HostSocket, hostSocketOf } from './host-socket.ts';
import { MessageSocket } from './message-socket.ts';

/**
 * Tells the messages on a connection that it has timed out.
 *
 * @param hostSocket The host's socket
 * @returns whether somebody listened, so that the connection stays
 */
export function tellTimeout(hostSocket: HostSocket): boolean {
  return standIns.get(hostSocket)?.tellTimeout() === true;
}

const standIns = new WeakMap<HostSocket, MessageSocket>();

/**
 * Gives the socket for a request. It is a fresh one where the host shows no connection, and where the connection is
 * busy with another exchange, as in HTTP/2 and while requests are pipelined.
 */
export function socketFor(environ: Environ): MessageSocket {
  const hostSocket = hostSocketOf(environ['gateway.socket']);
  if (hostSocket === undefined) return new MessageSocket(environ, undefined);
  const known = standIns.get(hostSocket);
  if (known !== undefined) return known.isBusy ? new MessageSocket(environ, hostSocket) : known;
  return standIn(hostSocket, environ);
}

/**
 * Gives the socket that the requests of a connection will have, before there is a request: helpers that shut servers
 * down know by it which of the connections that they have counted a request came on.
 *
 * @param hostSocket The host's socket
 */
export function connectionSocket(hostSocket: HostSocket): MessageSocket {
  const known = standIns.get(hostSocket);
  if (known !== undefined) return known;
  // All that is asked of an environ here; a request brings its own.
  const facts = { 'wsgi.url_scheme': Reflect.get(hostSocket, 'encrypted') === true ? 'https' : 'http' };
  return standIn(hostSocket, facts as Environ);
}

function standIn(hostSocket: HostSocket, environ: Environ): MessageSocket {
  const socket = new MessageSocket(environ, hostSocket);
  standIns.set(hostSocket, socket);
  socket.follow(hostSocket);
  return socket;
}
