/** The context in which operations run, and the entries of their record. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** One entry of a record. */
export interface Entry {
  /** The object that the entry is about: entries about the request can be compared apart from the others. */
  readonly party: 'program' | 'response' | 'request';
  readonly text: string;
  /** Properties that changed since the entry before, with their new values. */
  readonly changes: ReadonlyMap<string, string>;
}

/** The objects that operations use. */
export interface ProgramContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly socket: Socket;
  note(text: string, party?: Entry['party']): void;
}
