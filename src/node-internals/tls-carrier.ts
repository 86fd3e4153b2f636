/**
 * Finds the TCP socket that carries a TLS connection: `_parent` of its TLSSocket (since Node 0.12; checked on 20 to 26).
 *
 * Without the shortcut an unfinished handshake is not told from a finished one.
 */
import { Socket } from 'node:net';
import { isTlsSocket, lateModule } from './late-modules.ts';
import { lateShortcut } from './shortcuts.ts';

/** Only a socket over another one has a carrier. */
const isKnown = lateShortcut('_parent', () => {
  const { TLSSocket } = lateModule('node:tls');
  return '_parent' in new TLSSocket(new Socket()) ? true : undefined;
});

/** Tells if carriers can be found. */
export function areCarriersKnown(): boolean {
  return isKnown() === true;
}

/** Gives the socket that carries a TLS connection; undefined if it is unknown. */
export function carrierOf(socket: object): Socket | undefined {
  if (!isTlsSocket(socket) || !areCarriersKnown() || !('_parent' in socket)) return undefined;
  return socket._parent instanceof Socket ? socket._parent : undefined;
}
