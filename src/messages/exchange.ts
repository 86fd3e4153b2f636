/**
 * Runs one exchange: a program written for node:http answers a request that came through a gateway.
 *
 * Its life is one {@link Phase}; each event is a method:
 *
 * | phase     | run returns    | flush     | ended     | cut         | delivered | lost   |
 * | --------- | -------------- | --------- | --------- | ----------- | --------- | ------ |
 * | calling   | waiting (1)    | later     | – (1)     | closed (2)  | –         | –      |
 * | waiting   |                | streaming | complete  | closed      | released  | closed |
 * | streaming |                | adds      | complete  | closed      | released  | closed |
 * | complete  |                |           |           | after it    | finished  | closed |
 * | passed    |                |           |           | cuts below  | finished  | closed |
 * | released  |                | drops     | complete  | cuts below  | –         | closed |
 * | finished  |                |           |           | cuts below  | –         | –      |
 * | closed    |                |           |           | –           | –         | –      |
 *
 * flush: output must leave. ended: the response is complete. cut: the program destroys its socket. delivered: the
 * gateway wants no more. lost: the client left, or the gateway failed. (1) complete, if the response is. (2) after it,
 * if it is complete. after it: the cut follows what leaves within two turns. A program that fails closes the exchange
 * while waiting or streaming, and while calling if it throws before it has ended its response; otherwise its error is
 * logged. finishing is on the way to finished: callbacks of `end()` run.
 *
 * A complete response is finished when the gateway reports so, or before: if it is small, or if nothing of it waits
 * below (response/finishing.ts). node emits 'finish' then, and after it 'close'; a closed exchange emits 'close' alone.
 */
import { cutByProgram } from '../errors.ts';
import { logError, logOf } from '../gateway/failure-log.ts';
import { isPromise, toPromise } from '../gateway/promise.ts';
import {
  connectionReset,
  type RequestMessage,
  type ResponseMessage,
  streamDestroyed,
} from '../node-internals/index.ts';
import type { ApplicationFunction, Body, Environ, HandedOver, StartResponse } from '../wsgi.ts';
import { publishStart } from './diagnostics.ts';
import { isOver, type Phase } from './exchange-phase.ts';
import type { MessageConstructors } from './message-constructors.ts';
import { createRequest, createResponse } from './message-pair.ts';
import { ContentFeed, type ContentListener, contentLength } from './request/content-feed.ts';
import { endAnswered, endEmpty, type Remainder } from './request/request-endings.ts';
import { showContent } from './request/shown-content.ts';
import { Delivery, type DeliveryListener } from './response/delivery.ts';
import { CLOSE, CUT, HALF_CLOSE_ENDS, HALF_CLOSE_IS_FINE } from './response/directives.ts';
import {
  type Finishing,
  finish,
  finished,
  finishIfGone,
  finishOncePulled,
  finishSoon,
  hearFinish,
  isUnobserved,
} from './response/finishing.ts';
import { type Batch, callBack, emitDrain, Outgoing, type OutgoingListener } from './response/outgoing.ts';
import { causeOf, emitResponseClose, setSocket } from './response/response-endings.ts';
import type { MessageSocket, SocketOwner } from './socket/message-socket.ts';
import { socketFor } from './socket/socket-registry.ts';
import { hasBegun, Successor } from './successor.ts';

/** A listener or an app: takes requests as node:http gives them. */
export type Dispatch = (this: unknown, request: RequestMessage, response: ResponseMessage) => unknown;

/** One exchange. */
export class Exchange
  implements SocketOwner, OutgoingListener, ContentListener, DeliveryListener, Finishing, Remainder
{
  readonly environ: Environ;
  readonly request: RequestMessage;
  readonly response: ResponseMessage;
  readonly socket: MessageSocket;
  readonly outgoing: Outgoing;
  readonly delivery: Delivery;
  phase: Phase = 'calling';
  /** Only a tick is left before 'finish'. */
  isFinishing = false;
  /** The program cut the connection after its response was complete. */
  isCut = false;
  #feed: ContentFeed | undefined;
  #isContentOver = false;
  /** The program asked for content before a request without content could end. */
  #isContentWanted = false;
  /** An application that the program has reached has the socket. */
  #isHandedOver = false;
  /** Answers in the program's place. */
  #successor: Successor | undefined;

  constructor(environ: Environ, startResponse: StartResponse, constructors: MessageConstructors) {
    this.environ = environ;
    const socket = socketFor(environ);
    this.socket = socket;
    this.request = createRequest(environ, constructors, socket);
    this.response = createResponse(environ, constructors, this.request);
    this.outgoing = new Outgoing(this.response, this);
    this.delivery = new Delivery(this.outgoing, this, { environ, startResponse });
    socket.attach(this, this.response, environ);
    setSocket(this.response, socket);
    const upgrade = environ['gateway.upgrade'];
    if (upgrade === undefined) return;
    const handOver = (): HandedOver => this.#handOver(upgrade);
    environ['gateway.upgrade'] = handOver;
  }

  /** Hands the socket over to an application that the program has reached: there is no response then. */
  #handOver(upgrade: () => HandedOver): HandedOver {
    const handedOver = upgrade();
    this.#isHandedOver = true;
    this.socket.detachResponse(this.response);
    if (this.phase === 'waiting') {
      this.phase = 'released';
      this.delivery.leave();
    }
    return handedOver;
  }

  /** Calls the program and gives a gateway application's result. @throws what it throws before `end()` */
  run(dispatch: Dispatch): Body | Promise<Body> {
    publishStart(this.request, this.response, this.socket);
    try {
      // node's server too calls its listeners with itself as `this`.
      const returned = dispatch.call(this.socket.server, this.request, this.response);
      if (isPromise(returned))
        toPromise(returned).then(undefined, (error: unknown) => this.programFailed(error));
    } catch (error) {
      if (!this.outgoing.isEnded) {
        this.#abandon();
        throw error;
      }
      this.programFailed(error);
    }
    if (this.#successor !== undefined) return this.#successor.result();
    if (contentLength(this.environ, this.request) === 0) endEmpty(this.request, this.#isContentWanted, this);
    else if (!this.outgoing.isEnded) this.feed.watch();
    if (this.isClosed) throw cutByProgram(this.socket.errored ?? undefined);
    if (this.#isHandedOver) {
      this.phase = 'released';
      this.delivery.release();
      return [];
    }
    return this.outgoing.isEnded ? this.#answer() : this.#wait();
  }

  #answer(): Body {
    const { delivery } = this;
    if (this.isCut) delivery.direct(this.socket.hasHostSocket ? CUT : CLOSE);
    const isSmall = this.outgoing.isSmall && !this.isFinishing && !delivery.isDeferring;
    // Saves the tick if nobody listens: mostly the only one of a request.
    const isQuiet = isSmall && this.request.complete && isUnobserved(this);
    if (isSmall && !isQuiet) finishSoon(this);
    try {
      const body = delivery.answer();
      this.phase = 'complete';
      if (isQuiet) finish(this);
      else if (!this.isFinishing || delivery.isDeferring) delivery.follow();
      return body;
    } catch (error) {
      this.#abandon();
      throw error;
    }
  }

  #wait(): Promise<Body> {
    this.delivery.direct(HALF_CLOSE_ENDS);
    this.phase = 'waiting';
    const promise = this.delivery.wait();
    if (this.outgoing.isFlushed) this.flush();
    return promise;
  }

  /**
   * Lets an application answer in the program's place, with the headers that the program has set, or its own instead.
   * @throws node's ERR_HTTP_HEADERS_SENT if the program has begun its response
   */
  passTo(application: ApplicationFunction): void {
    const mayPass = this.phase === 'calling' || this.phase === 'waiting';
    if (this.response.headersSent || this.outgoing.isEnded || !mayPass) throw hasBegun();
    const successor = new Successor(application, this.response, this);
    this.#successor = successor;
    if (this.phase === 'calling' && contentLength(this.environ, this.request) === 0)
      endEmpty(this.request, this.#isContentWanted, this);
    this.phase = 'passed';
    this.delivery.direct(HALF_CLOSE_IS_FINE);
    showContent(this.environ, this.request);
    successor.call(this.environ, this.delivery.startResponse);
    this.delivery.passTo(() => successor.result());
    if (!successor.isEndReported) this.#abandon();
  }

  succeeded(): void {
    finished(this);
  }

  // Called by the response (OutgoingListener).

  get isClosed(): boolean {
    return this.phase === 'closed' || this.phase === 'passed';
  }

  flush(): void {
    // Uncorked, but nothing was held back.
    if (!this.response._headerSent) return;
    if (this.phase === 'calling') {
      this.outgoing.isFlushed = true;
      this.outgoing.sendSoon(this.socket);
    } else if (this.phase === 'waiting') {
      this.phase = 'streaming';
      this.delivery.stream();
    } else if (this.phase === 'streaming') {
      this.delivery.add();
    } else if (this.phase === 'released') {
      this.delivery.drop();
    }
  }

  ended(): void {
    const { delivery, outgoing } = this;
    if (outgoing.finish === undefined) hearFinish(this);
    if (this.phase === 'calling') {
      // A small response leaves before the next tick.
      if (!outgoing.isSmall) finishIfGone(this, true);
      else if (!isUnobserved(this)) finishSoon(this);
    } else if (this.phase === 'waiting') {
      if (outgoing.isSmall) finishSoon(this);
      else finishIfGone(this, false);
      this.#complete();
      delivery.answerLater();
    } else if (this.phase === 'streaming') {
      this.#complete();
      delivery.end();
      if (delivery.isGone) finishSoon(this);
      else if (delivery.isAboutToBegin) finishOncePulled(this);
    } else if (this.phase === 'released') {
      this.phase = 'complete';
      delivery.drop();
      finishSoon(this);
    }
  }

  #complete(): void {
    this.phase = 'complete';
    this.delivery.isAwaited = true;
    // A client that closes its half now still gets what was written.
    this.delivery.direct(HALF_CLOSE_IS_FINE);
  }

  // Called on the way to the gateway (DeliveryListener).

  batchLeaving(batch: Batch): void {
    if (this.socket.isHostSocketEmpty) this.socket.credit(batch);
  }

  taken(batch: Batch, count: number): void {
    if (this.isClosed) return;
    if (count >= batch.pieces.length) {
      this.socket.credit(batch);
      this.socket.refresh();
      if (this.socket.writableLength === 0) emitDrain(this.response);
    }
    callBack(batch, count);
  }

  delivered(): void {
    if (this.isCut) this.socket.destroyHostSocket();
    if (this.phase === 'complete') {
      finish(this);
    } else if (this.phase === 'waiting' || this.phase === 'streaming') {
      this.phase = 'released';
      this.delivery.release();
    }
    this.#detachWhenOver();
  }

  /** The messages hear of it from their socket. */
  lost(error: unknown): void {
    if (isOver(this.phase)) return;
    this.#close();
    this.delivery.fail(error);
    this.socket.lose(causeOf(error));
  }

  failed(error: unknown): void {
    this.delivery.fail(error);
    this.#abandon();
  }

  /** The program threw, or its promise rejected. */
  programFailed(error: unknown): void {
    if (this.phase === 'waiting') this.failed(error);
    else if (this.phase === 'streaming') this.lost(error);
    else logError(logOf(this.environ), error);
  }

  /** Ends the messages, but not the connection. */
  #abandon(): void {
    this.#close();
    this.socket.detachResponse(this.response);
    this.socket.detach(this);
    process.nextTick(emitResponseClose, this.response);
  }

  #close(keepsQueue = false): void {
    this.phase = 'closed';
    const error = this.socket.errored ?? streamDestroyed();
    this.outgoing.drop(error);
    if (!keepsQueue) this.delivery.giveUp(error);
  }

  // Called when the response has gone (Finishing).

  get isLeaving(): boolean {
    return (this.isFinishing || this.phase === 'passed') && this.request.complete;
  }

  finished(): void {
    // A successor reads the content itself, also after its response.
    const isLeft = this.#successor !== undefined && !this.request.complete;
    if (isLeft || endAnswered(this.request, this)) this.#isContentOver = true;
    this.#detachWhenOver();
  }

  // Called by the socket (SocketOwner).

  cut(error: Error | undefined): void {
    const { socket } = this;
    if (this.phase === 'waiting' || this.phase === 'streaming') {
      // On node an empty socket has sent what was written; here the gateway may not have pulled it yet.
      this.#close(socket.isHostSocketEmpty);
      // Otherwise what was written would be lost; the gateway ends the connection once that has gone.
      if (this.delivery.cut(cutByProgram(error))) socket.destroyHostSocket();
    } else if (this.phase === 'calling' && !this.outgoing.isEnded) {
      this.#close();
    } else if (this.phase === 'calling' || this.delivery.isAwaited) {
      // On node a complete response has gone by now; here the gateway is about to send it.
      this.isCut = true;
    } else {
      socket.destroyHostSocket();
    }
  }

  closed(): void {
    if (this.isFinishing) finish(this);
    if (this.isCut) this.socket.destroyHostSocket();
    // node's server forgets a request once it is answered.
    if (this.phase === 'finished') return;
    this.phase = 'closed';
    this.request.destroy(connectionReset());
    emitResponseClose(this.response);
  }

  runAfterSent(action: () => void): void {
    // Also what is corked leaves first.
    this.flush();
    this.delivery.runAfterSent(action, this.phase === 'calling');
  }

  suspendHostTimeout(): void {
    this.delivery.direct({ timeout: 0 });
  }

  resume(): void {
    const mayCall = this.phase === 'calling' || this.phase === 'closed';
    if (mayCall && contentLength(this.environ, this.request) === 0) this.#isContentWanted = true;
    else this.feed.resume();
  }

  // Called by the content (ContentListener, Remainder).

  get feed(): ContentFeed {
    this.#feed ??= new ContentFeed(this.environ, this.request, this);
    return this.#feed;
  }

  contentEnded(): void {
    this.#isContentOver = true;
    this.#detachWhenOver();
  }

  #detachWhenOver(): void {
    const isSent = !this.delivery.isAwaited && !this.delivery.isDeferring;
    if (this.phase === 'finished' && this.#isContentOver && isSent) this.socket.detach(this);
  }

  contentFailed(error: unknown): void {
    // The socket hears of it first, and tells the request.
    if (!isOver(this.phase)) this.lost(error);
    else if (!this.socket.destroyed) this.request.destroy(connectionReset());
  }
}
