/**
 * One connection: serves requests one after another, each to its end before the next begins.
 *
 * The code transcribes this chart. Causes: C the client, A the application, T the clock (timeouts.ts), S the server,
 * which stops. C may reset in every phase: closed, and the application of an exchange is told.
 *
 *   fresh      nothing has come       C sends: head. C ends, T, S: closing, T: or reported. S, by force: closed
 *   idle       between two requests   the same; only S need not wait for firstRequestGrace
 *   head       a part of it has come  C sends the rest: serving. C ends: refused with 400. T: refused with 408
 *   serving    an application runs    C sends: it is for the application, or waits. C ends: served on; but if content
 *                                     is missing, or the program takes this for leaving, the application is told.
 *                                     A answers: answered. A fails: closing, or cut where only the end of the
 *                                     connection can tell. T: its read fails; closed if C takes nothing, or is gone
 *   answered   the response has ended A reads on: reading. Content is left: draining. Else ready, once C has taken the
 *                                     response (T: closed); or closing, if the connection is not kept
 *   reading    A reads on             C sends: for A. C ends, T: reading fails. A stops, content ends: answered
 *   draining   nobody reads           C sends: thrown away. It ends: answered. Too much, C ends, T: closing
 *   ready      a head may be read     in this turn or the next: serving, head or idle; closing if C has ended
 *   closing    our half is to close   C sends, from here on: thrown away. C has taken the rest: lingering. T: closed
 *   lingering  our half is closed     C ends, T, others have lingered less: closed
 *   reported   a listener of clientError has the socket      it closes, T: closed
 *   cut        the response is seen to be cut off            what was sent has left, T: closed
 *   closed     or handed over: to a listener of upgrade or connect, or to the application
 *
 * A client that breaks HTTP is refused: with a response, then closing, or reported; only closing if an exchange goes on.
 */
import type { Socket } from 'node:net';
import { DisconnectError, disconnection, ProtocolError } from '../errors.ts';
import { tryPairs } from '../gateway/environ-pairs.ts';
import { standardErrors } from '../gateway/error-stream.ts';
import { logError } from '../gateway/failure-log.ts';
import { runApplication } from '../gateway/run-application.ts';
import { type RequestHead, type RequestParser, toHttpLimits } from '../http/index.ts';
import type { ApplicationFunction, Environ } from '../wsgi.ts';
import type { ConnectionOwner, ServedConnection } from './connection-owner.ts';
import { EnvironMemory } from './exchange/environ-memory.ts';
import { type FreeSocket, HttpSink, type SinkOwner } from './exchange/http-sink.ts';
import { addRefusal } from './exchange/refusal.ts';
import { ClientFaults } from './node-surface/client-faults.ts';
import { emitTakeover, takeoverOf } from './node-surface/takeover.ts';
import { type Appetite, appetiteIn, isEnding, type Phase } from './phase.ts';
import type { SocketDescription } from './socket/describe-socket.ts';
import { FairTurn } from './socket/fair-turn.ts';
import { Intake, type IntakeOwner } from './socket/intake.ts';
import { closeHalf, cutOff } from './socket/lingering-close.ts';
import { Output } from './socket/output.ts';
import { OwnContext } from './socket/own-context.ts';
import { Watchdog } from './socket/watchdog.ts';
import { judgeTimeouts, NOT_NOTED, type TimedConnection } from './timeouts.ts';

/** One connection of a server. */
export class Connection implements SinkOwner, IntakeOwner, ServedConnection, TimedConnection {
  readonly server: ConnectionOwner;
  readonly intake: Intake;
  readonly parser: RequestParser;
  readonly output: Output;
  readonly watchdog: Watchdog;
  readonly turn: FairTurn;
  phase: Phase = 'fresh';
  since: number = performance.now();
  headTime = 0;
  isPeerEnded = false;
  requests = 0;
  /** Of serving, answered, reading and draining. */
  exchange: HttpSink | undefined;
  readonly #socket: Socket;
  readonly #environs: EnvironMemory;
  readonly #faults: ClientFaults;
  /** An application has set the socket's time-out. */
  #hasOwnTimeout = false;
  readonly #context = new OwnContext();
  /** Steps are being taken; what they set off waits for the next one. */
  #isAdvancing = false;

  constructor(socket: Socket, server: ConnectionOwner, description: SocketDescription) {
    this.#socket = socket;
    this.server = server;
    this.#environs = new EnvironMemory(description, server.options);
    this.#faults = new ClientFaults(socket, server);
    this.watchdog = new Watchdog(socket);
    this.turn = new FairTurn(() => this.#advance());
    this.output = new Output(socket, () => this.#onDrain());
    // takeover.ts refuses CONNECT if nobody listens for it by then.
    this.intake = new Intake(socket, toHttpLimits(server.settings, true), this);
    this.parser = this.intake.parser;
    socket.on('end', this.#onPeerEnd);
    socket.on('drain', this.#onDrain);
    socket.on('close', this.#onClose);
  }

  get isIdle(): boolean {
    const isOld = performance.now() - this.since >= this.server.settings.firstRequestGrace;
    return this.phase === 'idle' || (this.phase === 'fresh' && isOld);
  }

  get isUsedUp(): boolean {
    const { maxRequestsPerSocket } = this.server.settings;
    return maxRequestsPerSocket !== 0 && this.requests >= maxRequestsPerSocket;
  }

  resume(): void {
    this.#socket.resume();
  }

  setSocketTimeout(milliseconds: number): void {
    this.#socket.setTimeout(milliseconds);
    this.#hasOwnTimeout = true;
  }

  closeWhenDone(): void {
    if (this.isIdle) this.#close();
    else if (this.exchange !== undefined) this.exchange.isPersistent = false;
  }

  closeIfAnswered(): void {
    if (this.phase === 'idle' || this.phase === 'answered') this.closeWhenDone();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #enter(phase: Phase, since: number = performance.now()): void {
    if (this.phase === 'closed') return;
    this.phase = phase;
    this.since = since;
  }

  onInput(): void {
    this.turn.begin();
    this.#context.isPresent = this.intake.isInOwnContext;
    this.#advance();
    this.#context.isPresent = false;
  }

  get appetite(): Appetite {
    return appetiteIn(this.phase, this.exchange?.content.isReading === true);
  }

  #advance(): void {
    if (this.#isAdvancing || this.phase === 'closed') return;
    this.#isAdvancing = true;
    this.output.hold();
    try {
      while (this.#step());
    } catch (error) {
      this.refuse(error);
    } finally {
      this.#isAdvancing = false;
      this.output.release();
    }
    this.intake.regulate();
  }

  /** Takes one step of the chart. False if the next one needs an event. */
  #step(): boolean {
    switch (this.phase) {
      case 'fresh':
      case 'idle':
      case 'head':
      case 'ready':
        return this.#awaitHead();
      case 'serving':
        this.exchange?.content.onInput();
        return false;
      case 'answered':
      case 'reading':
      case 'draining':
        return this.exchange !== undefined && this.#finish(this.exchange);
      default:
        return false;
    }
  }

  #awaitHead(): boolean {
    if (this.parser.bufferedLength > 0 && !this.turn.mayServe()) return false;
    const head = this.parser.readHead();
    if (head !== undefined) {
      if (this.#context.isPresent) this.#serve(head);
      else this.#context.run(() => this.#serve(head));
      return true;
    }
    const { hasPartialHead } = this.parser;
    if (this.isPeerEnded) {
      if (hasPartialHead) throw new ProtocolError('WSGI_ERR_HEAD_INCOMPLETE');
      this.#close();
    } else if (hasPartialHead && this.phase !== 'head') this.#enter('head');
    else if (this.phase === 'ready') {
      this.#enter('idle', NOT_NOTED);
      this.intake.forget();
    }
    return false;
  }

  #serve(head: RequestHead): void {
    const isDropped = this.isUsedUp;
    this.requests += 1;
    if (head.contentLength !== 0) {
      this.headTime = this.phase === 'head' ? performance.now() - this.since : 0;
      this.#context.keep();
    }
    const { events, options } = this.server;
    if (!events.isKnownMethod(head.method))
      throw this.parser.refuse(head, new ProtocolError('WSGI_ERR_METHOD_UNKNOWN', head.method));
    const exchange = new HttpSink(head, this);
    const environ = this.#environs.create(exchange);
    const failure = tryPairs(environ, options.environ);
    const takeover = isDropped || failure !== undefined ? undefined : takeoverOf(head, events);
    if (isDropped) this.#drop(environ);
    else if (takeover !== undefined && events.confirms(takeover, environ, this.#socket))
      emitTakeover({ event: takeover, environ, ...this.letGo() }, this.server);
    else this.#run(failure ?? events.choose(head), environ, exchange);
  }

  #run(application: ApplicationFunction | undefined, environ: Environ, exchange: HttpSink): void {
    if (application === undefined) throw new ProtocolError('WSGI_ERR_EXPECTATION_UNKNOWN');
    this.phase = 'serving';
    this.exchange = exchange;
    // Never rejects, and tells the exchange when the response has ended.
    const run = runApplication(application, environ, exchange, this.server.options);
    if (run !== undefined && !exchange.content.isEnded) exchange.content.follow(run);
  }

  /** Refuses a request beyond the number that a connection may serve, as node:http does. */
  #drop(environ: Environ): void {
    this.server.reportDrop(environ, this.#socket);
    addRefusal(this, new ProtocolError('WSGI_ERR_REQUESTS_TOO_MANY'), environ.REQUEST_METHOD);
    this.#close();
  }

  letGo(): FreeSocket {
    const socket = this.#socket;
    this.output.flush();
    this.phase = 'closed';
    this.exchange = undefined;
    const head = this.intake.release();
    socket.off('end', this.#onPeerEnd).off('drain', this.#onDrain).off('close', this.#onClose);
    this.#faults.release();
    this.server.remove(this);
    this.server.release(socket);
    return { socket, head };
  }

  responseEnded(error?: unknown): void {
    const { exchange } = this;
    if (error === undefined) {
      if (this.phase === 'serving') this.phase = 'answered';
      this.#advance();
    } else if (exchange?.isHeadSent === true && exchange.endsWithConnection) {
      this.output.flush();
      this.exchange = undefined;
      this.#enter('cut');
      cutOff(this.#socket);
    } else this.#close();
  }

  /** The response has ended: its content ends, the client takes the response, the next head is read. */
  #finish(exchange: HttpSink): boolean {
    if (!exchange.content.isEnded && !this.#finishContent(exchange)) return false;
    this.phase = 'answered';
    // RFC 9112 §9.6: requests that were sent before the client could know of the close are not processed.
    if (!exchange.isPersistent || (this.isUsedUp && this.parser.bufferedLength > 0)) {
      this.#close();
      return false;
    }
    // The next request waits until the client has taken the response.
    if (this.output.wait() !== undefined) return false;
    this.exchange = undefined;
    this.phase = 'ready';
    // A time-out that an application has set ends with its response.
    if (this.#hasOwnTimeout) this.setSocketTimeout(this.server.settings.timeout);
    this.#hasOwnTimeout = false;
    return true;
  }

  /** Content is left: it is read on, or thrown away. True when nothing of it is awaited any more. */
  #finishContent({ content, isPersistent }: HttpSink): boolean {
    if (this.turn.applicationHasTurn) return false;
    const next = content.finish(isPersistent, this.server.settings.maxDrainSize);
    if (next === 'turn') this.turn.leave();
    else if (next === 'closing') this.#close();
    else if (next !== 'answered' && next !== this.phase) {
      this.#enter(next);
      this.#socket.resume();
      if (isPersistent) return false;
      // The client must not wait for the end of the response.
      this.output.flush();
      this.#socket.end();
    }
    return next === 'answered';
  }

  /** Turns errors of the client into responses; nothing else does. */
  refuse(error: unknown): void {
    const hasResponse = this.exchange !== undefined;
    this.exchange = undefined;
    if (!hasResponse && error instanceof ProtocolError) {
      this.output.flush();
      const isUnasked = this.phase === 'fresh' && error.code === 'WSGI_ERR_REQUEST_TIMEOUT';
      // First, because a listener may throw.
      this.#enter('reported');
      if (this.#faults.report(error, this.intake)) return;
      this.phase = 'ready';
      // A connection that was opened on speculation is closed without an answer: nobody waits for one.
      if (!isUnasked) addRefusal(this, error, this.parser.method);
    } else if (!hasResponse && !(error instanceof DisconnectError)) {
      // Our own fault: lose the connection, not the server.
      logError({ errors: standardErrors }, error);
      this.#socket.destroy();
      return;
    }
    this.#close();
  }

  /** The application hears of it too, and answers if no listener of `clientError` ends the connection. */
  onContentFault(error: unknown): void {
    this.output.flush();
    if (this.#faults.reportContent(error, this.intake)) this.#enter('reported');
  }

  /** Sends all that is left, earlier responses too, closes our half and reads on for a while. */
  #close(): void {
    this.exchange = undefined;
    if (isEnding(this.phase)) return;
    this.output.flush();
    this.#enter('closing');
    closeHalf(this.#socket, () => {
      this.#enter('lingering');
      this.server.noteLingering(this);
    });
  }

  readonly #onDrain = (): void => {
    this.output.onDrain();
    this.#advance();
  };

  readonly #onPeerEnd = (): void => {
    this.isPeerEnded = true;
    this.exchange?.content.onPeerEnd();
    this.watchdog.onPeerEnd();
    // As node does, if a listener of `clientError` has left the socket alone.
    if (this.phase === 'reported') this.#socket.end();
    else if (this.phase === 'serving' && this.exchange?.isHalfOpen === false) this.hangUp();
    else this.#advance();
  };

  hangUp(): void {
    const { exchange } = this;
    if (exchange?.content.isLost === true) {
      // The application was told; its answer goes nowhere.
      if (exchange.isHeadSent) return;
      this.exchange = undefined;
      this.refuse(new ProtocolError('WSGI_ERR_CONTENT_INCOMPLETE'));
      this.output.flush();
      return;
    }
    this.output.flush();
    // Now both halves are closed. The socket closes once the client has what was sent.
    this.#socket.end();
  }

  readonly #onClose = (): void => {
    this.phase = 'closed';
    this.output.onClose();
    this.exchange?.disconnect(disconnection('response'));
    this.server.remove(this);
  };

  check(now: number): void {
    switch (judgeTimeouts(this, now)) {
      case 'close':
        this.#close();
        break;
      case 'refuse':
        this.refuse(new ProtocolError('WSGI_ERR_REQUEST_TIMEOUT'));
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

  #failContent(): void {
    const { exchange } = this;
    if (exchange === undefined) return;
    exchange.isPersistent = false;
    const error = new ProtocolError('WSGI_ERR_REQUEST_TIMEOUT');
    this.onContentFault(error);
    exchange.content.fail(error);
    if (this.phase === 'reading') this.#advance();
  }
}
