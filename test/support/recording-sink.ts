/** A host that records what it gets, for tests of src/gateway. */

import type { DisconnectError } from '../../src/errors.ts';
import { createEnviron, type GatewayOptions, runApplication, toApplication } from '../../src/index.ts';
import type { GatewayRequest, ResponseHead, ResponseSink } from '../../src/port.ts';
import type { Application, Environ, HeaderList } from '../../src/wsgi.ts';

/** Calls that a recording sink received, in order. */
export type Event =
  | ['head', string]
  | ['write', string]
  | ['end', string]
  | ['abort', unknown]
  | ['fail', unknown]
  | ['interim', number, HeaderList]
  | ['trailers', HeaderList];

export class RecordingSink implements ResponseSink {
  readonly events: Event[] = [];
  head: ResponseHead | undefined;
  /** Octets of content. */
  length = 0;
  /** Returned by write and end. */
  wait: Promise<void> | undefined;
  #listener: ((error: DisconnectError) => void) | undefined;
  #gone: DisconnectError | undefined;
  declare fail?: (error: unknown) => void;

  writeHead(head: ResponseHead): void {
    this.head = head;
    this.events.push(['head', head.status]);
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    this.length += chunk.length;
    this.events.push(['write', Buffer.from(chunk).toString()]);
    return this.wait;
  }

  end(lastChunk?: Uint8Array): Promise<void> | undefined {
    this.length += lastChunk?.length ?? 0;
    this.events.push(['end', lastChunk === undefined ? '' : Buffer.from(lastChunk).toString()]);
    return this.wait;
  }

  abort(error: unknown): void {
    this.events.push(['abort', error]);
  }

  watch(listener: (error: DisconnectError) => void): void {
    if (this.#gone !== undefined) listener(this.#gone);
    this.#listener = listener;
  }

  informational(statusCode: number, headers: HeaderList): void {
    this.events.push(['interim', statusCode, headers]);
  }

  trailers(headers: HeaderList): void {
    this.events.push(['trailers', headers]);
  }

  disconnect(error: DisconnectError): void {
    this.#gone = error;
    this.#listener?.(error);
  }

  get content(): string {
    return this.events.map(([kind, text]) => (kind === 'write' || kind === 'end' ? text : '')).join('');
  }
}

/** A run of one application on a recording sink. */
export interface Recording {
  readonly sink: RecordingSink;
  readonly environ: Environ;
  /** The first line of each write to `wsgi.errors`, without time, method and target. */
  readonly log: string[];
  readonly done: Promise<void> | undefined;
}

const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S+ \S+ /;

/** Runs an application on a recording sink. */
export function record(
  application: Application,
  request: Partial<GatewayRequest> = {},
  { sink = new RecordingSink(), ...options }: GatewayOptions & { sink?: RecordingSink } = {},
): Recording {
  const log: string[] = [];
  const environ = createEnviron({
    method: 'GET',
    target: '/',
    protocol: 'HTTP/1.1',
    rawHeaders: ['Host', 'localhost'],
    scheme: 'http',
    serverName: '127.0.0.1',
    serverPort: '80',
    errors: {
      write: (text) => log.push((text.split('\n')[0] ?? '').replace(STAMP, '')),
      writelines: () => {},
      flush: () => {},
    },
    ...request,
  });
  const done = runApplication(toApplication(application), environ, sink, options);
  return { sink, environ, log, done };
}
