/**
 * The vocabulary of the matrix: a program becomes an application, a host runs it, an act is what each pair is put through.
 *
 * Only types. programs/, hosts/ and acts.ts have the things themselves, cells.ts their combinations.
 */
import type { Application } from '../../src/index.ts';
import type { Nginx } from './nginx.ts';

/** What programs and hosts need that run in other processes. */
export interface Peers {
  /** The folder of the programs that are no TypeScript. */
  readonly folder: string;
  /** The socket of php-fpm, or of another responder. */
  readonly responder: { readonly path: string; readonly isPhp: boolean };
  /** The interpreter that has Flask. */
  readonly python?: string | undefined;
  readonly nginx?: Nginx | undefined;
}

/** A program that becomes an application. */
export interface Program {
  readonly name: string;
  /** The row of the README. */
  readonly kind: string;
  /** As the page shows it. */
  readonly expression: string;
  /** The program that the tests run. */
  readonly content: string;
  /** The status of its failure. */
  readonly failure: number;
  /** Its failure is an exception that reaches the gateway, not a response that it makes itself. */
  readonly throws: boolean;
  /** It ends an answer that it has begun as if that were whole. */
  readonly hidesLateFailure?: boolean;
  /** The peer without which it cannot run. */
  readonly needs?: 'python';
  /** An application that has `close` is closed in the end. */
  create(peers: Peers): Promise<Application & { close?(): Promise<void> }>;
}

/** A request of the client. */
export interface ClientRequest {
  /** @default 'GET' */
  readonly method?: string;
  /** Below the mount. */
  readonly path: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly content?: Buffer;
  /** Sends the content without its length, where the protocol can. */
  readonly hasUnknownLength?: boolean;
}

/** A response, from its head on. */
export interface ClientResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** To be iterated once. */
  readonly content: AsyncIterable<Uint8Array>;
  /** Leaves, as a client does that is closed. */
  leave(): unknown;
}

/** A host with one program. */
export interface Site {
  /** Resolves with the head. */
  send(request: ClientRequest): Promise<ClientResponse>;
  /** All that was logged. */
  log(): string;
  close(): Promise<void>;
}

/** What a host runs. */
export interface Subject {
  readonly program: Program;
  readonly application: Application;
  readonly peers: Peers;
}

/** A host that runs applications. */
export interface Host {
  readonly name: string;
  /** As the page shows it, with `app` in the place of the program. */
  readonly expression: string;
  /** How the tests reach it. */
  readonly reached: string;
  /** It serves nobody but tests. */
  readonly isForTests?: boolean;
  /** The peer without which it cannot run. */
  readonly needs?: 'nginx';
  start(subject: Subject): Promise<Site>;
  /** Removes what its sites have shared. */
  end?(): void;
}

/** What each pair is put through. */
export interface Act {
  readonly name: 'GET' | 'POST' | 'stream' | 'abort' | 'error';
  /** What it proves. */
  readonly sentence: string;
  run(site: Site, program: Program): Promise<void>;
}
