/** The options of the bridges that make an application of a program for node:http. */
import type { OptionsOf } from '../gateway/option-table.ts';

/** Options of the messages that a program gets; the names are those of http.createServer. */
export const LISTENER_OPTIONS = {
  /** Joins repeated fields with a comma in `req.headers`, where node would keep the first alone. */
  joinDuplicateHeaders: { type: 'boolean', default: false },
} as const;

/** Options of `fromNode`, `fromExpress` and `fromFastify`. */
export interface ListenerOptions extends OptionsOf<typeof LISTENER_OPTIONS> {}
