/** The iterator of a body, checked from both sides: how the server asks, and what the application gives. */
import { isOctets } from '../gateway/octets.ts';
import { isPromise, toPromise } from '../gateway/promise.ts';
import type { CheckedResponse } from './checked-response.ts';
import { LentChunk } from './lent-chunk.ts';

type Step = IteratorResult<unknown, unknown>;

type Inner = Iterator<unknown> | AsyncIterator<unknown>;

/** Iterates over a body, for the server. */
export class CheckedIterator {
  /** Ends the iteration early; missing if the iterator of the body has no such method. */
  declare return?: (value?: unknown) => unknown;
  readonly #inner: Inner;
  readonly #response: CheckedResponse;
  #lent: LentChunk | undefined;
  #isWaiting = false;
  #isBegun = false;
  #isDone = false;
  #isReturned = false;
  #isClosed = false;

  constructor(inner: Inner, response: CheckedResponse) {
    this.#inner = inner;
    this.#response = response;
    if (typeof inner.return === 'function') {
      const end = (...values: [value?: unknown]): unknown => this.#return(values);
      this.return = end;
    }
  }

  /** The iteration has come to its end. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** The server began, did not come to the end, and did not say so. */
  get isAbandoned(): boolean {
    return this.#isBegun && !this.#isDone && !this.#isReturned && this.return !== undefined;
  }

  /** The server has closed the body, or the response is over. */
  noteClosed(): void {
    this.#isClosed = true;
    this.#takeBack('late');
  }

  /** Gives the next step, at once or as a promise, as the body does. */
  next(): Step | Promise<Step> {
    const { reporter } = this.#response;
    if (this.#isClosed) reporter.caller('body-137-closed', 'next() was called');
    if (this.#isWaiting) reporter.caller('body-119-one-at-a-time', 'next() was called again');
    this.#isBegun = true;
    this.#response.isIterated = true;
    this.#response.noteSent();
    return this.#orStop(() => {
      this.#takeBack('result');
      const step = this.#step();
      return isPromise(step) ? this.#wait(toPromise(step)) : this.#check(step);
    });
  }

  #step(): Step | Promise<Step> {
    try {
      return this.#inner.next();
    } catch (error) {
      // An iterator that throws has ended.
      this.#isDone = true;
      throw error;
    }
  }

  #wait(promised: Promise<Step>): Promise<Step> {
    this.#isWaiting = true;
    return promised.then(
      (step) => {
        this.#isWaiting = false;
        return this.#orStop(() => this.#check(step));
      },
      (error: unknown) => {
        this.#isWaiting = false;
        this.#isDone = true;
        throw error;
      },
    );
  }

  #check(step: Step): Step {
    if (step.done) {
      this.#isDone = true;
      this.#response.checkEnd();
      this.#response.isComplete = true;
      return step;
    }
    const { value } = step;
    this.#response.checkChunk(value, 'result');
    if (!isOctets(value) || value.length === 0) return step;
    this.#lent = new LentChunk(value);
    return { done: false, value: this.#lent.given };
  }

  /** The server takes an iterator that throws for ended, so the body has to be stopped here if a rule is broken. */
  #orStop<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      if (!this.#isDone) this.#stop();
      throw error;
    }
  }

  #stop(): void {
    this.#isDone = true;
    this.#isReturned = true;
    try {
      const returned: unknown = this.#inner.return?.();
      if (isPromise(returned)) toPromise(returned).catch(() => {});
    } catch {
      // The broken rule is what counts.
    }
  }

  #return(values: [value?: unknown]): unknown {
    if (this.#isDone) this.#response.reporter.caller('body-239-return-after-the-end', 'return() was called');
    this.#isReturned = true;
    this.#takeBack('late');
    // It is there: checked when this was made.
    return Reflect.apply(this.#inner.return as () => unknown, this.#inner, values);
  }

  #takeBack(how: 'result' | 'late'): void {
    const lent = this.#lent;
    this.#lent = undefined;
    lent?.takeBack(this.#response.reporter, how);
  }

  /** Iterators of the language can be iterated themselves. */
  [Symbol.iterator](): this {
    return this;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
