/** The words for what is measured: work, its requests, its bars. The work itself is in work-table.ts. */

export interface RequestTemplate {
  readonly method: 'GET' | 'POST';
  /** `{number}` is replaced by a different number in each request, in values of headers too. */
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly content?: string;
  /** Requests that are sent before waiting for an answer. @default 1 */
  readonly pipelining?: number;
}

/**
 * Names of figures. Lower is better for all but `rate`, which is requests or MiB a second.
 *
 * `cost`: microseconds of CPU time. `p99`: microseconds from when a request was due to its answer. `wait`: milliseconds that a
 * connection with content under way received nothing, at most. `balance`: CPU time of the busier of two workers to that of the other.
 */
export type FigureName = 'cost' | 'rate' | 'p50' | 'p99' | 'wait' | 'balance';

export interface Bar {
  readonly server: string;
  /** Without one, the bar is for the figure itself. */
  readonly against?: string;
  /** @default cost */
  readonly figure?: FigureName;
  /** How many times better the server is: the other's figure to its own; of `rate` its own to the other's. */
  readonly atLeast?: number;
  /** The figure of the server to that of the other. */
  readonly atMost?: number;
  /** The major versions of Node to which it applies. @default all */
  readonly on?: readonly number[];
}

/** Connections that stay open, opened before anything is measured. */
export interface Crowd {
  /** Each makes its requests in its turn, at a constant rate of all together; or each listens to events of the server. */
  readonly kind: 'requests' | 'events';
  /** Connections to a server. */
  readonly connections: Readonly<Record<string, number>>;
  /** Requests or events a second, of all together. */
  readonly rate: number;
}

export interface Work {
  readonly name: string;
  readonly title: string;
  /** The first is the reference for the others, the second is ours. */
  readonly servers: readonly string[];
  readonly request: RequestTemplate;
  /** The load speaks HTTP/2, by h2load. */
  readonly http2?: true;
  /**
   * Work for a client of our own: content in pieces of 64 KiB, counted by the MiB, or server-sent events, counted by
   * the response.
   */
  readonly stream?: 'up' | 'down' | 'events';
  readonly crowd?: Crowd;
  /** The servers speak TLS. */
  readonly isTls?: true;
  readonly bars: readonly Bar[];
  /** It needs more than npm installs, and is measured only if `--only` names it. */
  readonly isOnRequest?: true;
}

/** Placeholder for a number in a path or a value, so that successive requests differ. */
export const NUMBER = '{number}';
/** Its digits: the same in each, because heads of the same length are the most expensive for our parser. */
export const DIGITS = 6;

/** Tells if the requests of some work differ from one another. */
export function isVaried({ path, headers }: RequestTemplate): boolean {
  return path.includes(NUMBER) || headers.some(([, value]) => value.includes(NUMBER));
}

/** Tells if the unit of some work is a MiB; otherwise it is a request. */
export function isByMebibyte({ stream }: Work): boolean {
  return stream === 'up' || stream === 'down';
}

/** The title of a row in a table of different units. */
export function unitTitle(work: Work): string {
  return isByMebibyte(work) ? `${work.title}, for each MiB` : work.title;
}
