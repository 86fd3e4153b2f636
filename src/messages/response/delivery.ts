/**
 * Delivers a response to the gateway, in phases:
 *
 * - `dispatching`: the program is being called, nothing leaves. A response that is complete when the call returns is
 *   one array: no promise.
 * - `waiting`: the gateway has a promise. It is of an array too if the response is complete before anything must
 *   leave, so that the gateway knows its length.
 * - `streaming`: something had to leave. The gateway has an iterable, from which it pulls the content.
 * - `answered`: the gateway has it all. `released`: it wants no more but the program goes on, as after HEAD.
 *
 * `write()` carries no content. With an empty chunk it sends the head for `flushHeaders`, as PEP 3333 provides.
 *
 * Rule 1: `startResponse` is called as late as possible, in the tick of the first octets. Until then an error can
 *         become the gateway's answer, as the very value that was thrown.
 * Rule 2: what a gateway tells is passed on in its own tick (why: request/content-feed.ts, rule 2).
 */

import type { WriteCallback } from '../../node-internals/index.ts';
import type { ConnectionDirectives } from '../../port.ts';
import type { ApplicationFunction, Body, Environ, StartResponse, Write } from '../../wsgi.ts';
import { FLUSH } from './directives.ts';
import { sendTrailers } from './interim.ts';
import type { Batch, Outgoing } from './outgoing.ts';
import { type BodyListener, PulledBody } from './pulled-body.ts';

/** Listener for the progress of a delivery. */
export interface DeliveryListener {
  /** Pieces are on their way to a gateway that waits for them. */
  batchLeaving(batch: Batch): void;
  /** The gateway took pieces. */
  taken(batch: Batch): void;
  /** The gateway needs nothing more. */
  delivered(): void;
  /** The client has left, or the gateway has cut the response off. */
  lost(error: unknown): void;
  /** `startResponse` threw; the gateway answers for it. */
  failed(error: unknown): void;
  /** The client left, as far as a gateway without extension keys can tell. */
  disconnected(): void;
}

type Phase = 'dispatching' | 'waiting' | 'streaming' | 'answered' | 'released' | 'over';

const EMPTY = new Uint8Array(0);
const NO_CALLBACKS: readonly WriteCallback[] = [];

/** Delivers one response. */
export class Delivery implements BodyListener {
  phase: Phase = 'dispatching';
  /** The gateway will report how the response ended. */
  isEndReported = false;
  /** Callbacks that wait for the pieces of an array. */
  callbacks: readonly WriteCallback[] = NO_CALLBACKS;
  readonly startResponse: StartResponse;
  readonly #environ: Environ;
  readonly #outgoing: Outgoing;
  readonly #listener: DeliveryListener;
  #write: Write | undefined;
  #body: PulledBody | undefined;
  #resolve: ((body: Body | Promise<Body>) => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;
  #isFlushWanted = false;

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

  #begin(): void {
    const head = this.#outgoing.takeHead();
    if (head.directives !== undefined) this.direct(head.directives);
    if (this.#outgoing.trailer !== '') sendTrailers(this.#environ, this.#outgoing.trailer);
    this.#write = this.startResponse(head.status, head.fields);
  }

  /** Gives the body of a complete response. */
  answerAtOnce(): Uint8Array[] {
    this.#begin();
    const { pieces, callbacks } = this.#outgoing.takeBatch();
    this.phase = 'answered';
    this.callbacks = callbacks;
    return pieces;
  }

  /** Gives the body of a response that is not complete yet. */
  wait(): Promise<Body> {
    this.phase = 'waiting';
    const promise = new Promise<Body>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.watch();
    if (this.#isFlushWanted) this.flush();
    return promise;
  }

  /** Lets another application answer the waiting gateway. */
  passTo(application: ApplicationFunction): void {
    this.phase = 'over';
    try {
      this.#resolve?.(application(this.#environ, this.startResponse));
    } catch (error) {
      this.#reject?.(error);
    }
  }

  /** Asks the gateway to report how the response ends. */
  watch(): void {
    const onFinished = this.#environ['gateway.on_finished'];
    if (typeof onFinished === 'function') {
      this.isEndReported = true;
      onFinished((_environ: Environ, _status: unknown, _headers: unknown, error: unknown) => {
        process.nextTick(tellEnd, this.#listener, error);
      });
      return;
    }
    const signal = this.#environ['gateway.signal'];
    if (typeof signal !== 'function') return;
    const abort: AbortSignal = signal();
    const onAbort = () => process.nextTick(tellEnd, this.#listener, abort.reason);
    abort.addEventListener('abort', onAbort, { once: true });
  }

  /** Lets everything go that was taken so far. */
  flush(): void {
    if (this.phase === 'dispatching') this.#isFlushWanted = true;
    else if (this.phase === 'waiting') this.#startStreaming();
    else if (this.phase === 'streaming') this.#addTaken();
    else if (this.phase === 'released') this.drop();
  }

  /** Lets the rest go: the response is complete. */
  end(): void {
    if (this.phase === 'waiting') {
      this.#answerLater();
    } else if (this.phase === 'streaming') {
      if (this.#outgoing.trailer !== '') sendTrailers(this.#environ, this.#outgoing.trailer);
      this.#addTaken();
      this.#body?.end();
    } else if (this.phase === 'released') {
      this.drop();
    }
  }

  #answerLater(): void {
    try {
      this.#resolve?.(this.answerAtOnce());
    } catch (error) {
      this.#listener.failed(error);
      return;
    }
    // The gateway sends in its reactions to the promise; this comes after them.
    if (!this.isEndReported) queueMicrotask(() => process.nextTick(tellEnd, this.#listener, undefined));
  }

  #startStreaming(): void {
    try {
      this.#begin();
    } catch (error) {
      this.#listener.failed(error);
      return;
    }
    this.phase = 'streaming';
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

  #addTaken(): void {
    if (!this.#outgoing.isEmpty) this.#add(this.#outgoing.takeBatch());
  }

  #add(batch: Batch): void {
    // While an earlier batch waits, this one waits too, even if the connection below is empty.
    if (this.isTaken) this.#listener.batchLeaving(batch);
    this.#body?.add(batch);
  }

  /** The gateway has taken everything that it was given. */
  get isTaken(): boolean {
    return this.#body === undefined || this.#body.isEmpty;
  }

  /** The gateway has the body, and is about to ask for the first piece. */
  get isAboutToBegin(): boolean {
    return this.#body?.hasBegun === false;
  }

  /** The octets that the gateway was given. */
  get givenLength(): number {
    return this.#body?.length ?? 0;
  }

  /** Reports all batches as taken, because everything has gone. */
  settle(): void {
    if (this.isTaken) return;
    for (const batch of this.#body?.batches ?? []) this.#listener.taken(batch);
  }

  /** Gives up what the gateway has not taken, and tells those who wait for it. */
  giveUp(error: Error): void {
    for (const batch of this.#body?.takeAll() ?? []) {
      for (const callback of batch.callbacks) process.nextTick(callback, error);
    }
  }

  batchTaken(batch: Batch): void {
    process.nextTick(tellTaken, this.#listener, batch);
  }

  ended(): void {
    this.phase = 'answered';
    if (!this.isEndReported) process.nextTick(tellEnd, this.#listener, undefined);
  }

  closed(): void {
    if (!this.isEndReported) process.nextTick(tellClosed, this.#listener, this.phase === 'answered');
  }

  /** The gateway wants no more, but the program goes on. */
  release(): void {
    this.phase = 'released';
    for (const batch of this.#body?.takeAll() ?? []) process.nextTick(tellTaken, this.#listener, batch);
    this.drop();
  }

  /** Takes pieces that go nowhere. */
  drop(): void {
    process.nextTick(tellTaken, this.#listener, this.#outgoing.takeBatch());
  }

  /** Tells a waiting gateway that the response failed. */
  fail(error: unknown): void {
    this.phase = 'over';
    this.#reject?.(error);
    this.#body?.fail(error);
  }

  /**
   * Tells a waiting gateway that the program has cut the connection.
   *
   * @returns true if everything sent before has gone
   */
  cut(error: unknown, socket: { readonly isHostSocketEmpty: boolean }): boolean {
    this.fail(error);
    this.direct(FLUSH);
    return this.isTaken && socket.isHostSocketEmpty;
  }
}

function ignore(): void {}

function tellTaken(listener: DeliveryListener, batch: Batch): void {
  listener.taken(batch);
}

function tellEnd(listener: DeliveryListener, error: unknown): void {
  if (error === undefined) listener.delivered();
  else listener.lost(error);
}

function tellClosed(listener: DeliveryListener, isAnswered: boolean): void {
  if (isAnswered) listener.delivered();
  else listener.disconnected();
}
