/** The messages between the supervisor and its workers. */
import type { ServerMetrics } from '../server/index.ts';
import type { Secrets } from './certificate.ts';

/** From the supervisor. A connection comes with `connection`. */
export type ToWorker =
  /** The answer to `listening`. With `relaysLogs` the supervisor writes log files (log-relay.ts). */
  | { readonly type: 'start'; readonly secrets: Secrets; readonly relaysLogs: boolean }
  /** Certificate, key or ticket keys have changed. */
  | { readonly type: 'secrets'; readonly secrets: Secrets }
  | { readonly type: 'connection'; readonly id: number }
  /** Health is to say 503 from now on. */
  | { readonly type: 'lame' }
  /** Patient: nobody waits for the end of the worker. */
  | { readonly type: 'drain'; readonly isPatient: boolean }
  /** A beat is wanted at once, with the number. */
  | { readonly type: 'report'; readonly id: number }
  | { readonly type: 'reopen' };

/** From a worker. */
export type FromWorker =
  /** The worker listens to messages; node drops earlier ones. It waits for `start`. */
  | { readonly type: 'listening' }
  /** The application is loaded; connections may come. */
  | { readonly type: 'ready'; readonly name: string; readonly kind: string }
  /** A connection has arrived. */
  | { readonly type: 'taken'; readonly id: number }
  /** The event loop turns. `memory` is the resident set in octets, `id` that of the report that was asked for. */
  | { readonly type: 'beat'; readonly memory: number; readonly metrics: ServerMetrics; readonly id?: number }
  /** The worker has served as many requests as it shall. */
  | { readonly type: 'spent' }
  /** The worker got SIGTERM, and serves on until the supervisor lets it end. */
  | { readonly type: 'leaving' };

/** Tells if a message is one of the supervisor's. Applications may send messages of their own. */
export function isToWorker(message: unknown): message is Tagged<ToWorker> {
  return isTagged(message);
}

/** Tells if a message is one of our workers'. */
export function isFromWorker(message: unknown): message is Tagged<FromWorker> {
  return isTagged(message);
}

/** A message with the mark of this package. */
export type Tagged<Message> = Message & { readonly from: typeof MARK };

const MARK = 'gatebridge';

/** Marks a message. */
export function tag<Message extends ToWorker | FromWorker>(message: Message): Tagged<Message> {
  return { ...message, from: MARK };
}

function isTagged(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'from' in message && message.from === MARK;
}
