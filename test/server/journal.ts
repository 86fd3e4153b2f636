/** Applications that record the end of a request in a journal. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import type { ApplicationFunction, Environ, StartResponse } from '../../src/wsgi.ts';
import type { RunningServer } from './support.ts';

/** Events of an application, in order; `on_finished` comes last. */
export type Journal = string[];

/** A generator of pieces; its `finally` runs at the end. */
export type Pieces = (
  environ: Environ,
) => AsyncGenerator<string | Uint8Array> | Generator<string | Uint8Array>;

/** Makes an application that keeps a journal. */
export function journaled(
  journal: Journal,
  pieces: Pieces,
  before?: (environ: Environ) => Promise<void>,
): ApplicationFunction {
  return async (environ: Environ, startResponse: StartResponse) => {
    // Of these types in the environ of our server.
    const signal = (environ['gateway.signal'] as () => AbortSignal)();
    const onFinished = environ['gateway.on_finished'] as (callback: (...given: unknown[]) => void) => void;
    signal.addEventListener('abort', () => journal.push('abort'));
    onFinished(() => journal.push('finished'));
    await before?.(environ);
    startResponse('200 OK', []);
    const inner = pieces(environ);
    const body = {
      async next() {
        return inner.next();
      },
      async return() {
        journal.push('return');
        return inner.return(undefined);
      },
      [Symbol.asyncIterator]() {
        return body;
      },
      close() {
        journal.push('close');
      },
    };
    return body;
  };
}

/** Yields Hello. */
export function* hello(): Generator<string> {
  yield 'Hello';
}

/** Reads the whole content. */
export async function readAll(environ: Environ): Promise<void> {
  await environ['wsgi.input'].read();
}

/** Waits for the end of the journal, and then for events that must not follow. */
export async function expectJournal(journal: Journal, expected: string[]): Promise<void> {
  await vi.waitFor(() => expect(journal.at(-1)).toBe('finished'), 8000);
  await delay(30);
  expect(journal).toEqual(expected);
}

/** The journal of a response that ends by itself. */
export const NORMAL = ['close', 'finished'];
/** The journal of a response during which the client leaves. */
export const LEFT = ['abort', 'return', 'close', 'finished'];

/** Gives the number of connections of a server. */
export function connections({ server }: RunningServer): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}
