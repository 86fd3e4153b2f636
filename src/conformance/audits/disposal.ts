/** Audits of bodies that are disposed of, and of closing and callbacks that never settle. */
import assert, { deepEqual, equal } from 'node:assert/strict';
import type { ApplicationFunction, Body, Chunk } from '../../wsgi.ts';
import type { AuditHost, GatewayAudit } from '../audit.ts';
import { onStage } from '../stage.ts';
import { aMoment, answering, audit, eventually, never, octets, text } from './kit.ts';

/** The ends of an iteration that are not a departure: what the second step does. */
const ENDS: Readonly<Record<string, () => IteratorResult<Chunk> | Promise<IteratorResult<Chunk>>>> = {
  'the-end': () => ({ done: true, value: undefined }),
  'an-asynchronous-end': async () => ({ done: true, value: undefined }),
  'a-throw': () => {
    throw new Error('audit of line 239');
  },
  'a-rejection': () => Promise.reject(new Error('audit of line 239')),
};

/** The audits of lines 239 and 240. */
export const DISPOSAL_AUDITS: readonly GatewayAudit[] = [
  ...(['asyncDispose', 'dispose'] as const).flatMap((method) =>
    Object.entries(ENDS).map(([name, end]) =>
      audit({
        id: `body-239-${method.toLowerCase()}-after-${name}`,
        sentence: `MUST dispose once of a body with Symbol.${method} and without close, after ${name.replaceAll('-', ' ')}`,
        citation: 'Gateway semantics, line 239',
        run: (host) => endsOnce(host, end, { [Symbol[method]]: () => undefined }),
      }),
    ),
  ),
  audit({
    id: 'body-239-dispose-of-an-array',
    sentence: 'MUST dispose once of an array with Symbol.dispose',
    citation: 'Gateway semantics, line 239',
    async run(host) {
      let disposals = 0;
      const body = (): Body => Object.assign([octets('array')], { [Symbol.dispose]: () => (disposals += 1) });
      await onStage(host, answering(body), async ({ fetch }) => {
        equal((await fetch()).content.toString(), 'array');
        await eventually(() => disposals > 0, 'the array is disposed of');
        await aMoment();
        equal(disposals, 1);
      });
    },
  }),
  audit({
    id: 'body-239-dispose-on-disconnect',
    sentence: 'MUST dispose once of a body without close when the client leaves',
    citation: 'Gateway semantics, line 239',
    async run(host) {
      let disposals = 0;
      async function* iterate(): AsyncGenerator<Uint8Array> {
        yield octets('begun');
        await never();
      }
      const dispose = async (): Promise<void> => {
        disposals += 1;
      };
      const body = (): Body =>
        Object.assign({ [Symbol.asyncIterator]: iterate }, { [Symbol.asyncDispose]: dispose });
      await onStage(
        host,
        answering(body),
        async ({ open, format }) => {
          const client = open();
          client.send(format());
          await client.readHead();
          await client.readChunk();
          client.reset();
          await eventually(() => disposals > 0, 'the body is disposed of');
          await aMoment();
          equal(disposals, 1);
        },
        { gateway: { closeTimeout: 50 } },
      );
    },
  }),
  audit({
    id: 'body-240-close-that-never-settles',
    sentence: 'MUST go on after closeTimeout when close never settles',
    citation: 'Gateway semantics, line 240',
    async run(host) {
      let isFinished = false;
      const application: ApplicationFunction = (environ, startResponse) => {
        environ['gateway.on_finished']?.(() => {
          isFinished = true;
        });
        startResponse('200 OK', text());
        return Object.assign([octets('whole')], { close: never });
      };
      await onStage(
        host,
        application,
        async ({ open, exchange }) => {
          const client = open();
          equal((await exchange(client)).content.toString(), 'whole');
          await eventually(() => isFinished, 'the callback runs', 2000);
          equal((await exchange(client)).content.toString(), 'whole');
        },
        { gateway: { closeTimeout: 50 } },
      );
    },
  }),
  audit({
    id: 'body-240-callback-that-never-settles',
    sentence: 'MUST run the other callbacks when one of gateway.on_finished never settles',
    citation: 'Gateway semantics, line 240',
    async run(host) {
      const called: string[] = [];
      const application: ApplicationFunction = (environ, startResponse) => {
        const register = environ['gateway.on_finished'];
        assert.ok(register, 'gateway.on_finished must be a function');
        register(() => called.push('first'));
        register(never);
        register(async () => {
          await aMoment(5);
          called.push('last');
        });
        startResponse('200 OK', text());
        return [octets('whole')];
      };
      await onStage(
        host,
        application,
        async ({ open, exchange }) => {
          const client = open();
          equal((await exchange(client)).content.toString(), 'whole');
          await eventually(() => called.length === 2, 'both other callbacks run', 2000);
          deepEqual(called, ['last', 'first']);
          equal((await exchange(client)).content.toString(), 'whole');
        },
        { gateway: { closeTimeout: 50 } },
      );
    },
  }),
];

/** Checks that a body is disposed of once, and that `return()` is not called. */
async function endsOnce(
  host: AuditHost,
  end: () => IteratorResult<Chunk> | Promise<IteratorResult<Chunk>>,
  methods: object,
): Promise<void> {
  const calls: string[] = [];
  const body = (): Body => {
    let steps = 0;
    const next = () => (steps++ === 0 ? { done: false as const, value: octets('begun') } : end());
    const iterator = {
      next,
      return() {
        calls.push('return');
        return { done: true, value: undefined };
      },
    };
    const noting = Object.getOwnPropertySymbols(methods).map((symbol) => [
      symbol,
      () => void calls.push('disposed'),
    ]);
    // An iterator may be neither clearly synchronous nor clearly not.
    return { [Symbol.asyncIterator]: () => iterator, ...Object.fromEntries(noting) } as Body;
  };
  await onStage(host, answering(body), async ({ open, format }) => {
    const client = open();
    client.send(format({ headers: [['Connection', 'close']] }));
    await client.readRest();
    await eventually(() => calls.length > 0, 'the body is disposed of');
    await aMoment();
    deepEqual(calls, ['disposed']);
  });
}
