/**
 * The body of an asynchronous application whose steps have to come in time.
 *
 * The body of a wrapped program keeps its ready steps, so that its chunks leave in the very call by which the program lets them go.
 */
import { iterate, READY, type ReadyIterator } from '../gateway/body-reader.ts';
import type { Body, Chunk } from '../wsgi.ts';
import { passing } from './wrapped-body.ts';

/** Times the steps of a body. */
export interface StepClock {
  /** Begins to wait for a step. Calls back if its time is up. */
  start(onExpired: () => void): void;
  /** The step has come, or nobody waits for it any more. */
  stop(): void;
  /** Content has come. */
  begin(): void;
  /** The application has failed. */
  failed(error: unknown): void;
  /** Gives the content that is sent in the place of the application's. Throws if its own has begun. */
  answer(): readonly Chunk[];
}

type Step = IteratorResult<Chunk, undefined>;

/** Gives the steps of a body, or the response to a time-out. */
export function timeBody(body: Body, clock: StepClock): Body {
  return passing(new TimedBody(body, clock), body);
}

class TimedBody implements AsyncIterable<Chunk> {
  readonly #inner: Body;
  readonly #clock: StepClock;
  #iterator: ReadyIterator | undefined;
  /** The steps that take the place of the others once the time is up. */
  #last: Iterator<Chunk, undefined> | undefined;

  constructor(inner: Body, clock: StepClock) {
    this.#inner = inner;
    this.#clock = clock;
  }

  [Symbol.asyncIterator](): AsyncIterator<Chunk, undefined> {
    this.#iterator ??= iterate(this.#inner);
    const iterator = this.#iterator;
    const steps: AsyncIterator<Chunk, undefined> = {
      next: () => this.#next(iterator),
      return: async () => {
        this.#clock.stop();
        await iterator.return?.();
        return { done: true, value: undefined };
      },
    };
    if (iterator[READY] === undefined) return steps;
    return Object.defineProperty(steps, READY, {
      value: (onReady?: () => void) => this.#ready(iterator, onReady),
    });
  }

  #next(iterator: ReadyIterator): Promise<Step> {
    return new Promise((resolve, reject) => {
      const giveLast = (): void => {
        try {
          resolve(this.#expire().next());
        } catch (error) {
          reject(error);
        }
      };
      if (this.#last !== undefined) {
        giveLast();
        return;
      }
      this.#clock.start(giveLast);
      const fail = (error: unknown): void => {
        this.#clock.failed(error);
        reject(error);
      };
      // A wrapped body gives promises.
      const step = iterator.next() as Promise<Step>;
      step.then((step) => resolve(this.#take(step)), fail);
    });
  }

  /** {@link READY}. */
  #ready(iterator: ReadyIterator, onReady?: () => void): Step | undefined {
    if (this.#last !== undefined) return this.#last.next();
    const goOn = (): void => {
      // The time was up before.
      if (this.#last !== undefined) return;
      this.#clock.stop();
      onReady?.();
    };
    try {
      // The gateway checks each chunk.
      const step = iterator[READY]?.(onReady && goOn) as Step | undefined;
      if (step !== undefined) return this.#take(step);
    } catch (error) {
      this.#clock.failed(error);
      throw error;
    }
    if (onReady !== undefined) {
      this.#clock.start(() => {
        this.#expire();
        onReady();
      });
    }
    return undefined;
  }

  #take(step: Step): Step {
    this.#clock.stop();
    if (step.done !== true && step.value?.length > 0) this.#clock.begin();
    return step;
  }

  /** The time is up. */
  #expire(): Iterator<Chunk, undefined> {
    if (this.#last === undefined) {
      try {
        this.#last = this.#clock.answer().values();
      } catch (error) {
        this.#last = failing(error);
      }
    }
    return this.#last;
  }

  close(): unknown {
    return this.#inner.close?.();
  }
}

function failing(error: unknown): Iterator<never, undefined> {
  return {
    next() {
      throw error;
    },
  };
}
