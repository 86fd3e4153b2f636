import { expect, it } from 'vitest';
import { isPromise, toPromise } from '../../src/gateway/promise.ts';

const thenable = (then: unknown, target: object = {}): PromiseLike<unknown> =>
  Object.defineProperty(target, 'then', { value: then }) as PromiseLike<unknown>;

it('knows promises and other objects that await waits for', () => {
  for (const value of [
    Promise.resolve(),
    thenable(() => {}),
    thenable(
      () => {},
      () => {},
    ),
  ]) {
    expect(isPromise(value)).toBe(true);
  }
  for (const value of [undefined, null, 'then', [], {}, thenable(1), () => {}]) {
    expect(isPromise(value)).toBe(false);
  }
});

it('gives a promise of the language back as it is', () => {
  const promise = Promise.resolve();
  expect(toPromise(promise)).toBe(promise);
});

it('lets no promise throw, and waits for the promise within', async () => {
  const fail = (): never => {
    throw new Error('then');
  };
  await expect(toPromise(thenable(fail))).rejects.toThrow('then');
  await expect(toPromise(thenable(fail, Promise.resolve()))).rejects.toThrow('then');
  await expect(toPromise(Object.defineProperty({}, 'then', { get: fail }) as never)).rejects.toThrow('then');
  // Its `then` constructs another of it, and throws.
  class Picky extends Promise<string> {
    constructor() {
      super((resolve) => resolve('picky'));
    }
  }
  await expect(toPromise(new Picky()).then(() => 'settled', String)).resolves.toMatch(/TypeError|settled/);
  const nested = thenable((resolve: (value: unknown) => void) => resolve(Promise.resolve('within')));
  await expect(toPromise(nested)).resolves.toBe('within');
});
