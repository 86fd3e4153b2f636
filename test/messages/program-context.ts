/** What a program works on, and the record of what it sees. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** One thing that happened. */
export interface Entry {
  /** Whose affair it is: what the content of a request does is to be told from the rest. */
  readonly party: 'program' | 'response' | 'request';
  readonly text: string;
  /** Properties that have changed, and what to. */
  readonly changes: ReadonlyMap<string, string>;
}

/** What operations work on. */
export interface Scope {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly socket: Socket;
  note(text: string, party?: Entry['party']): void;
}
