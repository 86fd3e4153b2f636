/** What is loaded, and what has come of it. */
import type { FigureName, Work } from './work.ts';

/** The work that was done. */
export interface Served {
  /** Requests, events, or MiB of streamed content. */
  readonly count: number;
  /** The same for each second of the wall clock. */
  readonly rate: number;
  /** Further figures, which only some work has. */
  readonly figures?: Partial<Record<FigureName, number>>;
}

/** A server under load. */
export interface LoadTarget {
  readonly work: Work;
  readonly server: { readonly name: string; readonly port: number };
  readonly connections: number;
}
