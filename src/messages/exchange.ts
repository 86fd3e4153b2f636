/**
 * One exchange: a program written for node:http answers a request that came through a gateway.
 *
 * The way of a response. While the program is being called (`dispatching`) nothing leaves. If the response is complete
 * when the call returns, it is one array, returned at once: no promise, no `write()`. Otherwise the gateway gets a
 * promise (`waiting`). If the response is complete before anything had to leave, the promise is of an array too, so
 * that the gateway still knows its length. What has to leave earlier goes through `write()` (`streaming`), and the
 * promise is of an iterable that ends when the response does. `answered` means that the gateway has it all.
 *
 * The end. node emits 'finish' when everything was handed to the operating system, and 'close' after it; without
 * 'finish', 'close' means that the client has left. Which of the two it is, `gateway.on_finished` tells; a gateway
 * without it tells by `close()` of the body.
 *
 * Rule 1: `startResponse` is called as late as possible, in the same tick as the first octets: until then an error
 *         can still become the gateway's answer, as the very value that was thrown.
 * Rule 2: events are emitted in ticks of their own, so that what a listener throws is an uncaught exception.
 */
import { isPromise } from '../body.ts';
import { DisconnectError } from '../errors.ts';
import { logError } from '../failure.ts';
import type { ConnectionDirectives } from '../port.ts';
import type { Body, Environ, StartResponse, Write } from '../wsgi.ts';
import { type ContentListener, ContentReader, connectionReset, contentLength } from './content-reader.ts';
import { sendTrailers } from './interim.ts';
import type { MessageConstructors } from './message-constructors.ts';
import { createRequest, createResponse } from './message-pair.ts';
import { type MessageSocket, type SocketOwner, socketFor } from './message-socket.ts';
import { nativeSocket } from './native-socket.ts';
import {
  nodeError,
  type RequestMessage,
  type ResponseMessage,
  type WriteCallback,
} from './node-internals.ts';
import { type Batch, emitDrain, Outgoing, type OutgoingListener } from './outgoing.ts';
import { StreamedBody } from './streamed-body.ts';

/** What is called with the messages: a listener, an app, whatever takes requests as node:http hands them out. */
export type Dispatch = (this: unknown, request: RequestMessage, response: ResponseMessage) => unknown;

type Phase = 'dispatching' | 'waiting' | 'streaming' | 'answered' | 'released' | 'finished' | 'closed';

const EMPTY = new Uint8Array(0);

/** Runs one exchange. */
export class Exchange implements SocketOwner, OutgoingListener, ContentListener {
  readonly environ: Environ;
  readonly request: RequestMessage;
  readonly response: ResponseMessage;
  readonly #startResponse: StartResponse;
  readonly #socket: MessageSocket;
  readonly #outgoing: Outgoing;
  #phase: Phase = 'dispatching';
  #reader: ContentReader | undefined;
  #isContentOver = false;
  #write: Write | undefined;
  /** The batch that was handed over last. */
  #taken: unknown;
  #body: StreamedBody | undefined;
  #resolve: ((body: Body) => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;
  #callbacks: readonly WriteCallback[] = [];
  #isFlushWanted = false;
  /** Whether the gateway will tell how the response ended. */
  #isTold = false;
  /** Whether nothing but a tick lies between now and 'finish'. */
  #isFinishing = false;
  /** Whether the program cut the connection after its response was complete. */
  #isCut = false;

  constructor(environ: Environ, startResponse: StartResponse, constructors: MessageConstructors) {
    this.environ = environ;
    this.#startResponse = startResponse;
    const socket = socketFor(environ, nativeSocket(environ['gateway.socket']));
    this.#socket = socket;
    this.request = createRequest(environ, constructors, socket);
    this.response = createResponse(environ, constructors, this.request);
    this.#outgoing = new Outgoing(this.response, this);
    socket.attach(this, this.response, environ);
    setSocket(this.response, socket);
  }

  /**
   * Calls the program and gives what a gateway application returns.
   *
   * @throws what the program throws before its response is complete
   */
  run(dispatch: Dispatch): Body | Promise<Body> {
    try {
      // node's servers call their listeners as an emitter does.
      const returned = dispatch.call(this.#socket.server, this.request, this.response);
      if (isPromise(returned)) returned.then(undefined, (error: unknown) => this.#fail(error));
    } catch (error) {
      if (!this.#outgoing.isEnded) {
        this.#abandon();
        throw error;
      }
      logError(this.environ['wsgi.errors'], error);
    }
    // node's parser comes to the end of a request without content right after the program was called.
    if (contentLength(this.environ) === 0) this.request.complete = true;
    if (this.#outgoing.isEnded) return this.#answerAtOnce();
    if (this.#socket.destroyed) throw disconnected(this.#socket.errored);
    return this.#wait();
  }

  // Towards the gateway.

  #begin(): void {
    const head = this.#outgoing.takeHead();
    if (head.directives !== undefined) this.#direct(head.directives);
    this.#write = this.#startResponse(head.status, head.fields);
  }

  #direct(directives: ConnectionDirectives): void {
    const direct = this.environ['gateway.connection'];
    if (typeof direct === 'function') direct(directives);
  }

  #answerAtOnce(): Body {
    if (this.#isCut && !this.#socket.hasNative) this.#direct({ close: true });
    try {
      this.#begin();
    } catch (error) {
      this.#abandon();
      throw error;
    }
    const { pieces, callbacks } = this.#outgoing.takeBatch();
    this.#phase = 'answered';
    this.#callbacks = callbacks;
    if (!this.#isFinishing) this.#watch();
    if (!this.#isTold && !this.#isFinishing) this.#finishSoon();
    return pieces;
  }

  #wait(): Promise<Body> {
    this.#phase = 'waiting';
    const promise = new Promise<Body>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#watch();
    if (this.#isFlushWanted) this.flush();
    return promise;
  }

  /** Everything that was taken may go. */
  flush(): void {
    if (this.#phase === 'dispatching') this.#isFlushWanted = true;
    else if (this.#phase === 'waiting') this.#startStreaming();
    else if (this.#phase === 'streaming') this.#handOn();
    else if (this.#phase === 'released') this.#drop();
  }

  /** The response is complete. */
  ended(): void {
    if (this.#outgoing.trailer !== '') sendTrailers(this.environ, this.#outgoing.trailer);
    if (this.#phase === 'dispatching') {
      if (this.#outgoing.isSmall) this.#finishSoon();
    } else if (this.#phase === 'waiting') {
      this.#answerLater();
    } else if (this.#phase === 'streaming') {
      this.#handOn();
      this.#endWhenTaken();
    } else if (this.#phase === 'released') {
      this.#drop();
      this.#finishSoon();
    }
  }

  #answerLater(): void {
    try {
      this.#begin();
    } catch (error) {
      this.#fail(error);
      return;
    }
    const { pieces, callbacks } = this.#outgoing.takeBatch();
    this.#phase = 'answered';
    this.#callbacks = callbacks;
    this.#resolve?.(pieces);
    // After the reactions to the promise, in which the gateway sends.
    if (!this.#isTold) queueMicrotask(() => this.#finishSoon());
  }

  #startStreaming(): void {
    try {
      this.#begin();
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#phase = 'streaming';
    this.#body = new StreamedBody(() => this.#bodyClosed());
    this.#resolve?.(this.#body);
    // PEP 3333: the first call of write sends the head, also with nothing.
    if (this.#outgoing.isEmpty) this.#handOver(EMPTY);
    this.#handOn();
  }

  #handOn(): void {
    if (this.#outgoing.isEmpty) return;
    const batch = this.#outgoing.takeBatch();
    for (const piece of batch.pieces) this.#handOver(piece);
    Promise.resolve(this.#taken).then(
      () => process.nextTick(taken, this, batch),
      (error: unknown) => process.nextTick(refused, this, batch, error),
    );
  }

  #handOver(piece: Uint8Array): void {
    try {
      this.#taken = this.#write?.(piece);
    } catch (error) {
      this.#taken = Promise.reject(error);
    }
  }

  taken(batch: Batch): void {
    if (this.#phase === 'closed') return;
    const socket = this.#socket;
    socket.writableLength -= batch.length;
    socket.refresh();
    this.#endWhenTaken();
    if (socket.writableLength === 0) emitDrain(this.response);
    for (const callback of batch.callbacks) callback(null);
  }

  refused(batch: Batch, error: unknown): void {
    // A gateway cuts off what exceeds the length, and wants nothing more once it has all that it sends.
    const isCutOff = codeOf(error) === 'WSGI_ERR_CONTENT_LENGTH_EXCEEDED';
    if (isCutOff || this.#phase === 'answered' || this.#phase === 'released') {
      this.taken(batch);
      return;
    }
    this.lose(error);
    for (const callback of batch.callbacks) callback(destroyedError());
  }

  #endWhenTaken(): void {
    if (this.#phase !== 'streaming' || !this.#outgoing.isEnded) return;
    if (!this.#outgoing.isEmpty || this.#socket.writableLength > 0) return;
    this.#phase = 'answered';
    this.#body?.end();
  }

  #drop(): void {
    process.nextTick(taken, this, this.#outgoing.takeBatch());
  }

  // How it ends.

  #watch(): void {
    const onFinished = this.environ['gateway.on_finished'];
    if (typeof onFinished === 'function') {
      this.#isTold = true;
      onFinished((_environ: Environ, _status: unknown, _headers: unknown, error: unknown) => {
        process.nextTick(over, this, error);
      });
      return;
    }
    const signal = this.environ['gateway.signal'];
    if (typeof signal !== 'function') return;
    const abort: AbortSignal = signal();
    abort.addEventListener('abort', () => process.nextTick(over, this, abort.reason), { once: true });
  }

  /** The gateway needs nothing more: everything was sent, or the response needs no content. */
  complete(): void {
    if (this.#phase === 'finished' || this.#phase === 'closed') return;
    if (this.#outgoing.isEnded) {
      this.finish();
    } else {
      this.#phase = 'released';
      this.#drop();
    }
  }

  #bodyClosed(): void {
    if (this.#isTold) return;
    if (this.#phase === 'answered') this.#finishSoon();
    // A gateway may stop where there is no content to come; elsewhere it stops because nobody is left to send it to.
    else if (!this.response._hasBody) process.nextTick(over, this, undefined);
    else process.nextTick(over, this, disconnected());
  }

  #finishSoon(): void {
    this.#isFinishing = true;
    process.nextTick(finish, this);
  }

  /** What node's server does when a response has been sent. */
  finish(): void {
    if (this.#phase === 'finished' || this.#phase === 'closed') return;
    this.#phase = 'finished';
    const { request, response } = this;
    this.#socket.detachResponse();
    setSocket(response, null);
    if (!request._consuming && !request._readableState.resumeScheduled) {
      this.#contentReader().discard();
      request._dump();
    }
    if (this.#isContentOver) this.#socket.detach();
    if (this.#isCut) this.#socket.destroyNative();
    process.nextTick(emitResponseClose, response);
    for (const callback of this.#callbacks) callback(null);
    this.#outgoing.finish?.(null);
  }

  /** The connection is lost: node's messages hear of it from their socket. */
  lose(error: unknown): void {
    if (this.#phase === 'finished' || this.#phase === 'closed') return;
    this.#close();
    this.#settle(error);
    this.#socket.lose(causeOf(error));
  }

  /** The program failed: what it threw is the gateway's affair from here on. */
  #fail(error: unknown): void {
    if (this.#phase === 'streaming') {
      this.lose(error);
    } else if (this.#phase === 'waiting') {
      this.#settle(error);
      this.#abandon();
    } else {
      logError(this.environ['wsgi.errors'], error);
    }
  }

  #settle(error: unknown): void {
    this.#reject?.(error);
    this.#body?.fail(error);
  }

  /** Ends the messages, but not the connection. */
  #abandon(): void {
    this.#close();
    this.#socket.detachResponse();
    this.#socket.detach();
    process.nextTick(emitResponseClose, this.response);
  }

  #close(): void {
    this.#phase = 'closed';
    this.#outgoing.isClosed = true;
    const { callbacks } = this.#outgoing.takeBatch();
    for (const callback of callbacks) process.nextTick(callback, destroyedError());
  }

  // For the socket.

  resume(): void {
    this.#contentReader().resume();
  }

  #contentReader(): ContentReader {
    this.#reader ??= new ContentReader(this.environ, this.request, this);
    return this.#reader;
  }

  cut(error: Error | undefined): void {
    if (this.#phase === 'dispatching') {
      this.#outgoing.isClosed = true;
      // What was complete before still goes out, as it would have on node.
      if (this.#outgoing.isEnded) this.#isCut = true;
    } else if (this.#phase === 'waiting' || this.#phase === 'streaming') {
      this.#close();
      this.#settle(disconnected(error));
    }
  }

  closed(): void {
    if (this.#isFinishing) this.finish();
    // node's server forgets a request once it is answered.
    if (this.#phase === 'finished') return;
    this.#phase = 'closed';
    this.request.destroy(connectionReset());
    emitResponseClose(this.response);
  }

  timeOut(): boolean {
    const { request, response } = this;
    const isHeardByRequest = !request.complete && request.emit('timeout', this.#socket);
    const isHeardByResponse = response.socket !== null && response.emit('timeout', this.#socket);
    return isHeardByRequest || isHeardByResponse;
  }

  ownTimeout(): void {
    this.#direct({ timeout: 0 });
  }

  // For the content.

  contentEnded(): void {
    this.#isContentOver = true;
    if (this.#phase === 'finished') this.#socket.detach();
  }

  contentFailed(error: unknown): void {
    if (this.#phase === 'waiting' && !(error instanceof DisconnectError)) this.#settle(error);
    this.lose(error);
    this.request.destroy(connectionReset());
  }
}

function taken(exchange: Exchange, batch: Batch): void {
  exchange.taken(batch);
}

function refused(exchange: Exchange, batch: Batch, error: unknown): void {
  exchange.refused(batch, error);
}

function over(exchange: Exchange, error: unknown): void {
  if (error === undefined) exchange.complete();
  else exchange.lose(error);
}

function finish(exchange: Exchange): void {
  exchange.finish();
}

/** What node's server does with a response that is over, sent or not. */
function emitResponseClose(response: ResponseMessage): void {
  if (response._closed) return;
  response.destroyed = true;
  response._closed = true;
  response.emit('close');
}

function setSocket(response: ResponseMessage, socket: MessageSocket | null): void {
  // Declared read-only; node's own server assigns it like this.
  const mutable = response as { socket: unknown };
  mutable.socket = socket;
}

function disconnected(cause?: Error | null): DisconnectError {
  return new DisconnectError('WSGI_ERR_DISCONNECTED', 'response', cause ? { cause } : undefined);
}

function destroyedError(): Error {
  return nodeError('ERR_STREAM_DESTROYED', 'Cannot call write after a stream was destroyed');
}

function causeOf(error: unknown): Error | undefined {
  return error instanceof Error && error.cause instanceof Error ? error.cause : undefined;
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
