/** The parts of audits: functions that turn table rows into audits, small applications, bodies and checks. */

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { isError } from '../../errors.ts';
import type { Application, ApplicationFunction, Body, Chunk, Environ, HeaderList } from '../../wsgi.ts';
import type {
  AuditCapability,
  AuditHost,
  AuditSentence,
  AuditServeOptions,
  AuditServer,
  GatewayAudit,
} from '../audit.ts';
import { onStage, type RequestParts, type Stage } from '../stage.ts';
import type { WireResponse } from '../wire-client.ts';

/** The data of every audit. */
export interface AuditRow {
  readonly id: string;
  readonly sentence: AuditSentence;
  readonly citation: string;
  /** In addition to `serve`. */
  readonly needs?: readonly AuditCapability[];
}

/** Makes an audit from a row with its own `run`. */
export function audit(row: AuditRow & { run(host: AuditHost): Promise<void> }): GatewayAudit {
  const { id, sentence, citation, needs = [], run } = row;
  return { id, sentence, citation, needs: ['serve', ...needs], run };
}

/** Makes an audit that checks the environ of one request. */
export function environAudit(
  row: AuditRow & {
    readonly request?: RequestParts;
    readonly options?: AuditServeOptions;
    check(environ: Environ, server: AuditServer): void;
  },
): GatewayAudit {
  return audit({
    ...row,
    async run(host) {
      const environs: Environ[] = [];
      const application: Application = (environ, startResponse) => {
        environs.push({ ...environ });
        startResponse('200 OK', text());
        return [octets('ok')];
      };
      const act = async ({ fetch, server }: Stage): Promise<void> => {
        const { statusCode } = await fetch(row.request);
        assert.equal(statusCode, 200, 'The request must reach the application');
        const [environ] = environs;
        assert.ok(environ, 'The application must be called');
        row.check(environ, server);
      };
      await onStage(host, application, act, row.options);
    },
  });
}

/** Makes an audit that checks the response to one request. */
export function responseAudit(
  row: AuditRow & {
    readonly application: Application;
    readonly request?: RequestParts;
    readonly options?: AuditServeOptions;
    check(response: WireResponse, stage: Stage): void | Promise<void>;
  },
): GatewayAudit {
  const { application, request, options, check } = row;
  return audit({
    ...row,
    run: (host) =>
      onStage(host, application, async (stage) => check(await stage.fetch(request), stage), options),
  });
}

/** Makes an audit of requests that the gateway must refuse, each on its own connection. */
export function refusalAudit(
  row: AuditRow & {
    readonly requests: readonly (RequestParts | string)[];
    readonly statusCode: number;
    /** The connection must end with the answer. */
    readonly closes?: boolean;
    readonly options?: AuditServeOptions;
  },
): GatewayAudit {
  return audit({
    ...row,
    async run(host) {
      let calls = 0;
      const application: Application = (_environ, startResponse) => {
        calls += 1;
        startResponse('200 OK', text());
        return [];
      };
      const act = async ({ open, format }: Stage): Promise<void> => {
        for (const request of row.requests) {
          const client = open();
          const sent = typeof request === 'string' ? request : format(request).toString('latin1');
          client.send(sent);
          const { statusCode } = await client.readResponse();
          const excerpt = JSON.stringify(sent.slice(0, 120));
          assert.equal(statusCode, row.statusCode, `Wrong status for ${excerpt}`);
          assert.equal(calls, 0, `The application must not be called for ${excerpt}`);
          if (row.closes) {
            await client.farewell((rest) =>
              assert.equal(rest.length, 0, `Octets after the answer to ${excerpt}`),
            );
          }
        }
      };
      await onStage(host, application, act, row.options);
    },
  });
}

/** Makes a new header list with a Content-Type. */
export function text(...more: HeaderList): HeaderList {
  return [['Content-Type', 'text/plain'], ...more];
}

/** Encodes text as UTF-8. */
export function octets(text: string): Uint8Array {
  return Buffer.from(text);
}

/** Answers `hello`. */
export const hello: ApplicationFunction = (_environ, startResponse) => {
  startResponse('200 OK', text());
  return [octets('hello')];
};

/** Makes an application that returns the result of `body`. */
export function answering(
  body: () => Body,
  headers: HeaderList = text(),
  status: string = '200 OK',
): ApplicationFunction {
  return (_environ, startResponse) => {
    // A copy, because PEP 3333 lets the gateway change the list.
    startResponse(
      status,
      headers.map(([name, value]) => [name, value]),
    );
    return body();
  };
}

/** Makes an application that yields chunks one by one, so that the total length is not known. */
export function yielding(
  chunks: readonly Chunk[],
  headers: HeaderList = text(),
  status: string = '200 OK',
): ApplicationFunction {
  async function* body(): AsyncGenerator<Chunk> {
    yield* chunks;
  }
  return answering(body, headers, status);
}

/** Counts what the gateway does with a body. */
export interface Ledger {
  steps: number;
  returns: number;
  closes: number;
  /**
   * Makes the body. It ends when `step` returns undefined.
   *
   * @param step Returns the chunk of each step, counted from 0
   */
  body(step: (index: number) => Chunk | undefined | Promise<Chunk | undefined>): Body;
}

/** Opens a ledger for one body. */
export function openLedger(): Ledger {
  const ledger: Ledger = {
    steps: 0,
    returns: 0,
    closes: 0,
    body: (step) => ({
      close() {
        ledger.closes += 1;
      },
      [Symbol.asyncIterator]: () => ({
        async next() {
          const value = await step(ledger.steps++);
          return value === undefined ? { done: true, value: undefined } : { done: false, value };
        },
        async return() {
          ledger.returns += 1;
          return { done: true, value: undefined };
        },
      }),
    }),
  };
  return ledger;
}

/** A promise, and the function that resolves it. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

/** Makes a gate. */
export function gate(): Gate {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Returns a promise that never settles. */
export function never(): Promise<never> {
  return new Promise(() => {});
}

/** Waits until `holds` returns true. The default is generous, for slow machines. */
export async function eventually(holds: () => boolean, what: string, milliseconds = 5000): Promise<void> {
  const deadline = Date.now() + milliseconds;
  while (!holds()) {
    assert.ok(Date.now() < deadline, `Not within ${milliseconds} ms: ${what}`);
    await delay(5);
  }
}

/** Waits a moment in which a fault could show. */
export async function aMoment(milliseconds = 40): Promise<void> {
  await delay(milliseconds);
}

/** Sends a request, and checks that the response breaks off after its head. */
export async function assertTruncated(stage: Stage, request?: RequestParts): Promise<void> {
  const client = stage.open();
  client.send(stage.format(request));
  const { statusCode } = await client.readHead();
  assert.equal(statusCode, 200, 'The head must have left');
  const rest = (await client.readRest()).toString('latin1');
  assert.ok(!rest.endsWith('0\r\n\r\n'), 'A response that failed must not end as if it were whole');
  assert.ok(!rest.includes('HTTP/1.'), 'A response that failed must not be followed by a second head');
}

/** The faults reported to the operator, by the log or by the host's error handler. */
export interface Faults {
  readonly options: AuditServeOptions;
  /** Returns all of them as one text. */
  told(stage: Stage): string;
}

/** Collects faults from the log and from the error handler. */
export function collectFaults(options: AuditServeOptions = {}): Faults {
  const errors: unknown[] = [];
  return {
    options: { ...options, onError: (error) => errors.push(error) },
    told: ({ server }) =>
      [server.log(), ...errors.map((error) => (isError(error) ? error.stack : String(error)))].join('\n'),
  };
}

/** Runs a function, and fails if a rejection stays unhandled. */
export async function withoutUnhandledRejections(run: () => Promise<void>): Promise<void> {
  const unhandled: unknown[] = [];
  const listener = (reason: unknown): void => {
    unhandled.push(reason);
  };
  process.on('unhandledRejection', listener);
  try {
    await run();
    await aMoment();
  } finally {
    process.off('unhandledRejection', listener);
  }
  assert.deepEqual(unhandled, [], 'No rejection may be left unhandled');
}

/** Waits until a number stops growing, and returns it. */
export async function standstill(count: () => number): Promise<number> {
  for (let last = -1; ; ) {
    const now = count();
    if (now === last) return now;
    last = now;
    await delay(250);
  }
}

/** Octets that a server may be ahead of its client on one machine: the kernel's buffers on both sides, and a margin. */
export const MAX_AHEAD: number = 16 << 20;

/** Gives each chunk of a body to a function, and passes it on. */
export function watched(body: Body, onChunk: (chunk: Chunk) => void): Body {
  async function* iterate(): AsyncGenerator<Chunk> {
    for await (const chunk of body) {
      onChunk(chunk);
      yield chunk;
    }
  }
  return closing(iterate(), body);
}

/** Gives a generator the `close` of another body. */
export function closing(chunks: AsyncGenerator<Chunk>, inner: Pick<Body, 'close'>): Body {
  return Object.assign(chunks, { close: () => inner.close?.() });
}

/** Makes an input that has no more than `read`, as middleware may. */
export function inputOf(content: string): Environ['wsgi.input'] {
  let rest: Uint8Array = new TextEncoder().encode(content);
  const read = async (size?: number | null): Promise<Uint8Array> => {
    const piece = rest.subarray(0, size ?? rest.length);
    rest = rest.subarray(piece.length);
    return piece;
  };
  // PEP 3333 asks for more methods, but lets programs that others have written use only this one.
  return { read } as Environ['wsgi.input'];
}
