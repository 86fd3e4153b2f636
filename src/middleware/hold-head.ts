/**
 * Holds the head of a response back until it has to go: with the first chunk, or at the end.
 *
 * Until then the inner application may replace it by a second call with `excInfo`, and the middleware may drop it.
 */
import { ApplicationError } from '../errors.ts';
import { isPlainArray } from '../gateway/body-reader.ts';
import { onNextTurn } from '../gateway/platform.ts';
import type { Body, Chunk, StartResponse, Write } from '../wsgi.ts';
import { passHead } from './change-head.ts';
import { copyHead, type StartedHead } from './started-head.ts';
import { END_OF_BODY, withBody, wrapWith } from './wrapped-body.ts';

/** A head that is held back. */
export interface HeldHead {
  /** The startResponse of the inner application. */
  readonly startResponse: StartResponse;
  /** The latest head; undefined before the inner application has begun its response. */
  readonly head: StartedHead | undefined;
  /** The head has gone. */
  readonly isSent: boolean;
  /** Sends the head now, if there is one. */
  send(): void;
  /** Wraps the body of the inner application, or the promise of it, so that the head goes in time. */
  body(body: Body | Promise<Body>): Body | Promise<Body>;
}

/** Functions that see a response as it goes. */
export interface HeldHeadHooks {
  /**
   * Called when the head goes; changes it in place.
   *
   * @param content All chunks, if the body is an array and nothing was written; else undefined
   */
  readonly onHead: (head: StartedHead, content: readonly Chunk[] | undefined) => void;
  /** Called with each chunk that is written or returned, after `onHead`. As in {@link wrapBody}. */
  readonly onChunk?: ((chunk: Chunk) => Chunk | typeof END_OF_BODY | undefined) | undefined;
  /** `onChunk` changes no chunk, so that the length of a file stays known. @default false */
  readonly isTransparent?: boolean | undefined;
}

/**
 * Holds the head of a response back until it has to go: with the first chunk, with the first call of `write`, or at the end of the
 * body. An array goes at once. A head that replaces one that has gone, before its content has, is changed like the first.
 *
 * @param startResponse What the middleware was given
 * @param hooks `onHead`, which changes the head in place when it goes, or both hooks
 * @returns what the inner application is given, and a method that wraps its body
 * @example
 * const held = holdHead(startResponse, (head, content) => {
 *   if (content !== undefined) head.headers.set('X-Chunks', String(content.length));
 * });
 * return held.body(application(environ, held.startResponse));
 */
export function holdHead(
  startResponse: StartResponse,
  hooks: HeldHeadHooks['onHead'] | HeldHeadHooks,
): HeldHead {
  const all = typeof hooks === 'function' ? { onHead: hooks } : hooks;
  if (typeof startResponse !== 'function' || typeof all?.onHead !== 'function')
    throw new TypeError(
      'holdHead must get startResponse and onHead: holdHead(startResponse, { onHead, onChunk })',
    );
  return new Hold(startResponse, all);
}

class Hold implements HeldHead {
  head: StartedHead | undefined;
  isSent = false;
  readonly #outer: StartResponse;
  readonly #hooks: HeldHeadHooks;
  #excInfo: unknown;
  #write: Write | undefined;

  constructor(outer: StartResponse, hooks: HeldHeadHooks) {
    this.#outer = outer;
    this.#hooks = hooks;
  }

  readonly startResponse: StartResponse = (status, headers, excInfo) => {
    const isReplacement = excInfo !== undefined && excInfo !== null;
    if (!isReplacement && this.head !== undefined) {
      throw new ApplicationError('WSGI_ERR_START_RESPONSE_REPEATED');
    }
    const head = copyHead(status, headers);
    if (head === undefined) {
      // The gateway says what is wrong with it.
      this.#write = passHead(this.#outer, { status, headers, excInfo });
      this.isSent = true;
      return this.#take;
    }
    this.head = head;
    this.#excInfo = excInfo;
    if (this.isSent) {
      // Throws `excInfo` if the gateway has sent the head; else the head is replaced.
      this.isSent = false;
      this.#send(undefined);
    }
    return this.#take;
  };

  readonly #take: Write = (data) => {
    this.send();
    const chunk = this.#hooks.onChunk?.(data) ?? data;
    if (this.#write === undefined) return new Promise<void>(onNextTurn);
    if (chunk === END_OF_BODY) return throwAway(this.#write);
    return this.#write(chunk);
  };

  send(): void {
    this.#send(undefined);
  }

  #send(content: readonly Chunk[] | undefined): void {
    const { head } = this;
    if (this.isSent || head === undefined) return;
    this.isSent = true;
    this.#hooks.onHead(head, content);
    const excInfo = this.#excInfo;
    this.#excInfo = undefined;
    this.#write = passHead(this.#outer, { status: head.status, headers: head.headers.list, excInfo });
  }

  body(body: Body | Promise<Body>): Body | Promise<Body> {
    return withBody(body, (given) => {
      if (isPlainArray(given)) this.#send(given);
      const { onChunk, isTransparent = onChunk === undefined } = this.#hooks;
      return wrapWith(given, {
        onChunk: (chunk) => {
          // PEP 3333: startResponse comes before the first chunk, even an empty one. A replaced head may still come.
          this.send();
          return onChunk?.(chunk);
        },
        onEnd: () => this.send(),
        isTransparent,
      });
    });
  }
}

const EMPTY = new Uint8Array(0);

/**
 * Takes content that goes nowhere: in the next turn, so that an application that writes on and on does not block the process, and
 * only while the client is there.
 */
function throwAway(write: Write): Promise<void> {
  const taken = write(EMPTY).then(() => new Promise<void>(onNextTurn));
  // The application need not wait for it.
  taken.catch(() => {});
  return taken;
}
