/** The options of how applications are run. */
import type { OptionsOf } from './option-table.ts';

/** The options of `runApplication`. */
export const GATEWAY_OPTIONS = {
  /** A hop-by-hop header makes `startResponse` throw (`'error'`) or is left out (`'drop'`). */
  hopByHop: { type: ['error', 'drop'], default: 'error' },
  /** A string as a chunk is an error. Without this option it is sent as UTF-8. */
  strict: { type: 'boolean', default: false },
  /** The gateway waits so many milliseconds for an abandoned body to stop, for `close()` and for each callback of `gateway.on_finished`. Then it goes on. */
  closeTimeout: { type: 'milliseconds', default: 5_000 },
  /** Error responses of the gateway itself show the stack to the client; Express and Fastify have their own. For development. */
  exposeErrors: { type: 'boolean', default: false },
} as const;

/** Options of `runApplication`. */
export interface GatewayOptions extends OptionsOf<typeof GATEWAY_OPTIONS> {}
