/** The trailer section of a request: known once the content was read, asked for before by some. */
import { toPairs } from '../../gateway/headers.ts';
import type { HeaderList } from '../../wsgi.ts';

interface Waiter {
  resolve(fields: HeaderList): void;
  reject(error: unknown): void;
}

/** The trailer section of one request. */
export class TrailerSection {
  #fields: HeaderList | undefined;
  #failure: { readonly error: unknown } | undefined;
  #waiters: Waiter[] = [];

  /** Somebody waits for the fields. */
  get isAwaited(): boolean {
    return this.#waiters.length > 0;
  }

  /** Gives the fields; rejects if the content has no end. */
  wait(): Promise<HeaderList> {
    const promise = new Promise<HeaderList>((resolve, reject) => {
      if (this.#fields !== undefined) resolve([...this.#fields]);
      else if (this.#failure !== undefined) reject(this.#failure.error);
      else this.#waiters.push({ resolve, reject });
    });
    // The caller may fail at reading before it awaits this.
    promise.catch(() => {});
    return promise;
  }

  /** @param fields Name, value, name, value, … */
  complete(fields: readonly string[]): void {
    const pairs = toPairs(fields);
    this.#fields = pairs;
    for (const { resolve } of this.#waiters) resolve([...pairs]);
    this.#waiters = [];
  }

  /** The content cannot be read to its end. */
  fail(error: unknown): void {
    if (this.#fields !== undefined) return;
    this.#failure ??= { error };
    for (const { reject } of this.#waiters) reject(error);
    this.#waiters = [];
  }
}
