/**
 * The body that an application returns, checked from both sides.
 *
 * The server gets an array for an array, a file for a file, and for any other body an object that is iterable in the same
 * ways and has the same way to be closed. So it treats it as it would treat the body itself.
 */
import { dispose, isBody, isPlainArray, iterate } from '../gateway/body-reader.ts';
import { FileWrapper } from '../gateway/file-wrapper.ts';
import { mistakenBody } from '../gateway/mistaken-body.ts';
import { isOctets } from '../gateway/octets.ts';
import type { Body, Chunk } from '../wsgi.ts';
import { CheckedIterator } from './checked-iterator.ts';
import type { CheckedResponse } from './checked-response.ts';
import { LentChunk } from './lent-chunk.ts';

/** The server's side of a body, for the end of the response. */
export interface BodyWatch {
  /** Checks that the server has closed the body. Called when the response is over. */
  checkOver(): void;
}

/** A body with its watch. */
export interface WatchedBody {
  readonly body: Body;
  readonly watch: BodyWatch;
}

/**
 * Checks a body.
 *
 * @param body What the application returned, of any type
 * @param response The response that it belongs to
 * @param isTold The end of the response will be told
 */
export function checkBody(body: unknown, response: CheckedResponse, isTold: boolean): WatchedBody {
  if (!isBody(body)) {
    response.reporter.result('body-100-iterable', `found ${mistakenBody(body)}`);
    // Passed on for the server to refuse.
    return { body: body as Body, watch: NO_WATCH };
  }
  if (isPlainArray(body)) return checkArray(body, response, isTold);
  const watched = new WatchedIterable(body, response);
  return { body: watched.face(), watch: watched };
}

const NO_WATCH: BodyWatch = { checkOver: () => {} };

function checkArray(chunks: readonly Chunk[], response: CheckedResponse, isTold: boolean): WatchedBody {
  for (const chunk of chunks) response.checkChunk(chunk, 'result');
  response.isIterated = true;
  response.checkEnd();
  // Without the end of the response nobody knows when the memory is the application's again.
  const lent: LentChunk[] = [];
  const lend = (chunk: Chunk): Chunk => {
    if (!isOctets(chunk) || chunk.length === 0) return chunk;
    const loan = new LentChunk(chunk);
    lent.push(loan);
    return loan.given;
  };
  const body = isTold ? Array.from(chunks, lend) : [...chunks];
  const checkOver = (): void => {
    for (const loan of lent) loan.takeBack(response.reporter, 'late');
  };
  return { body, watch: { checkOver } };
}

/** Makes a face for a body that is no array. */
class WatchedIterable implements BodyWatch {
  readonly #body: Body;
  readonly #response: CheckedResponse;
  #iterator: CheckedIterator | undefined;
  #isClosed = false;

  constructor(body: Body, response: CheckedResponse) {
    this.#body = body;
    this.#response = response;
  }

  /** Makes what the server gets in place of the body. */
  face(): Body {
    const body = this.#body;
    const face = body instanceof FileWrapper ? this.#fileFace(body) : this.#iterableFace(body);
    const closing = this.#closing();
    if (closing !== undefined) {
      const { key, close } = closing;
      Object.defineProperty(face, key, { value: close, configurable: true, writable: true });
    }
    return face;
  }

  #iterableFace(body: Body): Body {
    const isAsync = Symbol.asyncIterator in body || isStream(body);
    const face = {
      ...(isAsync ? { [Symbol.asyncIterator]: () => this.#iterate(iterate(body)) } : {}),
      ...(Symbol.iterator in body ? { [Symbol.iterator]: () => this.#iterate(body[Symbol.iterator]()) } : {}),
    };
    // It has the methods of the body, and no others.
    return face as unknown as Body;
  }

  /** The server recognises a FileWrapper, measures it, and lets Content-Length cover a part of it. */
  #fileFace(file: FileWrapper): FileWrapper {
    this.#response.isFile = true;
    const face = new FileWrapper(file.file);
    const iterator = new CheckedIterator(file, this.#response);
    let isIterated = false;
    const begin = (): CheckedIterator => {
      if (isIterated) this.#response.reporter.caller('body-137-iterated-twice', 'found a second iterator');
      isIterated = true;
      this.#iterator = iterator;
      return iterator;
    };
    const members = {
      next: () => {
        this.#iterator = iterator;
        return iterator.next();
      },
      measure: () => file.measure(),
      [Symbol.asyncIterator]: begin,
    };
    return Object.assign(face, members);
  }

  #iterate(inner: Iterator<unknown> | AsyncIterator<unknown>): CheckedIterator {
    if (this.#iterator !== undefined)
      this.#response.reporter.caller('body-137-iterated-twice', 'found a second iterator');
    const iterator = new CheckedIterator(inner, this.#response);
    this.#iterator = iterator;
    if (this.#isClosed) iterator.noteClosed();
    return iterator;
  }

  /** Gives the method by which a server closes this body; undefined if there is none. */
  #closing(): { readonly key: string | symbol; readonly close: () => unknown } | undefined {
    const body = this.#body;
    if (body.close !== undefined) return { key: 'close', close: () => this.#close(() => body.close?.()) };
    const key = disposalOf(body);
    if (key === undefined) return undefined;
    return { key, close: () => this.#close(() => dispose(body, this.#iterator?.isDone !== true)) };
  }

  #close(close: () => unknown): unknown {
    if (this.#isClosed) this.#response.reporter.caller('body-138-close-once', 'it was closed again');
    this.#isClosed = true;
    this.#iterator?.noteClosed();
    return close();
  }

  checkOver(): void {
    this.#iterator?.noteClosed();
    const { reporter } = this.#response;
    if (!this.#isClosed && this.#body.close !== undefined)
      reporter.late('body-138-close', 'close() was not called');
    if (this.#iterator?.isAbandoned === true) reporter.late('body-129-return', 'return() was not called');
  }
}

/** Gives the symbol of the method by which a body without `close()` is disposed of. */
function disposalOf(body: object): symbol | undefined {
  // Undefined on a runtime without them.
  const symbols: readonly (symbol | undefined)[] = [Symbol.asyncDispose, Symbol.dispose];
  const key = symbols.find((symbol) => symbol !== undefined && Reflect.get(body, symbol) !== undefined);
  return key ?? (isStream(body) ? Symbol.asyncDispose : undefined);
}

function isStream(body: object): boolean {
  return typeof ReadableStream === 'function' && body instanceof ReadableStream;
}
