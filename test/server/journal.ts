/** Applications that keep a journal of how a request ends. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import type { ApplicationFunction, Environ, StartResponse } from '../../src/wsgi.ts';
import type { RunningServer } from './support.ts';

/** What happened to an application, in order; `on_finished` comes last. */
export type Journal = string[];

/** Something that yields; `finish` is what its `finally` waits for. */
export type Pieces = (
  environ: Environ,
) => AsyncGenerator<string | Uint8Array> | Generator<string | Uint8Array>;

/** An application that keeps a journal. */
export function journaled(
  journal: Journal,
  pieces: Pieces,
  before?: (environ: Environ) => Promise<void>,
): ApplicationFunction {
  return async (environ: Environ, startResponse: StartResponse) => {
    // The server's own keys, of these types.
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

/** Waits for the end of the journal, and for what must not come after it. */
export async function expectJournal(journal: Journal, expected: string[]): Promise<void> {
  await vi.waitFor(() => expect(journal.at(-1)).toBe('finished'), 8000);
  await delay(30);
  expect(journal).toEqual(expected);
}

/** A response that ends by itself. */
export const NORMAL = ['close', 'finished'];
/** A client that leaves amid the response. */
export const LEFT = ['abort', 'return', 'close', 'finished'];

/** How many connections a server has. */
export function connections({ server }: RunningServer): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}
