/** What the audits are made of: rows of a table turned into audits, and small applications and checks. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
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

/** What every audit says of itself. */
export interface AuditRow {
  readonly id: string;
  readonly sentence: AuditSentence;
  readonly citation: string;
  /** Besides `serve`. */
  readonly needs?: readonly AuditCapability[];
}

/** An audit that does as it likes. */
export function audit(row: AuditRow & { run(host: AuditHost): Promise<void> }): GatewayAudit {
  const { id, sentence, citation, needs = [], run } = row;
  return { id, sentence, citation, needs: ['serve', ...needs], run };
}

/** An audit of the environ that one request makes. */
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

/** An audit of the response to one request. */
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

/** An audit of requests that the gateway refuses, each on a connection of its own. */
export function refusalAudit(
  row: AuditRow & {
    readonly requests: readonly (RequestParts | string)[];
    readonly statusCode: number;
    /** Whether the connection ends with the answer. */
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

/** Fresh headers of a response. */
export function text(...more: HeaderList): HeaderList {
  return [['Content-Type', 'text/plain'], ...more];
}

/** Text as octets, UTF-8. */
export function octets(text: string): Uint8Array {
  return Buffer.from(text);
}

/** The simplest application there is. */
export const hello: ApplicationFunction = (_environ, startResponse) => {
  startResponse('200 OK', text());
  return [octets('hello')];
};

/** An application that answers with what a function returns. */
export function answering(
  body: () => Body,
  headers: HeaderList = text(),
  status: string = '200 OK',
): ApplicationFunction {
  return (_environ, startResponse) => {
    // PEP 3333 lets the gateway change the list.
    startResponse(
      status,
      headers.map(([name, value]) => [name, value]),
    );
    return body();
  };
}

/** An application that answers with chunks one by one, and does not let their length be seen. */
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

/** What was done with a body. */
export interface Ledger {
  steps: number;
  returns: number;
  closes: number;
  /**
   * Makes a body of the steps of an iteration; it ends where a step gives undefined.
   *
   * @param step Gives the chunk of each step, counted from 0
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

/** A promise that is kept by hand. */
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

/** A promise that nobody keeps. */
export function never(): Promise<never> {
  return new Promise(() => {});
}

/** Waits until something holds; the milliseconds are generous, because machines are slow. */
export async function eventually(holds: () => boolean, what: string, milliseconds = 5000): Promise<void> {
  const deadline = Date.now() + milliseconds;
  while (!holds()) {
    assert.ok(Date.now() < deadline, `Not within ${milliseconds} ms: ${what}`);
    await delay(5);
  }
}

/** Lets a moment pass in which something wrong could show. */
export async function aMoment(milliseconds = 40): Promise<void> {
  await delay(milliseconds);
}

/** Reads what a stage's connection gets until it ends, and demands that the response is not whole. */
export async function assertTruncated(stage: Stage, request?: RequestParts): Promise<void> {
  const client = stage.open();
  client.send(stage.format(request));
  const { statusCode } = await client.readHead();
  assert.equal(statusCode, 200, 'The head must have left');
  const rest = (await client.readRest()).toString('latin1');
  assert.ok(!rest.endsWith('0\r\n\r\n'), 'A response that failed must not end as if it were whole');
  assert.ok(!rest.includes('HTTP/1.'), 'A response that failed must not be followed by a second head');
}

/** What the operator is told of a fault: the log, or what the host's error handler got. */
export interface Faults {
  readonly options: AuditServeOptions;
  /** Everything as one text, codes of errors included. */
  told(stage: Stage): string;
}

/** Collects faults wherever the host tells them. */
export function collectFaults(options: AuditServeOptions = {}): Faults {
  const errors: unknown[] = [];
  return {
    options: { ...options, onError: (error) => errors.push(error) },
    told: ({ server }) =>
      [server.log(), ...errors.map((error) => (error instanceof Error ? error.stack : String(error)))].join(
        '\n',
      ),
  };
}

/** Runs something during which no promise may be rejected without anybody to take it. */
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

/** Waits until a number has stopped growing, and gives it. */
export async function standstill(count: () => number): Promise<number> {
  for (let last = -1; ; ) {
    const now = count();
    if (now === last) return now;
    last = now;
    await delay(250);
  }
}

/** What a client can be behind its server on one machine: the kernel's buffers on both sides, and some. */
export const MAX_AHEAD: number = 16 << 20;
