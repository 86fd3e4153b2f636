/** The server as its connections see it, and they as it sees them. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { ProtocolError } from '../errors.ts';
import type { Environ } from '../wsgi.ts';
import type { RequestEvents } from './node-surface/request-events.ts';
import type { ServerOptions, ServerSettings } from './options.ts';

/** A connection as its server sees it. */
export interface ServedConnection {
  /** Whether no request is under way. */
  readonly isIdle: boolean;
  /** Closes the connection as soon as nothing is under way: at once if it is idle. */
  closeWhenDone(): void;
  destroy(): void;
  /**
   * Looks at the clock.
   *
   * @param now performance.now()
   */
  check(now: number): void;
}

/** What a connection needs of its server. */
export interface ConnectionOwner {
  readonly events: RequestEvents;
  readonly options: ServerOptions;
  readonly settings: ServerSettings;
  /** Whether the server is shutting down, so that no connection is kept. */
  readonly isShuttingDown: boolean;
  /** The field lines that tell a client that its connection is kept, and for how long it may idle. */
  readonly persistenceFields: string;
  /** Hands what a client did wrong to listeners, whose affair the socket then is; false if there are none. */
  reportClientError(error: ProtocolError, socket: Socket, rawPacket: Buffer): boolean;
  /** Hands the error of a socket to listeners, if there are any. */
  reportSocketError(error: Error, socket: Socket): void;
  /** Tells listeners of `dropRequest` of a request that is refused because its connection has served enough. */
  reportDrop(environ: Environ, socket: Socket): void;
  emit(event: 'upgrade' | 'connect', request: IncomingMessage, socket: Socket, rest: Buffer): boolean;
  /** Forgets a connection that is closed or has become somebody else's. */
  remove(connection: ServedConnection): void;
  /** Leaves a socket to a listener. */
  release(socket: Socket): void;
}
