/**
 * One connection: serves requests one after another, each to its end before the next begins.
 *
 * timeouts.ts lists its phases. The server's one clock checks their time-outs, so that no request needs a timer.
 */
import type { Socket } from 'node:net';
import { DisconnectError, disconnection, ProtocolError } from '../errors.ts';
import { standardErrors } from '../gateway/error-stream.ts';
import { logError } from '../gateway/failure.ts';
import { runApplication } from '../gateway/run-application.ts';
import { type RequestHead, RequestParser, toHttpLimits } from '../http/index.ts';
import type { Environ } from '../wsgi.ts';
import type { ConnectionOwner, ServedConnection } from './connection-owner.ts';
import { HttpSink, type SinkOwner } from './exchange/http-sink.ts';
import { addRefusal } from './exchange/refusal.ts';
import type { Content } from './exchange/request-content.ts';
import { createRequestEnviron } from './exchange/request-environ.ts';
import { handOver, type TakeoverEvent, takeoverOf } from './node-surface/takeover.ts';
import type { ServerSettings } from './options.ts';
import type { SocketDescription } from './socket/describe-socket.ts';
import { FairTurn } from './socket/fair-turn.ts';
import { cutOff, LingeringClose } from './socket/lingering-close.ts';
import { Output } from './socket/output.ts';
import { Receiver, type ReceiverOwner } from './socket/receiver.ts';
import { Watchdog } from './socket/watchdog.ts';
import { judgeTimeouts, type Phase, type TimedConnection } from './timeouts.ts';

/** The socket is paused when more octets than this wait to be parsed. */
const INPUT_LIMIT = 65_536;

/** One connection of a server. */
export class Connection implements SinkOwner, ReceiverOwner, ServedConnection, TimedConnection {
  readonly parser: RequestParser;
  readonly output: Output;
  isPeerEnded = false;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #description: SocketDescription;
  phase: Phase = 'fresh';
  since: number = performance.now();
  headTime = 0;
  exchange: HttpSink | undefined;
  #requests = 0;
  #hasOwnTimeout = false;
  #isAdvancing = false;
  readonly watchdog: Watchdog;
  readonly #turn: FairTurn;
  lingeringClose: LingeringClose | undefined;
  readonly #receiver: Receiver;

  constructor(socket: Socket, owner: ConnectionOwner, description: SocketDescription) {
    this.#socket = socket;
    this.#owner = owner;
    this.#description = description;
    this.watchdog = new Watchdog(socket);
    this.#turn = new FairTurn(socket, () => this.#advance());
    this.output = new Output(socket, () => this.#onDrain());
    // takeover.ts refuses CONNECT if nobody listens for it by then.
    this.parser = new RequestParser(toHttpLimits(owner.settings, true));
    this.#receiver = new Receiver(socket, this);
    socket.on('end', this.#onPeerEnd);
    socket.on('drain', this.#onDrain);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  get isIdle(): boolean {
    const isWaiting = this.phase === 'fresh' || this.phase === 'idle' || this.phase === 'head';
    return isWaiting && !this.parser.hasPartialHead;
  }

  get mayPersist(): boolean {
    return !this.#owner.isShuttingDown;
  }

  get isUsedUp(): boolean {
    const { maxRequestsPerSocket } = this.#owner.settings;
    return maxRequestsPerSocket !== 0 && this.#requests >= maxRequestsPerSocket;
  }

  get settings(): ServerSettings {
    return this.#owner.settings;
  }

  get persistenceFields(): string {
    return this.#owner.persistenceFields;
  }

  get serverHeader(): string | undefined {
    return this.#owner.options.serverHeader;
  }

  mayDrain(octets: number): boolean {
    return octets <= this.#owner.settings.maxDrainSize;
  }

  resume(): void {
    this.#socket.resume();
  }

  setSocketTimeout(milliseconds: number): void {
    this.#socket.setTimeout(milliseconds);
    this.#hasOwnTimeout = true;
  }

  /** A time-out that an application has set ends with its response. */
  #restoreTimeout(): void {
    if (this.#hasOwnTimeout) this.#socket.setTimeout(this.settings.timeout);
    this.#hasOwnTimeout = false;
  }

  closeWhenDone(): void {
    if (this.isIdle) this.#close();
    else if (this.exchange !== undefined) this.exchange.isPersistent = false;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #enter(phase: Phase): void {
    if (this.phase === 'closed') return;
    this.phase = phase;
    this.since = performance.now();
  }

  get hasRest(): boolean {
    return this.parser.bufferedLength > 0 || this.parser.hasPartialHead;
  }

  get keepsViews(): boolean {
    return this.parser.state === 'content';
  }

  receive(buffer: Buffer, length: number, isLent: boolean): void {
    if (this.phase === 'closing') {
      this.lingeringClose?.discard(length);
      return;
    }
    this.#turn.begin();
    this.parser.push(buffer, length, isLent);
    this.#advance();
    if (isLent) this.parser.keep();
    // Requests wait for their turn, or nobody reads the content: TCP holds the client back.
    if (this.exchange?.content.isReading === false && this.parser.bufferedLength > INPUT_LIMIT)
      this.#socket.pause();
  }

  #advance(): void {
    if (this.#isAdvancing || this.phase === 'closed') return;
    this.#isAdvancing = true;
    this.output.hold();
    try {
      while (this.#step());
    } catch (error) {
      this.#refuse(error);
    } finally {
      this.#isAdvancing = false;
      this.output.release();
    }
    if (this.exchange === undefined && (this.phase === 'serving' || this.phase === 'draining')) {
      this.#enter(this.parser.hasPartialHead ? 'head' : 'idle');
    } else if ((this.phase === 'idle' || this.phase === 'fresh') && this.parser.hasPartialHead) {
      this.#enter('head');
    }
  }

  /** Takes one step; false if the next one needs an event. */
  #step(): boolean {
    const exchange = this.exchange;
    if (exchange === undefined) return this.#beginRequest();
    if (!exchange.isEnded) {
      exchange.content.onInput();
      return false;
    }
    if (!exchange.isPersistent) {
      this.#close();
      return false;
    }
    if (!exchange.content.isEnded) return this.#finishContent(exchange.content);
    // RFC 9112 §9.6: requests that were sent before the client could know of the close are not processed.
    if (this.isUsedUp && this.parser.bufferedLength > 0) {
      this.#close();
      return false;
    }
    // The next request waits until the client has taken the response.
    if (this.output.wait() !== undefined) return false;
    this.exchange = undefined;
    this.#restoreTimeout();
    if (this.#socket.isPaused() && this.parser.bufferedLength <= INPUT_LIMIT) this.#socket.resume();
    return true;
  }

  #beginRequest(): boolean {
    if (this.phase === 'closing' || !this.#turn.mayServe()) return false;
    const head = this.parser.readHead();
    if (head === undefined) {
      if (this.isPeerEnded) this.#endOfInput();
      return false;
    }
    this.#serve(head);
    return true;
  }

  #serve(head: RequestHead): void {
    const isDropped = this.isUsedUp;
    this.#requests += 1;
    if (head.contentLength !== 0) this.headTime = this.phase === 'head' ? performance.now() - this.since : 0;
    this.phase = 'serving';
    const { events, options } = this.#owner;
    if (!events.isKnownMethod(head.method)) throw new ProtocolError('WSGI_ERR_METHOD_UNKNOWN', head.method);
    const exchange = new HttpSink(head, this);
    const environ = createRequestEnviron(this.#description, exchange, options);
    if (isDropped) {
      this.#drop(environ);
      return;
    }
    const takeover = takeoverOf(head, events);
    if (takeover !== undefined) {
      this.#handOver(takeover, environ);
      return;
    }
    const application = events.choose(head);
    if (application === undefined) throw new ProtocolError('WSGI_ERR_EXPECTATION_UNKNOWN');
    this.exchange = exchange;
    // Never rejects, and tells the exchange when it has ended.
    void runApplication(application, environ, exchange, options);
  }

  /** Refuses a request beyond the number that a connection may serve, as node:http does. */
  #drop(environ: Environ): void {
    this.#owner.reportDrop(environ, this.#socket);
    addRefusal(this.output, new ProtocolError('WSGI_ERR_REQUESTS_TOO_MANY'), environ.REQUEST_METHOD);
    this.#close();
  }

  #handOver(event: TakeoverEvent, environ: Environ): void {
    const socket = this.#socket;
    this.output.flush();
    this.phase = 'closed';
    this.#receiver.release();
    socket.off('end', this.#onPeerEnd);
    socket.off('drain', this.#onDrain);
    socket.off('error', this.#onError);
    socket.off('close', this.#onClose);
    this.#owner.remove(this);
    handOver({ event, environ, socket, rest: this.parser.takeRest() }, this.#owner);
  }

  /** After a response the application still gets the content that it asks for; the rest is thrown away. */
  #finishContent(content: Content): boolean {
    if (this.phase !== 'draining') {
      this.#enter('draining');
      this.#socket.resume();
    }
    if (this.#turn.applicationHasTurn) return false;
    const state = content.finish();
    if (state === 'turn') this.#turn.leave();
    else if (state === 'waits' && !this.mayDrain(content.discarded)) this.#close();
    return state === 'ended';
  }

  /** Turns errors of the client into responses; nothing else does. */
  #refuse(error: unknown): void {
    const hasResponse = this.exchange !== undefined;
    this.exchange = undefined;
    if (!hasResponse && error instanceof ProtocolError) {
      this.output.flush();
      this.#hearNoMoreErrors();
      if (this.#owner.reportClientError(error, this.#socket, this.#receiver.lastPacket)) {
        this.#enter('closing');
        return;
      }
      addRefusal(this.output, error, this.parser.method);
    } else if (!hasResponse && !(error instanceof DisconnectError)) {
      // Our own fault: lose the connection, not the server.
      logError(standardErrors, error);
      this.#socket.destroy();
      return;
    }
    this.#close();
  }

  responseEnded(error?: unknown): void {
    const exchange = this.exchange;
    if (error === undefined) this.#advance();
    // All that was sent so far, earlier responses too, must still arrive.
    else if (exchange?.isHeadSent !== true || !exchange.endsWithConnection) this.#close();
    else {
      this.output.flush();
      this.exchange = undefined;
      this.#enter('closing');
      cutOff(this.#socket);
    }
  }

  /** Sends the rest, closes our half and reads on for a moment. */
  #close(): void {
    this.exchange = undefined;
    if (this.phase === 'closing' || this.phase === 'closed') return;
    this.output.flush();
    this.#enter('closing');
    this.lingeringClose = new LingeringClose(this.#socket, this.watchdog);
  }

  readonly #onError = (error: Error): void => {
    this.#hearNoMoreErrors();
    this.#owner.reportSocketError(error, this.#socket);
  };

  /** Listeners hear of one error of a connection, as on node; destroying the socket would emit it again. */
  #hearNoMoreErrors(): void {
    this.#socket.off('error', this.#onError).on('error', ignore);
  }

  readonly #onDrain = (): void => {
    this.output.onDrain();
    this.#advance();
  };

  readonly #onPeerEnd = (): void => {
    this.isPeerEnded = true;
    // As node does, if a listener of `clientError` has left the socket alone.
    if (this.phase === 'closing' && this.lingeringClose === undefined) this.#socket.end();
    this.exchange?.content.onPeerEnd();
    this.watchdog.onPeerEnd();
    if (this.exchange?.isHalfOpen === false && !this.exchange.isEnded) this.hangUp();
    else this.#advance();
  };

  hangUp(): void {
    const exchange = this.exchange;
    if (exchange?.content.isLost === true) {
      // The application was told; its answer goes nowhere.
      if (exchange.isHeadSent) return;
      this.exchange = undefined;
      this.#refuse(new ProtocolError('WSGI_ERR_CONTENT_INCOMPLETE'));
      this.output.flush();
      return;
    }
    this.output.flush();
    // Now both halves are closed. The socket closes once the client has what was sent.
    this.#socket.end();
  }

  /** The client has closed its half between two requests or in the middle of a head. */
  #endOfInput(): void {
    if (this.parser.hasPartialHead) throw new ProtocolError('WSGI_ERR_HEAD_INCOMPLETE');
    this.#close();
  }

  readonly #onClose = (): void => {
    this.phase = 'closed';
    this.output.onClose();
    this.exchange?.disconnect(disconnection('response'));
    this.#owner.remove(this);
  };

  check(now: number): void {
    switch (judgeTimeouts(this, now)) {
      case 'close':
        this.#close();
        break;
      case 'refuse':
        this.#refuseLate();
        break;
      case 'fail':
        this.#failContent();
        break;
      case 'probe':
        this.exchange?.probe();
        break;
      case 'gone':
        this.#socket.destroy();
        break;
      case 'wait':
    }
  }

  #refuseLate(): void {
    // Without a head, the connection was opened on speculation: nobody waits for an answer.
    if (this.parser.hasPartialHead) this.#refuse(new ProtocolError('WSGI_ERR_REQUEST_TIMEOUT'));
    else this.#close();
    this.output.flush();
  }

  #failContent(): void {
    const { exchange } = this;
    if (exchange === undefined) return;
    exchange.isPersistent = false;
    exchange.content.fail(new ProtocolError('WSGI_ERR_REQUEST_TIMEOUT'));
    if (exchange.isEnded) this.#advance();
  }
}

/** A socket without a listener for 'error' would end the process. */
function ignore(): void {}
