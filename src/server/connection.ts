/**
 * One connection: requests come in one after another, each is served whole before the next begins.
 *
 * A connection is in one phase at a time; which there are, and how long each may last, is silence.ts's.
 * Time-outs run from a fixed start and are looked at by the server's one clock, so that no request needs a timer.
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
import { type ConnectionFacts, createRequestEnviron } from './exchange/request-environ.ts';
import { handOver, type TakeoverEvent, takeoverOf } from './node-surface/takeover.ts';
import type { ServerSettings } from './options.ts';
import { FairTurn } from './socket/fair-turn.ts';
import { cutOff, LingeringClose } from './socket/lingering-close.ts';
import { Output } from './socket/output.ts';
import { Receiver, type ReceiverOwner } from './socket/receiver.ts';
import { Watchdog } from './socket/watchdog.ts';
import { judgeTimeouts, type Phase, type TimedConnection } from './timeouts.ts';

/** Octets that wait to be parsed before the socket is paused. */
const INPUT_LIMIT = 65_536;

/** One connection of a server. */
export class Connection implements SinkOwner, ReceiverOwner, ServedConnection, TimedConnection {
  readonly parser: RequestParser;
  readonly output: Output;
  isPeerEnded = false;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #facts: ConnectionFacts;
  phase: Phase = 'fresh';
  /** When the phase began, by performance.now(). */
  since: number = performance.now();
  /** Milliseconds that the head took of the request whose content is awaited. */
  headTime = 0;
  exchange: HttpSink | undefined;
  #requests = 0;
  #hasOwnTimeout = false;
  #isAdvancing = false;
  readonly watchdog: Watchdog;
  readonly #turn: FairTurn;
  lingeringClose: LingeringClose | undefined;
  readonly #receiver: Receiver;

  constructor(socket: Socket, host: ConnectionOwner, facts: ConnectionFacts) {
    this.#socket = socket;
    this.#owner = host;
    this.#facts = facts;
    this.watchdog = new Watchdog(socket);
    this.#turn = new FairTurn(socket, () => this.#advance());
    this.output = new Output(socket, () => this.#onDrain());
    this.parser = new RequestParser(toHttpLimits(host.settings, host.events.hasListener('connect')));
    this.#receiver = new Receiver(socket, this);
    socket.on('end', this.#onPeerEnd);
    socket.on('drain', this.#onDrain);
    // 'close' follows and does what there is to do.
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  get isIdle(): boolean {
    return (
      (this.phase === 'fresh' || this.phase === 'idle' || this.phase === 'head') &&
      !this.parser.hasPartialHead
    );
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

  /** What an application asked for lasts as long as its response. */
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
    if (this.lingeringClose !== undefined) {
      this.lingeringClose.discard(length);
      return;
    }
    this.#turn.begin();
    this.parser.push(buffer, length, isLent);
    this.#advance();
    if (isLent) this.parser.keep();
    // Requests that wait for their turn, or content that nobody reads: TCP holds the client back.
    if (this.exchange?.content.isReading === false && this.parser.bufferedLength > INPUT_LIMIT)
      this.#socket.pause();
  }

  /** Does all that can be done with the octets that are there. */
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

  /** Does one thing; false when there is nothing to do until something happens. */
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
    // RFC 9112 §9.6: what was sent before the client could know is not processed.
    if (this.isUsedUp && this.parser.bufferedLength > 0) {
      this.#close();
      return false;
    }
    // Requests follow one another no faster than the client takes the responses.
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
    if (head.contentLength !== 0) {
      this.headTime = this.phase === 'head' ? performance.now() - this.since : 0;
    }
    this.phase = 'serving';
    const { events, options } = this.#owner;
    if (!events.isKnownMethod(head.method)) throw new ProtocolError('WSGI_ERR_METHOD_UNKNOWN', head.method);
    const exchange = new HttpSink(head, this);
    const environ = createRequestEnviron(this.#facts, exchange, options);
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
    // It never rejects, and tells the exchange when it has ended.
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

  /**
   * Content that is left after the response: the application has it as long as it asks for it, the rest is thrown
   * away, so that the connection can be kept.
   */
  #finishContent(content: Content): boolean {
    if (this.phase !== 'draining') {
      this.#enter('draining');
      this.#socket.resume();
    }
    if (this.#turn.isApplications) return false;
    const state = content.finish();
    if (state === 'turn') this.#turn.leave();
    else if (state === 'waits' && !this.mayDrain(content.discarded)) this.#close();
    return state === 'ended';
  }

  /** The one place where what the client did wrong becomes a response. */
  #refuse(error: unknown): void {
    const hasResponse = this.exchange !== undefined;
    this.exchange = undefined;
    if (!hasResponse && error instanceof ProtocolError) {
      this.output.flush();
      if (this.#owner.reportClientError(error, this.#socket, this.#receiver.lastPacket)) {
        this.#enter('closing');
        return;
      }
      addRefusal(this.output, error, this.parser.method);
    } else if (!hasResponse && !(error instanceof DisconnectError)) {
      // Ours, then: the connection is lost, the server is not.
      logError(standardErrors, error);
      this.#socket.destroy();
      return;
    }
    this.#close();
  }

  responseEnded(error?: unknown): void {
    const exchange = this.exchange;
    if (error === undefined) {
      this.#advance();
      return;
    }
    if (exchange?.isHeadSent !== true || !exchange.endsWithConnection) {
      // What was sent before it, earlier responses too, must still arrive.
      this.#close();
      return;
    }
    this.output.flush();
    this.exchange = undefined;
    this.#enter('closing');
    cutOff(this.#socket);
  }

  /** Sends what is left, closes our half and goes on reading for a moment. */
  #close(): void {
    this.exchange = undefined;
    if (this.phase === 'closing' || this.phase === 'closed') return;
    this.output.flush();
    this.#enter('closing');
    this.lingeringClose = new LingeringClose(this.#socket, this.watchdog);
  }

  readonly #onError = (error: Error): void => {
    this.#owner.reportSocketError(error, this.#socket);
  };

  readonly #onDrain = (): void => {
    this.output.onDrain();
    this.#advance();
  };

  readonly #onPeerEnd = (): void => {
    this.isPeerEnded = true;
    this.exchange?.content.onPeerEnd();
    this.watchdog.onPeerEnd();
    if (this.exchange?.isHalfOpen === false && !this.exchange.isEnded) this.hangUp();
    else this.#advance();
  };

  hangUp(): void {
    const exchange = this.exchange;
    if (exchange?.content.isLost === true) {
      // The application was told; what it makes of it goes nowhere.
      if (exchange.isHeadSent) return;
      this.exchange = undefined;
      this.#refuse(new ProtocolError('WSGI_ERR_CONTENT_INCOMPLETE'));
      this.output.flush();
      return;
    }
    this.output.flush();
    // Both halves are closed then, and the socket closes when the client has what was sent so far.
    this.#socket.end();
  }

  /** The client has closed its half between two requests, or amid a head. */
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
    // A connection on which nothing has come was opened on speculation: nobody waits for an answer.
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
