/** Options of the bridges that turn a program for node:http into an application. */
import type { OptionsOf } from '../gateway/option-table.ts';

/** Options of the messages that a program gets, with the names of http.createServer. */
export const LISTENER_OPTIONS = {
  /** Joins repeated fields with a comma in `req.headers`, where node would keep the first alone. */
  joinDuplicateHeaders: { type: 'boolean', default: false },
} as const;

/** Options of `fromNode`, `fromExpress` and `fromFastify`. */
export interface ListenerOptions extends OptionsOf<typeof LISTENER_OPTIONS> {}
