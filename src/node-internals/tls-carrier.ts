/**
 * Finds the TCP socket that carries a TLS connection: `_parent` of its TLSSocket (since Node 0.12; checked on 20 to 26).
 *
 * Without the shortcut an unfinished handshake is not told from a finished one.
 */
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { shortcut } from './shortcuts.ts';

/** Only a socket over another one has a carrier. */
const isKnown = shortcut('_parent', () => ('_parent' in new TLSSocket(new Socket()) ? true : undefined));

/** Carriers can be found. */
export const areCarriersKnown: boolean = isKnown === true;

/** Gives the socket that carries a TLS connection; undefined if it is unknown. */
export function carrierOf(socket: object): Socket | undefined {
  if (!areCarriersKnown || !(socket instanceof TLSSocket) || !('_parent' in socket)) return undefined;
  return socket._parent instanceof Socket ? socket._parent : undefined;
}
