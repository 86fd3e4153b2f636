/**
 * The body that an application returns: what may be one, how it is iterated, how it is closed.
 *
 * Iterating and closing belong together, because how a body must be closed depends on how far it was iterated:
 * - `close()` of the very object that was returned is called exactly once, whatever happened (PEP 3333);
 * - an iteration that is cut short is told so first, with `return()`: generators have no `close()` in JavaScript;
 * - a body without `close()` that is abandoned is disposed of, so that a stream that nobody began does not leak.
 */
import { ApplicationError } from '../errors.ts';
import type { Body, Chunk } from '../wsgi.ts';
import { describe } from './describe.ts';
import { encodeUtf8 } from './platform.ts';

type Step = IteratorResult<unknown, unknown>;

/**
 * Checks a chunk and makes octets of it.
 *
 * @throws {@link ApplicationError} for what is neither Uint8Array nor, unless `isStrict`, string
 */
export function toOctets(chunk: Chunk, isStrict: boolean): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === 'string' && !isStrict) return encodeUtf8(chunk);
  throw new ApplicationError('WSGI_ERR_CHUNK_INVALID', `found ${describe(chunk)}`);
}

/** One iteration over a body, and its end. */
export class BodyReader {
  readonly #body: Body;
  #iterator: Iterator<unknown> | AsyncIterator<unknown> | undefined;
  #isExhausted = false;

  /**
   * @throws {@link ApplicationError} if the value cannot be a body. A string and a Buffer could be iterated, into
   *   characters and numbers; both are refused
   */
  constructor(body: unknown) {
    if (!isBody(body)) {
      throw new ApplicationError('WSGI_ERR_BODY_INVALID', `found ${describe(body)}${bodyHint(body)}`);
    }
    this.#body = body;
  }

  /** Asks for the next chunk. */
  next(): Step | Promise<Step> {
    this.#iterator ??= iterate(this.#body);
    const step = this.#iterator.next();
    return isPromise(step) ? step.then(this.#note, this.#noteFailure) : this.#note(step);
  }

  readonly #note = (step: Step): Step => {
    if (step.done === true) this.#isExhausted = true;
    return step;
  };

  /** An iterator that threw is at its end. */
  readonly #noteFailure = (error: unknown): never => {
    this.#isExhausted = true;
    throw error;
  };

  /**
   * Ends the iteration if it has not ended by itself, and closes the body.
   *
   * An asynchronous generator does not stop while it awaits something; after `timeout` milliseconds
   * nobody waits for it any longer and the body is closed all the same.
   *
   * @param timeout Milliseconds
   * @param report Takes what fails; closing goes on
   */
  async close(timeout: number, report: (error: unknown) => void): Promise<void> {
    const body = this.#body;
    const isAbandoned = !this.#isExhausted;
    this.#isExhausted = true;
    try {
      if (isAbandoned) {
        // Both at once: the iteration of a node stream that waits for a chunk returns when the stream is destroyed.
        const returned = this.#iterator?.return?.();
        const disposed = body.close === undefined ? dispose(body) : undefined;
        await within(timeout, Promise.all([returned, disposed]));
      }
    } catch (error) {
      report(error);
    }
    try {
      if (body.close !== undefined) await body.close();
    } catch (error) {
      report(error);
    }
  }
}

/** Tells a promise from a value, also one of another library or realm. */
export function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> & Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function bodyHint(value: unknown): string {
  if (value === undefined) return '; return [] if there is no content';
  return typeof value === 'string' || ArrayBuffer.isView(value) ? '; wrap it in an array' : '';
}

function isBody(value: unknown): value is Body {
  return (
    typeof value === 'object' &&
    value !== null &&
    !ArrayBuffer.isView(value) &&
    (Symbol.asyncIterator in value || Symbol.iterator in value)
  );
}

function iterate(body: Body): Iterator<unknown> | AsyncIterator<unknown> {
  if (body instanceof ReadableStream) return iterateStream(body);
  return Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
}

/** The iterator that a web stream brings does not return while it waits for a chunk; a reader can be cancelled. */
function iterateStream(stream: ReadableStream<unknown>): AsyncIterator<unknown> {
  const reader = stream.getReader();
  return {
    next: () => reader.read(),
    return: async () => {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}

/** Node's streams, web streams and whatever else holds a resource without having `close()`. */
async function dispose(body: object): Promise<unknown> {
  // Looked up by hand: no interface of TypeScript's says that an iterable may have these.
  const disposable = body as Partial<AsyncDisposable & Disposable>;
  // A web stream that was begun is cancelled by its iteration, and refuses everybody else.
  if (body instanceof ReadableStream && body.locked) return undefined;
  if (disposable[Symbol.asyncDispose] !== undefined) return disposable[Symbol.asyncDispose]?.();
  if (disposable[Symbol.dispose] !== undefined) return disposable[Symbol.dispose]?.();
  // Web streams have no dispose method before Node 24.
  if (body instanceof ReadableStream) return body.cancel();
  return undefined;
}

/** What node's timers take; beyond it they fire after a millisecond. */
const MAX_DELAY = 2 ** 31 - 1;

/** Waits for a value, but not for ever. */
async function within(timeout: number, value: unknown): Promise<void> {
  if (!isPromise(value)) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timedOut = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(timeout, MAX_DELAY));
  });
  try {
    await Promise.race([value, timedOut]);
  } finally {
    clearTimeout(timer);
    value.catch(() => {});
  }
}
