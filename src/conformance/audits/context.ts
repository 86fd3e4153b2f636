/** Audits of asynchronous contexts: what AsyncLocalStorage gives in the parts of an application. */
import assert, { deepEqual, equal } from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { ApplicationFunction, Body, Environ } from '../../wsgi.ts';
import type { GatewayAudit } from '../audit.ts';
import { onStage } from '../stage.ts';
import { aMoment, audit, eventually, never, octets, text } from './kit.ts';

const storage = new AsyncLocalStorage<string>();

/** The audits of line 238. */
export const CONTEXT_AUDITS: readonly GatewayAudit[] = [
  ...(['synchronous', 'asynchronous'] as const).map((form) =>
    audit({
      id: `body-238-callbacks-${form}`,
      sentence: `MUST call each callback of gateway.on_finished in its own context: ${form} application`,
      citation: 'Gateway semantics, line 238',
      async run(host) {
        const seen: (string | undefined)[] = [];
        const register = (environ: Environ, name: string): void =>
          storage.run(name, () => environ['gateway.on_finished']?.(() => seen.push(storage.getStore())));
        const answer: ApplicationFunction = (environ, startResponse) => {
          register(environ, 'inner');
          register(environ, 'outer');
          startResponse('200 OK', text());
          return [octets('whole')];
        };
        const later: ApplicationFunction = async (...call) => {
          await aMoment(2);
          return answer(...call);
        };
        await onStage(host, form === 'synchronous' ? answer : later, async ({ fetch }) => {
          equal((await fetch()).content.toString(), 'whole');
          await eventually(() => seen.length === 2, 'both callbacks run');
          deepEqual(seen, ['outer', 'inner']);
        });
      },
    }),
  ),
  audit({
    id: 'body-238-signal',
    sentence: 'MUST call each listener of the signal in the context in which it was added',
    citation: 'Gateway semantics, line 238',
    async run(host) {
      const seen: (string | undefined)[] = [];
      const note = (): void => void seen.push(storage.getStore());
      const application: ApplicationFunction = async function* (environ, startResponse) {
        const signal = environ['gateway.signal']?.();
        assert.ok(signal, 'gateway.signal must be a function');
        const removed = (): void => void seen.push('removed');
        const noteToo = (): void => note();
        storage.run('removed', () => signal.addEventListener('abort', removed));
        storage.run('function', () => signal.addEventListener('abort', note));
        storage.run('again', () => signal.addEventListener('abort', note));
        storage.run('object', () => signal.addEventListener('abort', { handleEvent: note }));
        storage.run('property', () => {
          signal.onabort = noteToo;
        });
        signal.removeEventListener('abort', removed);
        startResponse('200 OK', text());
        yield octets('begun');
        await never();
      };
      await onStage(
        host,
        application,
        async ({ open, format }) => {
          const client = open();
          client.send(format());
          await client.readHead();
          client.reset();
          await eventually(() => seen.length >= 3, 'the listeners are called');
          deepEqual(seen, ['function', 'object', 'property']);
        },
        { gateway: { closeTimeout: 50 } },
      );
    },
  }),
  audit({
    id: 'body-238-steps',
    sentence: 'MUST call next, return and close in the context in which the application was called',
    citation: 'Gateway semantics, line 238',
    async run(host) {
      const seen: (string | undefined)[] = [];
      const note = (): void => void seen.push(storage.getStore());
      const application: ApplicationFunction = (_environ, startResponse) => {
        // Applies to the rest of the call, and to all that it leads to.
        storage.enterWith('of the request');
        startResponse('200 OK', text());
        let steps = 0;
        const body: Body = {
          [Symbol.asyncIterator]: () => ({
            async next() {
              note();
              await aMoment(2);
              if (steps++ > 2) await never();
              return { done: false, value: octets('step') };
            },
            async return() {
              note();
              return { done: true, value: undefined };
            },
          }),
          close: note,
        };
        return body;
      };
      await onStage(
        host,
        application,
        async ({ open, format }) => {
          const client = open();
          client.send(format());
          await client.readHead();
          for (let index = 0; index < 3; index += 1) await client.readChunk();
          client.reset();
          await eventually(() => seen.length >= 6, 'next, return and close are called');
          deepEqual([...new Set(seen)], ['of the request']);
        },
        { gateway: { closeTimeout: 50 } },
      );
    },
  }),
];
