/** What node's server does to a connection by itself, as directives for a host that has to be asked. Made once. */
import type { ConnectionDirectives } from '../../port.ts';

/** What is about to be written past the response follows what was sent before. */
export const FLUSH: ConnectionDirectives = Object.freeze({ flush: true });

/** The connection ends with the response. */
export const CLOSE: ConnectionDirectives = Object.freeze({ close: true });

/** The same, but the response does not say so: the program has cut the connection after its end. */
export const CUT: ConnectionDirectives = Object.freeze({ close: true, announce: 'keep-alive' });

/** A client that closes its half has left, unless the response is complete. */
export const HALF_CLOSE_ENDS: ConnectionDirectives = Object.freeze({ halfOpen: false });

/** A client that closes its half still gets all. */
export const HALF_CLOSE_IS_FINE: ConnectionDirectives = Object.freeze({ halfOpen: true });
