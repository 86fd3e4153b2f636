/** Connections that go on in another protocol, in the hands of a listener of `upgrade` or `connect`. */
import type { Socket } from 'node:net';
import type { RequestHead } from '../../http/index.ts';
import { createTakeoverRequest } from '../../messages/index.ts';
import type { Environ } from '../../wsgi.ts';
import type { ConnectionOwner } from '../connection-owner.ts';
import type { RequestEvents } from './request-events.ts';

/** The events by which a connection changes hands. */
export type TakeoverEvent = 'upgrade' | 'connect';

/** RFC 9110 §7.8, §9.3.6: tells whether a request asks to go on in another protocol that somebody speaks. */
export function takeoverOf(head: RequestHead, events: RequestEvents): TakeoverEvent | undefined {
  if (head.method === 'CONNECT') return 'connect';
  const asks = head.connectionNominatesUpgrade && head.contentLength === 0;
  return asks && events.hasListener('upgrade') ? 'upgrade' : undefined;
}

/** What changes hands. */
export interface Takeover {
  readonly event: TakeoverEvent;
  readonly environ: Environ;
  readonly socket: Socket;
  /** The octets that came after the head. */
  readonly rest: Buffer;
}

/** Leaves a socket that its connection has let go of to a listener of the event. */
export function handOver({ event, environ, socket, rest }: Takeover, host: ConnectionOwner): void {
  host.release(socket);
  host.emit(event, createTakeoverRequest(environ, socket), socket, rest);
}
