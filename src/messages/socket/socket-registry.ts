/**
 * Which socket stands in for the connection of a request.
 *
 * Where the host shows its connection, all requests of it have the same stand-in, one after the other. That is what a
 * program sees on node: what it hangs on a socket stays there, and a listener for 'close' is called once.
 */
import type { Environ } from '../../wsgi.ts';
import { type NativeSocket, nativeSocket } from './host-socket.ts';
import { MessageSocket } from './message-socket.ts';

/**
 * Tells the messages on a connection that it has timed out.
 *
 * @param native The host's socket
 * @returns whether somebody listened, so that the connection stays
 */
export function tellTimeout(native: NativeSocket): boolean {
  return standIns.get(native)?.timeOut() === true;
}

const standIns = new WeakMap<NativeSocket, MessageSocket>();

/**
 * Gives the socket for a request. It is a fresh one where the host shows no connection, and where the connection is
 * busy with another exchange, as in HTTP/2 and while requests are pipelined.
 */
export function socketFor(environ: Environ): MessageSocket {
  const native = nativeSocket(environ['gateway.socket']);
  if (native === undefined) return new MessageSocket(environ, undefined);
  const known = standIns.get(native);
  if (known !== undefined) return known.isBusy ? new MessageSocket(environ, native) : known;
  return standIn(native, environ);
}

/**
 * Gives the socket that the requests of a connection will have, before there is a request: helpers that shut servers
 * down know by it which of the connections that they have counted a request came on.
 *
 * @param native The host's socket
 */
export function connectionSocket(native: NativeSocket): MessageSocket {
  const known = standIns.get(native);
  if (known !== undefined) return known;
  // All that is asked of an environ here; a request brings its own.
  const facts = { 'wsgi.url_scheme': Reflect.get(native, 'encrypted') === true ? 'https' : 'http' };
  return standIn(native, facts as Environ);
}

function standIn(native: NativeSocket, environ: Environ): MessageSocket {
  const socket = new MessageSocket(environ, native);
  standIns.set(native, socket);
  socket.follow(native);
  return socket;
}
