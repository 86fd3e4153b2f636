/** Hands a connection over to a listener of `upgrade` or `connect`, to go on in another protocol. */
import type { Duplex } from 'node:stream';
import { ProtocolError } from '../../errors.ts';
import type { RequestHead } from '../../http/index.ts';
import { createTakeoverRequest } from '../../messages/index.ts';
import type { Environ } from '../../wsgi.ts';
import type { ConnectionOwner } from '../connection-owner.ts';
import type { RequestEvents } from './request-events.ts';
import { throwUncaught } from './uncaught.ts';

/** The events that hand a connection over. */
export type TakeoverEvent = 'upgrade' | 'connect';

/**
 * Gives the event of a request that asks for another protocol (RFC 9110 §7.8, §9.3.6), or undefined.
 *
 * @throws ProtocolError for CONNECT if nobody listens for it. Listeners come and go during the life of a connection
 */
export function takeoverOf(head: RequestHead, events: RequestEvents): TakeoverEvent | undefined {
  if (head.method === 'CONNECT') {
    if (events.hasListener('connect')) return 'connect';
    throw new ProtocolError('WSGI_ERR_CONNECT_REFUSED');
  }
  const asks = head.connectionNominatesUpgrade && head.contentLength === 0;
  return asks && events.mayUpgrade ? 'upgrade' : undefined;
}

/** One connection to hand over. */
export interface Takeover {
  readonly event: TakeoverEvent;
  readonly environ: Environ;
  /** A socket, or a stream of HTTP/2 that looks like one. */
  readonly socket: Duplex;
  /** The octets after the head of the request. */
  readonly head: Buffer;
}

/** Hands a socket over to a listener of the event. Its connection has let go of it before. */
export function emitTakeover({ event, environ, socket, head }: Takeover, owner: ConnectionOwner): void {
  try {
    // A patched `emit` may have told nobody: then the socket has no owner.
    if (!owner.emit(event, createTakeoverRequest(environ, socket), socket, head)) socket.destroy();
  } catch (error) {
    throwUncaught(error);
  }
}
