/**
 * The content of a `Response`, as a body for the gateway: a stream is read when the gateway asks for a chunk.
 *
 * Content that is there at once, and complete, becomes an array, so that the gateway knows its length. That is found out
 * without reading ahead: the stream of a text or of octets closes as soon as its only chunk was read.
 */
import { isOctets, onNextTurn } from '../../src/gateway/index.ts';
import { ApplicationError, type Body, type Write } from '../../src/index.ts';

type Step = IteratorResult<Uint8Array, undefined>;
type Reader = ReadableStreamDefaultReader<unknown>;
type ReadStep = Awaited<ReturnType<Reader['read']>>;

/** Microtasks in which the stream of a text gives its chunk, and then closes (Node 20 to 26). */
const AT_ONCE = 3;
const MICROTASK = Promise.resolve();

/**
 * Gives the content of a stream.
 *
 * @param write Sends the head if no content is there by the next turn of the event loop: the client may wait for it
 * @throws what the stream fails with before that
 */
export async function readContent(stream: ReadableStream<unknown>, write: Write): Promise<Body> {
  const reader = stream.getReader();
  const state = { isRead: false, isClosed: false };
  reader.closed.then(() => {
    state.isClosed = true;
  }, ignore);
  const first = reader.read();
  const settle = (): void => {
    state.isRead = true;
  };
  first.then(settle, settle);
  for (let count = 0; count < AT_ONCE && !state.isRead; count += 1) await MICROTASK;
  if (!state.isRead) await new Promise<void>(onNextTurn);
  if (!state.isRead) {
    write(EMPTY).catch(ignore);
    return new StreamBody(reader, first);
  }
  const step = await first;
  if (step.done) return [];
  for (let count = 0; count < AT_ONCE && !state.isClosed; count += 1) await MICROTASK;
  return state.isClosed ? [checkChunk(step.value)] : new StreamBody(reader, first);
}

const EMPTY = new Uint8Array(0);

function ignore(): void {}

/** Reads a stream as the gateway iterates. */
class StreamBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #reader: Reader;
  #first: Promise<ReadStep> | undefined;
  #isOver = false;

  constructor(reader: Reader, first: Promise<ReadStep>) {
    this.#reader = reader;
    this.#first = first;
  }

  next(): Promise<Step> {
    if (this.#isOver) return Promise.resolve(DONE);
    const step = this.#first ?? this.#reader.read();
    this.#first = undefined;
    return step.then(this.#take, this.#fail);
  }

  readonly #take = ({ done, value }: ReadStep): Step => {
    if (done) {
      this.#isOver = true;
      return DONE;
    }
    return { done, value: checkChunk(value) };
  };

  readonly #fail = (error: unknown): never => {
    this.#isOver = true;
    throw error;
  };

  async return(): Promise<Step> {
    await this.close();
    return DONE;
  }

  async close(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#reader.cancel();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

const DONE: Step = { done: true, value: undefined };

/** The Fetch API allows nothing but octets (§2.2.4). */
function checkChunk(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array || isOctets(chunk)) return chunk;
  const hint = typeof chunk === 'string' ? 'a string; pipe it through new TextEncoderStream()' : typeof chunk;
  throw new ApplicationError('WSGI_ERR_CHUNK_INVALID', `the stream of a Response gave ${hint}`);
}
