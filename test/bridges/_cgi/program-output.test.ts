/** The body of a response that is closed while it waits for its program. */
import { expect, it } from 'vitest';
import { ProgramBody, type ProgramOutput } from '../../../bridges/_cgi/program-output.ts';

it.each<[string, (settle: { resolve(octets: Uint8Array | null): void; reject(error: Error): void }) => void]>(
  [
    ['gives octets', ({ resolve }) => resolve(Buffer.from('late'))],
    ['ends', ({ resolve }) => resolve(null)],
    ['fails', ({ reject }) => reject(new Error('the program was given up'))],
  ],
)('ends without an error if its program %s once it was closed', async (_name, settle) => {
  const { promise, ...settlement } = withResolvers();
  let aborts = 0;
  const output: ProgramOutput = {
    program: 'old.cgi',
    pull: () => promise,
    describeEnd: () => 'has ended',
    isPausing: () => false,
    hasCrashed: false,
    warn() {},
    discard() {},
    abort() {
      aborts += 1;
    },
  };
  const body = new ProgramBody(output, new Uint8Array(0), 10);
  const step = body.next();
  body.close();
  settle(settlement);
  expect(await step).toEqual({ done: true, value: undefined });
  expect(aborts).toBe(1);
});

/** Promise.withResolvers is not there on Node 20. */
function withResolvers() {
  let resolve: (octets: Uint8Array | null) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<Uint8Array | null>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}
