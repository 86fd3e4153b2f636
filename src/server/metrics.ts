/** The counts that `server.metrics()` gives, and sums of them. All of it can be sent to another process as JSON. */

/** Connections of a server. */
export interface ConnectionMetrics {
  /** All that are open now: the sum of the next five. */
  readonly open: number;
  /** Those that wait for a request. */
  readonly idle: number;
  /** Those on which a request comes in, is served, or has its response taken. */
  readonly busy: number;
  /** Those that are closed, and whose client has not done so yet. */
  readonly closing: number;
  /** Those in the handshake of TLS. */
  readonly handshaking: number;
  /** Those that a listener of `upgrade` or `connect` has taken over. */
  readonly upgraded: number;
  /** All that have come, without the refused ones. */
  readonly accepted: number;
  /** Those beyond `maxConnections`. */
  readonly refused: number;
  /** Those whose handshake of TLS has failed. */
  readonly handshakeErrors: number;
}

/** Requests of a server. */
export interface RequestMetrics {
  /** All whose head could be read. */
  readonly total: number;
  /** Those whose response has not ended. */
  readonly inFlight: number;
}

/** Responses by class, also those of the server itself. The response to an upgrade is its listener's. */
export interface ResponseMetrics {
  readonly '1xx': number;
  readonly '2xx': number;
  readonly '3xx': number;
  readonly '4xx': number;
  readonly '5xx': number;
}

/** Connections that time-outs have ended, or reads that they have failed. */
export interface TimeoutMetrics {
  /** Idle for too long, which is the usual end of a connection. */
  readonly idle: number;
  /** The head came too late. */
  readonly head: number;
  /** Content came too late. */
  readonly content: number;
  /** The client took nothing more, or did not close after the server had. */
  readonly unresponsive: number;
}

/** A snapshot of what a server counts. */
export interface ServerMetrics {
  readonly connections: ConnectionMetrics;
  readonly requests: RequestMetrics;
  readonly responses: ResponseMetrics;
  /** Connections whose client broke HTTP, or sent more than the limits allow. */
  readonly clientErrors: number;
  readonly timeouts: TimeoutMetrics;
  /** Octets of all connections; with TLS those inside of it. */
  readonly bytes: { readonly received: number; readonly sent: number };
}

/** Nothing has been counted yet. */
export const NO_METRICS: ServerMetrics = {
  connections: {
    open: 0,
    idle: 0,
    busy: 0,
    closing: 0,
    handshaking: 0,
    upgraded: 0,
    accepted: 0,
    refused: 0,
    handshakeErrors: 0,
  },
  requests: { total: 0, inFlight: 0 },
  responses: { '1xx': 0, '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0 },
  clientErrors: 0,
  timeouts: { idle: 0, head: 0, content: 0, unresponsive: 0 },
  bytes: { received: 0, sent: 0 },
};

/**
 * Adds snapshots up, as those of several workers.
 *
 * @param snapshots Snapshots, or what JSON has made of them
 */
export function sumMetrics(snapshots: readonly ServerMetrics[]): ServerMetrics {
  return snapshots.reduce((sum, snapshot) => add(sum, snapshot), NO_METRICS);
}

/** Adds numbers with the names of the first object. A worker with another version may lack one. */
function add<Counts extends object>(sum: Counts, more: object): Counts {
  const entries = Object.entries(sum).map(([name, value]: [string, unknown]) => {
    const other: unknown = Reflect.get(more, name);
    if (typeof value === 'object' && value !== null) return [name, add(value, Object(other))];
    return [name, Number(value) + Number(other ?? 0)];
  });
  // The names and the types are those of the first.
  return Object.fromEntries(entries) as Counts;
}

/**
 * Gives a snapshot in which nothing is open or in flight.
 *
 * For the last snapshot of a worker that has ended: with it in every sum, no counter falls.
 */
export function countersOf(snapshot: ServerMetrics): ServerMetrics {
  const { connections, requests } = sumMetrics([snapshot]);
  const { accepted, refused, handshakeErrors } = connections;
  return {
    ...sumMetrics([snapshot]),
    connections: { ...NO_METRICS.connections, accepted, refused, handshakeErrors },
    requests: { ...requests, inFlight: 0 },
  };
}
