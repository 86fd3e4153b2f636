/** Directives for what node's server does to a connection by itself. */
import type { ConnectionDirectives } from '../../port.ts';

/** Sends what is held back, because something is about to be written past the response. */
export const FLUSH: ConnectionDirectives = Object.freeze({ flush: true });

/** Ends the connection with the response. */
export const CLOSE: ConnectionDirectives = Object.freeze({ close: true });

/** The same, unannounced: the program cut the connection after its response was complete. */
export const CUT: ConnectionDirectives = Object.freeze({ close: true, announce: 'keep-alive' });

/** A client that closes its half has left. */
export const HALF_CLOSE_ENDS: ConnectionDirectives = Object.freeze({ halfOpen: false });

/** A client that closes its half still gets everything. */
export const HALF_CLOSE_IS_FINE: ConnectionDirectives = Object.freeze({ halfOpen: true });
