/** Audits of the end of a body: `close()`, `return()`, the signal, and clients that leave. */
import assert, { deepEqual, equal } from 'node:assert/strict';
import { Readable } from 'node:stream';
import type { Application, Body, Chunk, Environ } from '../../wsgi.ts';
import type { AuditHost, AuditServeOptions, GatewayAudit } from '../audit.ts';
import { onStage, type Stage } from '../stage.ts';
import {
  aMoment,
  answering,
  audit,
  eventually,
  type Ledger,
  never,
  octets,
  openLedger,
  text,
} from './kit.ts';

/** Lines 122 to 128: `close()` after a response. */
const CLOSE_AUDITS: readonly GatewayAudit[] = [
  closeAudit('122-after-the-end', 'MUST call close once after the last chunk', (index) =>
    index < 2 ? octets('chunk') : undefined,
  ),
  closeAudit('123-after-an-error', 'MUST call close once when the iteration throws', (index) => {
    if (index === 0) return octets('begun');
    throw new Error('audit of line 123');
  }),
  closeAudit(
    '125-after-replaced-output',
    'MUST call close once when an error page replaces the output',
    () => {
      throw new Error('audit of line 125');
    },
  ),
  audit({
    id: 'body-126-close-of-an-array',
    sentence: 'MUST call close on an array that has one',
    citation: 'PEP 3333, Specification Details; Waitress closeable list',
    async run(host) {
      let closes = 0;
      class ClosingArray extends Array<Chunk> {
        close(): void {
          closes += 1;
        }
      }
      await onStage(
        host,
        answering(() => ClosingArray.of(octets('array'))),
        async ({ fetch }) => {
          equal((await fetch()).content.toString(), 'array');
          await eventually(() => closes === 1, 'close is called once');
        },
      );
    },
  }),
  audit({
    id: 'body-127-close-of-the-body',
    sentence: 'MUST call close on the returned body, not on its iterator',
    citation: 'PEP 3333, Specification Details; Werkzeug issue 1259',
    async run(host) {
      const closed: string[] = [];
      const body: Body = {
        close() {
          closed.push(this === body ? 'body' : 'something else');
        },
        [Symbol.iterator]() {
          const iterator = [octets('body')].values();
          return Object.assign(iterator, { close: () => closed.push('iterator') });
        },
      };
      await onStage(
        host,
        answering(() => body),
        async ({ fetch }) => {
          equal((await fetch()).content.toString(), 'body');
          await eventually(() => closed.length > 0, 'close is called');
          await aMoment();
          deepEqual(closed, ['body']);
        },
      );
    },
  }),
  audit({
    id: 'body-128-asynchronous-close',
    sentence: 'MUST wait for an asynchronous close, and only log its error',
    citation: 'PEP 3333, Error Handling; gateway semantics §3.4',
    async run(host) {
      const events: string[] = [];
      const application: Application = (environ, startResponse) => {
        onFinished(environ, () => events.push('finished'));
        startResponse('200 OK', text());
        return Object.assign([octets('whole')], {
          async close() {
            await aMoment(20);
            events.push('closed');
            throw new Error('audit of line 128');
          },
        });
      };
      await onStage(host, application, async ({ open, exchange, server }) => {
        const client = open();
        equal((await exchange(client)).content.toString(), 'whole');
        await eventually(() => events.length === 2, 'close and the callback run');
        deepEqual(events, ['closed', 'finished']);
        assert.match(server.log(), /audit of line 128/);
        equal((await exchange(client)).content.toString(), 'whole');
      });
    },
  }),
];

/** Lines 124 and 129 to 132: the client leaves. */
const DISCONNECT_AUDITS: readonly GatewayAudit[] = [
  audit({
    id: 'body-124-close-on-disconnect',
    sentence: 'MUST call close once when the client leaves, without waiting for another chunk',
    citation: 'PEP 3333, Specification Details; Waitress issue 236',
    async run(host) {
      const ledger = openLedger();
      const application = answering(() => ledger.body((index) => (index === 0 ? octets('begun') : never())));
      await leaveEarly(host, application, async () => {
        await eventually(() => ledger.closes === 1, 'close is called once');
        await aMoment();
        deepEqual([ledger.closes, ledger.returns], [1, 1]);
      });
    },
  }),
  audit({
    id: 'body-129-finally-on-disconnect',
    sentence: 'MUST end a generator when the client leaves, so that its finally block runs',
    citation: 'PEP 3333, Specification Details',
    async run(host) {
      let hasEnded = false;
      const application: Application = async function* (_environ, startResponse) {
        startResponse('200 OK', text());
        try {
          for (;;) {
            yield octets('tick');
            await aMoment(5);
          }
        } finally {
          hasEnded = true;
        }
      };
      await leaveEarly(host, application, () => eventually(() => hasEnded, 'the finally block runs'));
    },
  }),
  audit({
    id: 'body-130-stuck-generator',
    sentence: 'MUST abort the signal at once, and call close after closeTimeout, when a body is stuck',
    citation: 'PEP 3333, Specification Details; gateway semantics §3.4',
    async run(host) {
      let closes = 0;
      let signal: AbortSignal | undefined;
      async function* stuck(): AsyncGenerator<Uint8Array> {
        yield octets('begun');
        await never();
      }
      const application: Application = (environ, startResponse) => {
        signal = signalOf(environ);
        startResponse('200 OK', text());
        return Object.assign(stuck(), { close: () => (closes += 1) });
      };
      const act = async (): Promise<void> => {
        await eventually(() => signal?.aborted === true, 'the signal is aborted');
        await eventually(() => closes === 1, 'close is called after closeTimeout');
      };
      await leaveEarly(host, application, act, { gateway: { closeTimeout: 50 } });
    },
  }),
  audit({
    id: 'body-130-signal-stays-quiet',
    sentence: 'MUST NOT abort the signal of a response that ended well',
    citation: 'h3js/srvx issue 152; gateway semantics §1.5',
    async run(host) {
      const signals: AbortSignal[] = [];
      const application: Application = async function* (environ, startResponse) {
        signals.push(signalOf(environ));
        startResponse('200 OK', text());
        yield octets('whole');
      };
      await onStage(host, application, async ({ fetch }) => {
        equal((await fetch()).content.toString(), 'whole');
        await aMoment();
        equal(signals[0]?.aborted, false);
      });
    },
  }),
  audit({
    id: 'body-131-readable',
    sentence: 'MUST destroy a returned Readable when the client leaves',
    citation: 'PEP 3333, Specification Details; gateway semantics §3.4',
    async run(host) {
      const readable = new Readable({ read() {} });
      readable.push('begun');
      const application = answering(() => readable);
      await leaveEarly(host, application, () =>
        eventually(() => readable.destroyed, 'the stream is destroyed'),
      );
    },
  }),
  audit({
    id: 'body-131-readable-stream',
    sentence: 'MUST cancel a returned ReadableStream when the client leaves',
    citation: 'PEP 3333, Specification Details; gateway semantics §3.4',
    async run(host) {
      let isCancelled = false;
      const stream = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(octets('begun')),
        cancel() {
          isCancelled = true;
        },
      });
      const application = answering(() => stream);
      await leaveEarly(host, application, () => eventually(() => isCancelled, 'the stream is cancelled'));
    },
  }),
  audit({
    id: 'body-132-quiet-log',
    sentence: 'MUST NOT log an error because a client leaves',
    citation: 'wsgiref testClientConnectionTerminations; Werkzeug issue 1649',
    async run(host) {
      const ledger = openLedger();
      const application = answering(() =>
        ledger.body(async () => {
          await aMoment(2);
          return octets('tick');
        }),
      );
      await leaveEarly(host, application, async ({ server }) => {
        await eventually(() => ledger.closes === 1, 'close is called once');
        await aMoment();
        equal(server.log(), '');
      });
    },
  }),
];

/** The audits of lines 122 to 132. */
export const CLOSING_AUDITS: readonly GatewayAudit[] = [...CLOSE_AUDITS, ...DISCONNECT_AUDITS];

function closeAudit(
  slug: string,
  sentence: GatewayAudit['sentence'] & `MUST ${string}`,
  step: Parameters<Ledger['body']>[0],
): GatewayAudit {
  return audit({
    id: `body-${slug}`,
    sentence,
    citation: 'PEP 3333, Specification Details',
    async run(host) {
      const ledger = openLedger();
      await onStage(
        host,
        answering(() => ledger.body(step)),
        async ({ open, format }) => {
          const client = open();
          client.send(format({ headers: [['Connection', 'close']] }));
          await client.readRest();
          await eventually(() => ledger.closes > 0, 'close is called');
          await aMoment();
          equal(ledger.closes, 1);
        },
      );
    },
  });
}

/** Lets a client read the first chunk of a response and leave by a reset. */
async function leaveEarly(
  host: AuditHost,
  application: Application,
  act: (stage: Stage) => Promise<void>,
  options?: AuditServeOptions,
): Promise<void> {
  const play = async (stage: Stage): Promise<void> => {
    const client = stage.open();
    client.send(stage.format());
    await client.readHead();
    await client.readChunk();
    client.reset();
    await act(stage);
  };
  await onStage(host, application, play, options);
}

function signalOf(environ: Environ): AbortSignal {
  const signal = environ['gateway.signal'];
  assert.ok(typeof signal === 'function', 'gateway.signal must be a function');
  const value: unknown = signal();
  assert.ok(value instanceof AbortSignal, 'gateway.signal must give an AbortSignal');
  return value;
}

function onFinished(environ: Environ, callback: () => void): void {
  const register = environ['gateway.on_finished'];
  assert.ok(typeof register === 'function', 'gateway.on_finished must be a function');
  register(callback);
}
