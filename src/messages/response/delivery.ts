/**
 * Gives a response to the gateway, and tells the exchange how it fares. The exchange decides when: it has the phases.
 *
 * A response that is complete when the call or the promise returns is an array, so that the gateway knows its length. Any
 * other is an iterable, from which the gateway pulls the content. `write()` carries no content: with an empty chunk it
 * sends the head for `flushHeaders`, as PEP 3333 provides.
 *
 * Rule 1: `startResponse` is called as late as possible, in the tick of the first octets. Until then an error can
 *         become the gateway's answer, as the very value that was thrown.
 * Rule 2: what a gateway tells is passed on in its own tick (why: request/content-feed.ts, rule 2).
 * Rule 3: a gateway without `gateway.on_finished` tells by its iteration when memory of the program may be used again.
 */

import { disconnection } from '../../errors.ts';
import type { ResponseMessage } from '../../node-internals/index.ts';
import type { ConnectionDirectives } from '../../port.ts';
import type { Body, Environ, StartResponse, Write } from '../../wsgi.ts';
import { FLUSH } from './directives.ts';
import { sendTrailers } from './interim.ts';
import { type Batch, callBack, failCallbacks, type Outgoing } from './outgoing.ts';
import { type BodyListener, PulledBody } from './pulled-body.ts';

/** Listener for the progress of a delivery. */
export interface DeliveryListener {
  readonly response: ResponseMessage;
  readonly socket: { readonly isHostSocketEmpty: boolean };
  /** Pieces are on their way to a gateway that waits for them. */
  batchLeaving(batch: Batch): void;
  /** The gateway took the first `count` pieces of a batch. */
  taken(batch: Batch, count: number): void;
  /** The gateway needs nothing more. */
  delivered(): void;
  /** The client has left, or the gateway has cut the response off. */
  lost(error: unknown): void;
  /** `startResponse` threw; the gateway answers for it. */
  failed(error: unknown): void;
}

const EMPTY = new Uint8Array(0);
const NO_ACTIONS: readonly never[] = [];

/** Delivers one response. */
export class Delivery implements BodyListener {
  /** The gateway will report how the response ended. */
  isEndReported = false;
  /** The gateway has a complete response, and has not told yet that it has gone. */
  isAwaited = false;
  readonly startResponse: StartResponse;
  readonly #environ: Environ;
  readonly #outgoing: Outgoing;
  readonly #listener: DeliveryListener;
  #write: Write | undefined;
  /** The pieces of an array, if callbacks wait for them. */
  #batch: Batch | undefined;
  #body: PulledBody | undefined;
  #resolve: ((body: Body | Promise<Body>) => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;
  #afterSent: readonly (() => void)[] = NO_ACTIONS;

  constructor(
    outgoing: Outgoing,
    listener: DeliveryListener,
    { environ, startResponse }: { readonly environ: Environ; readonly startResponse: StartResponse },
  ) {
    this.#outgoing = outgoing;
    this.#listener = listener;
    this.#environ = environ;
    this.startResponse = startResponse;
  }

  /** Asks the gateway for something about the connection, if it can do that. */
  direct(directives: ConnectionDirectives): void {
    const direct = this.#environ['gateway.connection'];
    if (typeof direct === 'function') direct(directives);
  }

  #begin(computedLength?: number): void {
    const head = this.#outgoing.takeHead();
    if (head.directives !== undefined) this.direct(head.directives);
    if (this.#outgoing.trailer !== '') sendTrailers(this.#environ, this.#outgoing.trailer);
    if (computedLength !== undefined && head.directives?.computeLength !== false && !hasLength(head.fields))
      head.fields.push(['Content-Length', `${computedLength}`]);
    this.#write = this.startResponse(head.status, head.fields);
  }

  /** Gives a complete response as a body. @throws what startResponse throws */
  answer(): Body {
    const outgoing = this.#outgoing;
    const mayKeep = !outgoing.isBorrowed || typeof this.#environ['gateway.on_finished'] === 'function';
    if (!mayKeep && !outgoing.copyBorrowed()) return this.#answerByIteration();
    this.#begin();
    const batch = outgoing.takeBatch();
    if (batch.callbacks.length > 0) this.#batch = batch;
    return batch.pieces;
  }

  #answerByIteration(): Body {
    this.#begin(this.#outgoing.contentLength);
    const body = new PulledBody(this);
    this.#body = body;
    body.add(this.#outgoing.takeBatch());
    body.end();
    return body;
  }

  /** Promises the body of a response that is not complete yet. */
  wait(): Promise<Body> {
    const promise = new Promise<Body>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#watch();
    if (!this.#outgoing.isFlushed) this.#act();
    return promise;
  }

  /** Gives the gateway the answer of an application, if it waits for one. */
  passTo(answer: () => Body | Promise<Body>): void {
    if (this.#resolve === undefined) return;
    try {
      this.#resolve(answer());
    } catch (error) {
      this.#reject?.(error);
    }
  }

  /** Answers the waiting gateway with a complete response. */
  answerLater(): void {
    try {
      this.#resolve?.(this.answer());
    } catch (error) {
      this.#listener.failed(error);
      return;
    }
    // The gateway sends in its reactions to the promise; this comes after them.
    queueMicrotask(() => this.#tellUnlessReported());
  }

  /** Follows an answer that was given at once, to its end. */
  follow(): void {
    this.#watch();
    this.#tellUnlessReported();
  }

  /** An array is taken for sent if neither the gateway nor its iteration tells. */
  #tellUnlessReported(): void {
    if (!this.isEndReported && this.#body === undefined) process.nextTick(tellEnd, this, undefined);
  }

  #watch(): void {
    const onFinished = this.#environ['gateway.on_finished'];
    if (typeof onFinished === 'function') {
      this.isEndReported = true;
      onFinished((_environ: Environ, _status: unknown, _headers: unknown, error: unknown) => {
        process.nextTick(tellEnd, this, error);
      });
      return;
    }
    const signal = this.#environ['gateway.signal'];
    if (typeof signal !== 'function') return;
    const abort: AbortSignal = signal();
    const onAbort = () => process.nextTick(tellEnd, this, abort.reason);
    abort.addEventListener('abort', onAbort, { once: true });
  }

  /** Gives the waiting gateway an iterable, and what was taken so far. */
  stream(): void {
    try {
      this.#begin();
    } catch (error) {
      this.#listener.failed(error);
      return;
    }
    const batch = this.#outgoing.takeBatch();
    if (batch.pieces.length === 0) this.#sendHead();
    const body = new PulledBody(this);
    this.#body = body;
    this.#add(batch);
    this.#resolve?.(body);
  }

  /** PEP 3333: the first call of write sends the head, even with nothing. */
  #sendHead(): void {
    try {
      // It tells of a client that has left; so does the iteration.
      Promise.resolve(this.#write?.(EMPTY)).catch(ignore);
    } catch {}
  }

  /** Adds what was taken since to the iterable. */
  add(): void {
    if (!this.#outgoing.isEmpty) this.#add(this.#outgoing.takeBatch());
  }

  #add(batch: Batch): void {
    // While an earlier batch waits, this one waits too, even if the connection below is empty.
    if (this.isTaken) this.#listener.batchLeaving(batch);
    this.#body?.add(batch);
  }

  /** Adds the rest, and ends the iterable. */
  end(): void {
    if (this.#outgoing.trailer !== '') sendTrailers(this.#environ, this.#outgoing.trailer);
    this.add();
    this.#body?.end();
  }

  /** The gateway has taken everything that it was given. */
  get isTaken(): boolean {
    return this.#body === undefined || this.#body.isEmpty;
  }

  /** The same, and nothing waits below. */
  get isGone(): boolean {
    return this.isTaken && this.#listener.socket.isHostSocketEmpty;
  }

  /** The gateway has the body, and is about to ask for the first piece. */
  get isAboutToBegin(): boolean {
    return this.#body?.hasBegun === false;
  }

  /** Reports everything as taken, because it has gone. */
  settle(): void {
    if (this.#batch !== undefined) callBack(this.#batch);
    if (this.isTaken) return;
    for (const batch of this.#body?.batches ?? []) this.#listener.taken(batch, batch.pieces.length);
  }

  /** Gives up what the gateway has not taken, and tells those who wait for it. */
  giveUp(error: Error): void {
    for (const batch of this.#body?.takeAll() ?? []) failCallbacks(batch, error);
  }

  batchTaken(batch: Batch, count: number): void {
    // Without a listener nothing of the program runs, and a tick for each event is saved.
    const isHeard = batch.callbacks.length > 0 || this.#outgoing.isDrainOwed || this.isDeferring;
    if (batch.length === 0 && !isHeard) this.#listener.taken(batch, count);
    else process.nextTick(tellTaken, this, batch, count);
  }

  ended(): void {
    if (!this.isEndReported) process.nextTick(tellEnd, this, undefined);
  }

  closed(): void {
    // Without content, or with all that was declared, a gateway may stop early; else its client has left.
    const { _hasBody: hasBody, _contentLength: length } = this.#listener.response;
    const isOwed = hasBody && !(typeof length === 'number' && (this.#body?.length ?? 0) >= length);
    // The end that the gateway reports is that of the response, which middleware may have ended without this body.
    if (isOwed) process.nextTick(tellEnd, this, disconnection('response'));
    else if (!this.isEndReported) process.nextTick(tellEnd, this, undefined);
  }

  /** Ends the waiting of the gateway without a response: the socket was handed over. */
  leave(): void {
    this.#resolve?.([]);
    this.release();
  }

  /** The gateway wants no more, but the program goes on. */
  release(): void {
    for (const batch of this.#body?.takeAll() ?? []) this.batchTaken(batch, batch.pieces.length);
    this.drop();
  }

  /** Takes pieces that go nowhere. */
  drop(): void {
    const batch = this.#outgoing.takeBatch();
    this.batchTaken(batch, batch.pieces.length);
  }

  /** Tells a waiting gateway that the response failed. */
  fail(error: unknown): void {
    this.#afterSent = NO_ACTIONS;
    this.#reject?.(error);
    this.#body?.fail(error);
  }

  /**
   * Tells a waiting gateway that the program has cut the connection.
   *
   * @returns true if everything sent before has gone
   */
  cut(error: unknown): boolean {
    this.fail(error);
    this.direct(FLUSH);
    return this.isGone;
  }

  /** Something waits until what was sent before has gone. */
  get isDeferring(): boolean {
    return this.#afterSent.length > 0;
  }

  /**
   * Acts on the connection past the response, once everything sent before has gone. On node the octets of a complete response have
   * gone when `end()` returns.
   *
   * @param isCalling The gateway gets nothing before the program returns
   */
  runAfterSent(action: () => void, isCalling: boolean): void {
    this.#afterSent = [...this.#afterSent, action];
    if (!isCalling) this.#act();
  }

  #act(): void {
    if (this.isAwaited || !this.isTaken || !this.isDeferring) return;
    const actions = this.#afterSent;
    this.#afterSent = NO_ACTIONS;
    this.direct(FLUSH);
    for (const action of actions) action();
  }

  /** Called in a tick of its own. */
  tellTaken(batch: Batch, count: number): void {
    this.#listener.taken(batch, count);
    this.#act();
  }

  /** Called in a tick of its own. */
  tellEnd(error: unknown): void {
    this.isAwaited = false;
    if (error === undefined) {
      this.#act();
      this.#listener.delivered();
    } else {
      this.#listener.lost(error);
    }
  }
}

function ignore(): void {}

function hasLength(fields: readonly (readonly [name: string, value: string])[]): boolean {
  return fields.some(([name]) => name.toLowerCase() === 'content-length');
}

function tellTaken(delivery: Delivery, batch: Batch, count: number): void {
  delivery.tellTaken(batch, count);
}

function tellEnd(delivery: Delivery, error: unknown): void {
  delivery.tellEnd(error);
}
