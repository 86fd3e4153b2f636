/**
 * Runs one exchange: a program written for node:http answers a request that came through a gateway.
 *
 * Like node's server it calls the program, follows the response, and tells both messages of a lost connection. node
 * emits 'finish' once the operating system has everything, then 'close'. 'close' alone means that the client has
 * left. `gateway.on_finished` tells which it is, or else `close()` of the body.
 */
import { disconnection } from '../errors.ts';
import { isPromise } from '../gateway/body-reader.ts';
import { logError } from '../gateway/failure.ts';
import {
  connectionReset,
  hasListeners,
  nodeError,
  type RequestMessage,
  type ResponseMessage,
  streamDestroyed,
} from '../node-internals/index.ts';
import type { ApplicationFunction, Body, Environ, StartResponse } from '../wsgi.ts';
import { isFinishHeard, publishFinish, publishStart } from './diagnostics.ts';
import type { MessageConstructors } from './message-constructors.ts';
import { createRequest, createResponse } from './message-pair.ts';
import { ContentFeed, type ContentListener, contentLength } from './request/content-feed.ts';
import { endAnswered, endEmpty, type Remainder } from './request/request-endings.ts';
import { DeferredActions } from './response/deferred-actions.ts';
import { Delivery, type DeliveryListener } from './response/delivery.ts';
import { CLOSE, CUT, FLUSH, HALF_CLOSE_ENDS, HALF_CLOSE_IS_FINE } from './response/directives.ts';
import { withHeaders } from './response/inherited-headers.ts';
import { type Batch, emitDrain, Outgoing, type OutgoingListener } from './response/outgoing.ts';
import {
  afterGateway,
  causeOf,
  emitResponseClose,
  emitTimeout,
  isUnheard,
  setSocket,
} from './response/response-endings.ts';
import type { MessageSocket, SocketOwner } from './socket/message-socket.ts';
import { socketFor } from './socket/socket-registry.ts';

/** A listener or an app: takes requests as node:http gives them. */
export type Dispatch = (this: unknown, request: RequestMessage, response: ResponseMessage) => unknown;

/** One exchange. */
export class Exchange implements SocketOwner, OutgoingListener, ContentListener, DeliveryListener, Remainder {
  readonly environ: Environ;
  readonly request: RequestMessage;
  readonly response: ResponseMessage;
  readonly #socket: MessageSocket;
  readonly #outgoing: Outgoing;
  readonly #delivery: Delivery;
  #state: 'open' | 'finishing' | 'finished' | 'closed' = 'open';
  #feed: ContentFeed | undefined;
  #isContentOver = false;
  /** The program asked for content before a request without content could end. */
  #isContentWanted = false;
  /** Only a tick is left before 'finish'. */
  #isFinishing = false;
  #mayFinishNow = false;
  /** The program cut the connection after its response was complete. */
  #isCut = false;
  /** The gateway reported that the response has gone. */
  #isDelivered = false;
  /** Set if the response was completed after the program returned. */
  #deferred: DeferredActions | undefined;
  #successor: ApplicationFunction | undefined;

  constructor(environ: Environ, startResponse: StartResponse, constructors: MessageConstructors) {
    this.environ = environ;
    const socket = socketFor(environ);
    this.#socket = socket;
    this.request = createRequest(environ, constructors, socket);
    this.response = createResponse(environ, constructors, this.request);
    this.#outgoing = new Outgoing(this.response, this);
    this.#delivery = new Delivery(this.#outgoing, this, { environ, startResponse });
    socket.attach(this, this.response, environ);
    setSocket(this.response, socket);
  }

  /** Calls the program and gives a gateway application's result. @throws what it throws before `end()` */
  run(dispatch: Dispatch): Body | Promise<Body> {
    publishStart(this.request, this.response, this.#socket);
    try {
      // node's server too calls its listeners with itself as `this`.
      const returned = dispatch.call(this.#socket.server, this.request, this.response);
      if (isPromise(returned)) returned.then(undefined, (error: unknown) => this.programFailed(error));
    } catch (error) {
      if (!this.#outgoing.isEnded) {
        this.#abandon();
        throw error;
      }
      this.programFailed(error);
    }
    if (this.#successor !== undefined) {
      this.#abandon();
      return this.#successor(this.environ, this.#delivery.startResponse);
    }
    if (contentLength(this.environ) === 0) endEmpty(this.request, this.#isContentWanted, this);
    else if (!this.#outgoing.isEnded) this.#contentFeed().watch();
    if (this.#outgoing.isClosed && !this.#isCut)
      throw disconnection('response', this.#socket.errored ?? undefined);
    if (this.#outgoing.isEnded) return this.#answer();
    this.#delivery.direct(HALF_CLOSE_ENDS);
    return this.#delivery.wait();
  }

  /**
   * Lets an application answer in the program's place, with the headers that the program has set, or its own instead.
   * @throws node's ERR_HTTP_HEADERS_SENT if the program has begun its response
   */
  passTo(application: ApplicationFunction): void {
    const { response } = this;
    if (response.headersSent || this.#outgoing.isEnded || this.#state !== 'open') {
      throw nodeError('ERR_HTTP_HEADERS_SENT', 'Cannot pass on a response that has begun');
    }
    const successor = withHeaders(application, response);
    this.#delivery.direct(HALF_CLOSE_IS_FINE);
    if (this.#delivery.phase === 'dispatching') {
      this.#successor = successor;
    } else {
      this.#delivery.passTo(successor);
      this.#abandon();
    }
  }

  #answer(): Body {
    const delivery = this.#delivery;
    if (this.#isCut) delivery.direct(this.#socket.hasHostSocket ? CUT : CLOSE);
    try {
      const pieces = delivery.answerAtOnce();
      if (this.#mayFinishNow) this.#finishNow();
      else if (!this.#isFinishing) delivery.watch();
      if (!this.#isFinishing && !delivery.isEndReported) this.#finishSoon();
      return pieces;
    } catch (error) {
      this.#abandon();
      throw error;
    }
  }

  // OutgoingListener: called by the response.

  flush(): void {
    // Uncorked, but nothing was held back.
    if (!this.response._headerSent) return;
    this.#delivery.flush();
    if (this.#delivery.phase === 'dispatching') this.#outgoing.sendSoon(this.#socket);
  }

  ended(): void {
    const delivery = this.#delivery;
    if (this.#outgoing.finish === undefined) this.#hearFinish();
    if (this.#outgoing.isClosed) return;
    // A small response leaves before the next tick, or right after it if the gateway waits for a promise.
    const isDispatching = delivery.phase === 'dispatching';
    if (this.#outgoing.isSmall && isDispatching && this.#isUnobserved()) this.#mayFinishNow = true;
    else if (this.#outgoing.isSmall) this.#finishSoon();
    else if (delivery.phase !== 'streaming')
      afterGateway(
        isDispatching,
        this.#socket.whenGone(this.#outgoing.contentLength, () => this.finish()),
      );
    if (isDispatching) return;
    // A client that closes its half now still gets what was written.
    delivery.direct(HALF_CLOSE_IS_FINE);
    if (!this.#isDelivered) this.#deferred = new DeferredActions();
    const isReleased = delivery.phase === 'released';
    const isStreaming = delivery.phase === 'streaming';
    delivery.end();
    if (isReleased || (isStreaming && this.#isGone)) this.#finishSoon();
    else if (isStreaming && delivery.isAboutToBegin) this.#finishOncePulled();
  }

  // DeliveryListener: called on the way to the gateway.

  batchLeaving(batch: Batch): void {
    if (this.#socket.isHostSocketEmpty) this.#socket.credit(batch);
  }

  taken(batch: Batch): void {
    if (this.#state === 'closed') return;
    const socket = this.#socket;
    socket.credit(batch);
    socket.refresh();
    if (socket.writableLength === 0) emitDrain(this.response);
    for (const callback of batch.callbacks.splice(0)) callback(null);
  }

  delivered(): void {
    this.#isDelivered = true;
    this.#deferred?.end();
    if (this.#isCut) this.#socket.destroyHostSocket();
    this.#detachWhenOver();
    if (this.#state !== 'open') return;
    if (this.#outgoing.isEnded) this.finish();
    else this.#delivery.release();
  }

  /** The messages hear of it from their socket. */
  lost(error: unknown): void {
    if (this.#state !== 'open') return;
    this.#close();
    this.#delivery.fail(error);
    this.#socket.lose(causeOf(error));
  }

  failed(error: unknown): void {
    this.#delivery.fail(error);
    this.#abandon();
  }

  disconnected(): void {
    // Without content, or with all that was declared, a gateway may stop early; else its client has left.
    const { _hasBody: hasBody, _contentLength: length } = this.response;
    const isOwed = hasBody && !(typeof length === 'number' && this.#delivery.givenLength >= length);
    if (isOwed) this.lost(disconnection('response'));
    else this.delivered();
  }

  programFailed(error: unknown): void {
    const { phase } = this.#delivery;
    if (phase === 'waiting') this.failed(error);
    else if (phase === 'streaming') this.lost(error);
    else logError(this.environ['wsgi.errors'], error);
  }

  /** Ends the messages, but not the connection. */
  #abandon(): void {
    this.#close();
    this.#socket.detachResponse(this.response);
    this.#socket.detach(this);
    process.nextTick(emitResponseClose, this.response);
  }

  #close(keepsQueue = false): void {
    this.#state = 'closed';
    this.#outgoing.isClosed = true;
    const error = this.#socket.errored ?? streamDestroyed();
    this.#outgoing.drop(error);
    if (!keepsQueue) this.#delivery.giveUp(error);
  }

  /** node's server hears 'finish' before other listeners. */
  #hearFinish(): void {
    this.response.prependOnceListener('finish', () => {
      this.finish();
      if (this.#state === 'finishing') this.#finished();
      setSocket(this.response, null);
    });
  }

  get isLeaving(): boolean {
    return this.#isFinishing && this.request.complete;
  }

  #finishSoon(): void {
    this.#isFinishing = true;
    process.nextTick(finish, this);
  }

  /** The gateway has taken everything, and nothing waits below. */
  get #isGone(): boolean {
    return this.#delivery.isTaken && this.#socket.isHostSocketEmpty;
  }

  /** The gateway pulls everything in its reactions to a promise; finishes after them if it has gone by then. */
  #finishOncePulled(): void {
    this.#isFinishing = true;
    afterGateway(false, () => {
      this.#isFinishing = this.#isGone;
      if (this.#isFinishing) this.finish();
    });
  }

  /** Nobody listens for the end of the response, and no callback waits for it. */
  #isUnobserved(): boolean {
    const { request, response } = this;
    if (hasListeners(request) || !isUnheard(response) || isFinishHeard()) return false;
    return !this.#isCut && this.#outgoing.finishesQuietly(response);
  }

  /** Saves the tick if nobody listens: mostly the only one of a request. */
  #finishNow(): void {
    this.#isFinishing = true;
    if (this.request.complete && this.#isUnobserved()) this.finish();
    else this.#finishSoon();
  }

  /** Does what node's server does when a response has been sent. */
  finish(): void {
    if (this.#state !== 'open') return;
    this.#state = 'finishing';
    for (const callback of this.#delivery.callbacks) callback(null);
    this.#delivery.settle();
    if (this.#outgoing.mayFinishLate(this.response)) this.#hearFinish();
    else this.#finished();
    this.#outgoing.finish?.(null);
  }

  #finished(): void {
    this.#state = 'finished';
    const { response } = this;
    publishFinish(this.request, response, this.#socket);
    this.#socket.detachResponse(this.response);
    if (response._last) this.#socket.endWriting();
    setSocket(response, null);
    if (endAnswered(this.request, this)) this.#isContentOver = true;
    this.#detachWhenOver();
    if (this.#isCut && !this.#delivery.isEndReported) this.#socket.destroyHostSocket();
    // Without listeners nobody sees that it comes a tick early.
    if (isUnheard(response)) emitResponseClose(response);
    else process.nextTick(emitResponseClose, response);
  }

  // Called by the socket (SocketOwner) and by the content (ContentListener).

  resume(): void {
    if (this.#delivery.phase === 'dispatching' && contentLength(this.environ) === 0)
      this.#isContentWanted = true;
    else this.#contentFeed().resume();
  }

  discardContent(): void {
    this.#contentFeed().discard();
  }

  #contentFeed(): ContentFeed {
    this.#feed ??= new ContentFeed(this.environ, this.request, this);
    return this.#feed;
  }

  cut(error: Error | undefined): void {
    const { phase } = this.#delivery;
    if (phase === 'dispatching') {
      this.#outgoing.isClosed = true;
      // A complete response still goes out, as on node.
      if (this.#outgoing.isEnded) this.#isCut = true;
      else this.#outgoing.drop(this.#socket.errored ?? streamDestroyed());
    } else if (this.#deferred?.isPending === true) {
      // On node it would have gone by now; here the gateway is about to send it.
      this.#isCut = true;
    } else {
      const isOpen = phase === 'waiting' || phase === 'streaming';
      // On node an empty socket has sent what was written; here the gateway may not have pulled it yet.
      if (isOpen) this.#close(this.#socket.isHostSocketEmpty);
      // Otherwise what was written would be lost; the gateway ends the connection once that has gone.
      if (!isOpen || this.#delivery.cut(disconnection('response', error), this.#socket))
        this.#socket.destroyHostSocket();
    }
  }

  closed(): void {
    if (this.#isFinishing) this.finish();
    if (this.#isCut) this.#socket.destroyHostSocket();
    // node's server forgets a request once it is answered.
    if (this.#state === 'finished') return;
    this.#state = 'closed';
    this.request.destroy(connectionReset());
    emitResponseClose(this.response);
  }

  runAfterSent(action: () => void): void {
    if (this.#deferred?.isPending === true) {
      this.#deferred.add(action);
    } else {
      this.#delivery.direct(FLUSH);
      action();
    }
  }

  tellTimeout(): boolean {
    return emitTimeout(this.request, this.response, this.#socket);
  }

  suspendHostTimeout(): void {
    this.#delivery.direct({ timeout: 0 });
  }

  contentEnded(): void {
    this.#isContentOver = true;
    this.#detachWhenOver();
  }

  #detachWhenOver(): void {
    if (this.#state === 'finished' && this.#isContentOver && this.#deferred?.isPending !== true)
      this.#socket.detach(this);
  }

  contentFailed(error: unknown): void {
    // The socket hears of it first, and tells the request.
    if (this.#state === 'open') this.lost(error);
    else if (!this.#socket.destroyed) this.request.destroy(connectionReset());
  }
}

function finish(exchange: Exchange): void {
  exchange.finish();
}
