/**
 * Counts what happens on a server, and publishes its connections.
 *
 * Rule: a request costs the increment of one integer. What can be had from a connection is asked for when a snapshot is
 * taken, and when the connection ends.
 */
import { channel } from 'node:diagnostics_channel';
import type { Server, Socket } from 'node:net';
import { Members } from '../gateway/members.ts';
import type { ServerMetrics, TimeoutMetrics } from './metrics.ts';
import type { ConnectionCloseMessage, ConnectionOpenMessage } from './observe.ts';
import type { Phase } from './phase.ts';

const OPEN = channel('gatebridge.connection.open');
const CLOSE = channel('gatebridge.connection.close');

/** A connection, as far as it is counted. */
export interface CountedConnection {
  /** Undefined before its protocol has begun. */
  readonly phase?: Phase;
  /** Requests whose head could be read. */
  readonly requests?: number;
  /** Requests whose response has not ended, if there may be more than one. */
  readonly inFlight?: number;
}

/** An open socket with its connection. */
interface Counted {
  readonly socket: Socket;
  readonly connection: CountedConnection;
  /** By performance.now(). */
  readonly since: number;
}

/** The state of a connection in a phase, as metrics name it. */
const STATES: Readonly<Record<Phase, 'idle' | 'busy' | 'closing'>> = {
  fresh: 'idle',
  idle: 'idle',
  head: 'busy',
  serving: 'busy',
  answered: 'busy',
  reading: 'busy',
  draining: 'busy',
  ready: 'busy',
  closing: 'closing',
  lingering: 'closing',
  reported: 'closing',
  cut: 'closing',
  closed: 'closing',
};

/** The counters of one server. */
export class Tally {
  accepted = 0;
  refused = 0;
  handshakeErrors = 0;
  clientErrors = 0;
  readonly timeouts: Record<keyof TimeoutMetrics, number> = { idle: 0, head: 0, content: 0, unresponsive: 0 };
  readonly #server: Server;
  readonly #open = new Members<Counted>();
  /** Those that listeners have taken over. */
  readonly #released = new Members<Counted>();
  /** By their connection, or by their socket once that is taken over. */
  readonly #counted = new WeakMap<object, Counted>();
  readonly #responses = { '1xx': 0, '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0 };
  /** Of connections that have ended. */
  #requests = 0;
  #received = 0;
  #sent = 0;

  constructor(server: Server) {
    this.#server = server;
  }

  countResponse(statusCode: number): void {
    const responses = this.#responses;
    if (statusCode >= 200 && statusCode < 300) responses['2xx'] += 1;
    else if (statusCode >= 500) responses['5xx'] += 1;
    else if (statusCode >= 400) responses['4xx'] += 1;
    else if (statusCode >= 300) responses['3xx'] += 1;
    else responses['1xx'] += 1;
  }

  /** A connection is open, and can be served. */
  open(connection: CountedConnection, socket: Socket): void {
    this.#add({ socket, connection, since: performance.now() });
    if (!OPEN.hasSubscribers) return;
    const message: ConnectionOpenMessage = { server: this.#server, socket };
    OPEN.publish(message);
  }

  #add(counted: Counted): void {
    this.#open.add(counted);
    this.#counted.set(counted.connection, counted);
  }

  #leave(connection: object, counted: Counted): boolean {
    this.#counted.delete(connection);
    return this.#open.delete(counted);
  }

  /** A connection has found out its protocol, and another object serves it. */
  replace(reader: CountedConnection, connection: CountedConnection): void {
    const counted = this.#counted.get(reader);
    if (counted !== undefined && this.#leave(reader, counted)) this.#add({ ...counted, connection });
  }

  /** A connection is closed, or a listener takes it over. */
  leave(connection: object): void {
    const counted = this.#counted.get(connection);
    if (counted === undefined || !this.#leave(connection, counted)) return;
    if (counted.socket.destroyed) {
      this.#close(counted);
      return;
    }
    this.#released.add(counted);
    this.#counted.set(counted.socket, counted);
  }

  /** A socket is closed that a listener had taken over. */
  closeReleased(socket: Socket): void {
    const counted = this.#counted.get(socket);
    if (counted === undefined || !this.#released.delete(counted)) return;
    this.#counted.delete(socket);
    this.#close(counted);
  }

  #close({ socket, connection: { requests = 0 }, since }: Counted): void {
    const { received, sent } = octetsOf(socket);
    this.#requests += requests;
    this.#received += received;
    this.#sent += sent;
    if (!CLOSE.hasSubscribers) return;
    const message: ConnectionCloseMessage = {
      server: this.#server,
      socket,
      requests,
      bytesReceived: received,
      bytesSent: sent,
      duration: performance.now() - since,
    };
    CLOSE.publish(message);
  }

  /** @param connections All that are open and not taken over; those that are not counted here are in a TLS handshake */
  snapshot(connections: number): ServerMetrics {
    const states = { idle: 0, busy: 0, closing: 0 };
    const bytes = { received: this.#received, sent: this.#sent };
    const requests = { total: this.#requests, inFlight: 0 };
    for (const { connection } of this.#open) {
      const { phase = 'fresh', inFlight = phase === 'serving' ? 1 : 0 } = connection;
      states[STATES[phase]] += 1;
      requests.inFlight += inFlight;
    }
    for (const { socket, connection } of [...this.#open, ...this.#released]) {
      const { received, sent } = octetsOf(socket);
      bytes.received += received;
      bytes.sent += sent;
      requests.total += connection.requests ?? 0;
    }
    const { accepted, refused, handshakeErrors, clientErrors } = this;
    const upgraded = this.#released.size;
    const handshaking = connections - this.#open.size;
    const open = connections + upgraded;
    return {
      connections: { open, ...states, handshaking, upgraded, accepted, refused, handshakeErrors },
      requests,
      responses: { ...this.#responses },
      clientErrors,
      timeouts: { ...this.timeouts },
      bytes,
    };
  }
}

/** A stream that others have emitted as a connection may not count. */
function octetsOf({ bytesRead, bytesWritten }: Partial<Socket>): { received: number; sent: number } {
  return { received: bytesRead ?? 0, sent: bytesWritten ?? 0 };
}
