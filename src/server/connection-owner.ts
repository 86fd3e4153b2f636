/** The interfaces between a server and its connections. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ProtocolError } from '../errors.ts';
import type { Environ } from '../wsgi.ts';
import type { RequestEvents } from './node-surface/request-events.ts';
import type { ServerOptions, ServerSettings } from './options.ts';
import type { Intake } from './socket/intake.ts';
import type { CountedConnection, Tally } from './tally.ts';

/** A connection, as its server uses it. */
export interface ServedConnection extends CountedConnection {
  /** The setting `timeout` is not that of its socket. @default false */
  readonly hasOwnTimeout?: boolean;
  /** No request is under way. */
  readonly isIdle: boolean;
  /** Closes the connection after its current exchange, or at once if it is idle. */
  closeWhenDone(): void;
  /** Closes the connection if it is idle, or once its client has taken a response that is complete. */
  closeIfAnswered(): void;
  destroy(): void;
  /**
   * Applies the time-outs.
   *
   * @param now performance.now()
   */
  check(now: number): void;
}

/** The place of a fault. */
export interface PlaceOfFault {
  /** Has read the octets. */
  readonly intake: Intake;
  /** It is in content, and the application hears of it too. */
  readonly isContent: boolean;
}

/** A shutdown that is under way. */
export interface Shutdown {
  /** When it began, by performance.now(). */
  readonly time: number;
  /** Milliseconds that idle connections are kept for one more request. */
  readonly idleGrace: number;
}

/** A server, as its connections use it. */
export interface ConnectionOwner {
  readonly events: RequestEvents;
  readonly tally: Tally;
  readonly options: ServerOptions;
  readonly settings: ServerSettings;
  /** Set while the server is shutting down: a client whose head leaves from now on is told that its connection closes. */
  readonly shutdown: Shutdown | undefined;
  /** The server has stopped to listen: a connection that nobody uses is dropped. */
  readonly isStopping: boolean;
  /** The field lines that tell a client that its connection is kept, and how long it may idle. */
  readonly persistenceFields: string;
  /**
   * Emits `clientError` for a fault of a client, if node's server would. Without listeners the socket tells its own.
   *
   * @param place Where it was found
   * @returns true if there are listeners: the socket is theirs then
   */
  reportClientError(error: ProtocolError, socket: Socket, place: PlaceOfFault): boolean;
  /** Emits `clientError` with the error of a socket. */
  reportSocketError(error: Error, socket: Socket): void;
  /** Emits `dropRequest` for a request that is refused because its connection has served enough. */
  reportDrop(environ: Environ, socket: Socket): void;
  emit(event: 'upgrade' | 'connect', request: IncomingMessage, socket: Duplex, rest: Buffer): boolean;
  /** Forgets a connection that is closed or handed over. */
  remove(connection: ServedConnection): void;
  /** Notes a connection that waits for its client to close; cuts the oldest if they are too many. */
  noteLingering(connection: ServedConnection): void;
  /** Notes that a socket belongs to a listener now. */
  release(socket: Socket): void;
}
