/**
 * Checks, iterates and closes the body that an application returns.
 *
 * Closing depends on how far the body was iterated:
 * - `close()` of the returned object itself is called exactly once, however the response ends (PEP 3333).
 * - A body without `close()` is disposed of instead, if it has `Symbol.asyncDispose` or `Symbol.dispose`.
 * - An iteration that is cut short gets `return()` first, because JavaScript's generators have no `close()`. One that has
 *   ended or thrown does not, as in `for await`.
 */
import { ApplicationError } from '../errors.ts';
import type { Body, Chunk } from '../wsgi.ts';
import { mistakenBody, mistakenChunk } from './mistaken-body.ts';
import { LONE_SURROGATE } from './native-string.ts';
import { isOctets } from './octets.ts';
import { encodeUtf8, onNextTurn, viewOctets } from './platform.ts';
import { isPromise, toPromise } from './promise.ts';
import { within } from './within.ts';

type Step = IteratorResult<unknown, unknown>;

/**
 * A method of the iterators of wrapped programs: gives the next step without a promise.
 *
 * It returns undefined if there is no step yet, and calls `onReady` once there is one.
 */
export const READY: unique symbol = Symbol.for('gatebridge.ready-step');

/** An iterator of a body, perhaps that of a wrapped program. */
export type ReadyIterator = (Iterator<unknown> | AsyncIterator<unknown>) & {
  [READY]?(onReady?: () => void): Step | undefined;
};

/**
 * Checks a chunk and converts it to octets.
 *
 * @throws {@link ApplicationError} unless it is a Uint8Array, or a string and `isStrict` is false
 */
export function toOctets(chunk: Chunk, isStrict: boolean): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === 'string' && !isStrict) return encodeChunk(chunk);
  if (isOctets(chunk)) return viewOctets(chunk);
  throw new ApplicationError('WSGI_ERR_CHUNK_INVALID', `found ${mistakenChunk(chunk)}`);
}

/** UTF-8 has no lone surrogates: they would become U+FFFD, as in a text that was cut within a character. */
function encodeChunk(text: string): Uint8Array {
  if (LONE_SURROGATE.test(text))
    throw new ApplicationError('WSGI_ERR_CHUNK_INVALID', 'found a string with a lone surrogate');
  return encodeUtf8(text);
}

/** Iterates over one body and closes it. */
export class BodyReader {
  readonly #body: Body;
  #iterator: ReadyIterator | undefined;
  #isExhausted = false;
  /** A step has been asked for that has not come. */
  #isWaiting = false;

  /**
   * @throws {@link ApplicationError} if the value is not iterable, or is a string or an ArrayBuffer view, which would
   *   be iterated as characters or numbers
   */
  constructor(body: unknown) {
    if (!isBody(body)) throw new ApplicationError('WSGI_ERR_BODY_INVALID', `found ${mistakenBody(body)}`);
    this.#body = body;
  }

  /** Gives the next step of the iteration. */
  next(): Step | Promise<Step> {
    const step = this.#nextStep();
    if (!isPromise(step)) return this.#note(step);
    this.#isWaiting = true;
    return toPromise(step).then(this.#note, this.#noteFailure);
  }

  #nextStep(): Step | Promise<Step> {
    try {
      this.#iterator ??= iterate(this.#body);
      return this.#iterator[READY]?.() ?? this.#iterator.next();
    } catch (error) {
      return this.#noteFailure(error);
    }
  }

  /** The body can be read without promises, by `nextReady`. */
  get hasReadySteps(): boolean {
    this.#iterator ??= iterate(this.#body);
    return this.#iterator[READY] !== undefined;
  }

  /** Gives the next step if there is one; else undefined, and calls back once there is one. */
  nextReady(onReady: () => void): Step | undefined {
    try {
      const step = this.#iterator?.[READY]?.(onReady);
      return step === undefined ? undefined : this.#note(step);
    } catch (error) {
      return this.#noteFailure(error);
    }
  }

  readonly #note = (step: Step): Step => {
    this.#isWaiting = false;
    if (step.done) this.#isExhausted = true;
    return step;
  };

  /** An iterator that threw has ended: `return()` is not called. */
  readonly #noteFailure = (error: unknown): never => {
    this.#isWaiting = false;
    this.#isExhausted = true;
    throw error;
  };

  /**
   * Ends the iteration if it has not ended by itself, and closes the body.
   *
   * An async generator cannot stop while it awaits something, and `close()` may never settle. After `timeout`
   * milliseconds each is left alone.
   *
   * @param timeout Milliseconds
   * @param report Called with each error; closing continues
   */
  async close(timeout: number, report: (error: unknown) => void): Promise<void> {
    const body = this.#body;
    const isAbandoned = !this.#isExhausted;
    this.#isExhausted = true;
    const settle = async (call: () => unknown): Promise<void> => {
      try {
        await within(timeout, call());
      } catch (error) {
        report(error);
      }
    };
    let left: Promise<void> | undefined;
    if (isAbandoned && this.#iterator !== undefined) left = settle(() => this.#iterator?.return?.());
    // A generator runs its finally blocks first. One that waits on has a turn for it, because it may return only once
    // its source is closed, as the iterator of a stream of node does.
    await (this.#isWaiting && left !== undefined
      ? Promise.race([left, new Promise<void>(onNextTurn)])
      : left);
    const closed = settle(() => (body.close === undefined ? dispose(body, isAbandoned) : body.close()));
    await left;
    await closed;
  }
}

/** Tells if a body is an array without a way to close it and without an iterator of its own. */
export function isPlainArray(body: Body | Promise<Body>): body is Chunk[] {
  return (
    Array.isArray(body) &&
    !('close' in body && body.close !== undefined) &&
    !(Symbol.asyncDispose in body || Symbol.dispose in body) &&
    body[Symbol.iterator] === Array.prototype[Symbol.iterator]
  );
}

/** Tells if a value can be a body. */
export function isBody(value: unknown): value is Body {
  return (
    typeof value === 'object' &&
    value !== null &&
    !ArrayBuffer.isView(value) &&
    (Symbol.asyncIterator in value || Symbol.iterator in value)
  );
}

/** Gives an iterator over a body. Prefers the asynchronous one, and reads a web stream with a reader. */
export function iterate(body: Body): ReadyIterator {
  if (body instanceof ReadableStream) return iterateStream(body);
  return Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
}

/** Iterates with a reader, which can be cancelled. A web stream's own iterator does not return while it waits. */
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

/**
 * Releases node's streams, web streams and other resources that have no `close()`.
 *
 * @param isAbandoned The body has not ended by itself
 */
export function dispose(body: object, isAbandoned: boolean): unknown {
  if (isNodeStream(body)) return destroy(body);
  // The iterator cancels a web stream that is being read; any other cancel() rejects.
  if (body instanceof ReadableStream && body.locked) return undefined;
  // No type of TypeScript says that an iterable may have these methods.
  const { [Symbol.asyncDispose]: asyncDispose, [Symbol.dispose]: syncDispose } = body as Partial<
    AsyncDisposable & Disposable
  >;
  const method = asyncDispose ?? syncDispose;
  if (method !== undefined) return RETURNS.has(method) ? undefined : Reflect.apply(method, body, []);
  // Web streams have no dispose method before Node 24.
  return isAbandoned && body instanceof ReadableStream ? body.cancel() : undefined;
}

/** A stream of node. */
interface NodeStream {
  readonly destroyed: boolean;
  destroy(): unknown;
  once(event: 'close', listener: () => void): unknown;
  once(event: 'error', listener: (error: unknown) => void): unknown;
}

function isNodeStream(body: object): body is NodeStream {
  return 'pipe' in body && 'destroyed' in body && 'destroy' in body && 'once' in body;
}

/** Destroys a stream without an error: its own dispose method gives it one, which composed streams throw (Node 20, 26). */
function destroy(stream: NodeStream): Promise<void> | undefined {
  if (stream.destroyed) return undefined;
  return new Promise((resolve, reject) => {
    stream.once('close', resolve);
    stream.once('error', reject);
    stream.destroy();
  });
}

/** The methods of the language's iterators: they call `return()`, which is done already (Node 24). */
const RETURNS: ReadonlySet<unknown> = new Set([inherited(values()), inherited(asyncValues())]);

function inherited(iterator: object): unknown {
  return Reflect.get(iterator, Symbol.asyncDispose) ?? Reflect.get(iterator, Symbol.dispose);
}

function* values(): Generator<never> {}

async function* asyncValues(): AsyncGenerator<never> {}
