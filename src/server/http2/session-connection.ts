/**
 * One connection that speaks HTTP/2: a session of node's, below the events, limits and time-outs of our server.
 *
 * A session is fresh until its first stream, busy while a stream is open or an application runs, else idle. It ends by GOAWAY
 * (RFC 9113 §6.8): what the client has sent by then is served, the rest is refused, and may be sent again elsewhere.
 *
 * Rule 1: streams are independent. Whatever happens to one, the others go on.
 * Rule 2: work is bounded by the streams that are open, and by the applications that run, also for streams that are reset.
 */
import type { IncomingHttpHeaders, ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { isProtocolError, ProtocolError } from '../../errors.ts';
import { tryPairs } from '../../gateway/environ-pairs.ts';
import { standardErrors } from '../../gateway/error-stream.ts';
import { logError } from '../../gateway/failure-log.ts';
import { Members } from '../../gateway/members.ts';
import { isPromise, toPromise } from '../../gateway/promise.ts';
import { runApplication } from '../../gateway/run-application.ts';
import { kernelQueue, nodeError } from '../../node-internals/index.ts';
import type { ApplicationFunction, Environ } from '../../wsgi.ts';
import type { ConnectionOwner, ServedConnection } from '../connection-owner.ts';
import { emitTakeover } from '../node-surface/takeover.ts';
import type { Phase } from '../phase.ts';
import type { SocketDescription } from '../socket/describe-socket.ts';
import { NOT_NOTED } from '../timeouts.ts';
import { asUpgrade } from './extended-connect.ts';
import type { Http2Events, StreamEvent } from './http2-events.ts';
import { Http2Sink, type SinkSession } from './http2-sink.ts';
import { ResetBudget } from './reset-budget.ts';
import { SessionPulse } from './session-pulse.ts';
import { judgeSession, judgeStream } from './session-timeouts.ts';
import { createStreamEnviron } from './stream-environ.ts';
import { readStreamRequest, type StreamRequest } from './stream-request.ts';
import { UpgradeSocket } from './upgrade-socket.ts';

/** RFC 9113 §7. */
const NO_ERROR = 0;
const INTERNAL_ERROR = 2;
const REFUSED_STREAM = 7;
const ENHANCE_YOUR_CALM = 11;

/** Milliseconds in which a reset leaves. */
const RESET_DELAY = 1_000;

/** Milliseconds in which the last frames leave. */
const CUT_DELAY = 100;

/** What a session needs beside its socket. */
export interface SessionSetting {
  readonly owner: ConnectionOwner;
  readonly events: Http2Events;
  readonly description: SocketDescription;
}

/** One session. */
export class SessionConnection implements ServedConnection, SinkSession {
  readonly server: ConnectionOwner;
  readonly hasOwnTimeout = true;
  requests = 0;
  /** When it became fresh, idle or closing, by performance.now(); or NOT_NOTED. */
  since: number = performance.now();
  /** Exchanges whose stream is open, or whose application runs. */
  readonly exchanges: Members<Http2Sink> = new Members();
  readonly #socket: Socket;
  readonly #session: ServerHttp2Session;
  readonly #events: Http2Events;
  readonly #description: SocketDescription;
  readonly #resets: ResetBudget;
  #hasResets = false;
  /** Streams that listeners of `stream` answer. */
  #foreign = 0;
  /** Applications that work though their stream is closed. */
  #orphans = 0;
  readonly #pulse: SessionPulse;
  /** When GOAWAY was sent first, by performance.now(). */
  closingSince: number | undefined;
  #isGone = false;
  #isCut = false;
  #written = 0;
  #queued = 0;
  #movedAt = 0;

  constructor(socket: Socket, session: ServerHttp2Session, { owner, events, description }: SessionSetting) {
    this.#socket = socket;
    this.#session = session;
    this.#pulse = new SessionPulse(session);
    this.server = owner;
    this.#events = events;
    this.#description = { ...description, socket: undefined };
    const { burst, rate } = events.resetLimits;
    this.#resets = new ResetBudget(burst, rate);
    // A client that closes its half has left: it could not even open a window.
    socket.allowHalfOpen = false;
    socket.once('end', this.#onEnd);
    session.on('stream', this.#onStream);
    session.on('error', this.#onError);
    socket.once('close', this.#onClose);
    // Octets no longer pass through the socket.
    socket.setTimeout(0);
    const { timeout } = owner.settings;
    if (timeout > 0 && Number.isFinite(timeout)) session.setTimeout(timeout, this.#onTimeout);
    events.emit('session', session);
    // node takes these octets in the next tick, and would throw for a session that a listener has destroyed (Node 20 to 26).
    if (session.destroyed) while (socket.read() !== null);
  }

  get phase(): Phase {
    if (this.#isGone) return 'closed';
    if (this.#open > 0) return 'serving';
    if (this.closingSince !== undefined) return 'closing';
    return this.requests === 0 ? 'fresh' : 'idle';
  }

  get #open(): number {
    return this.exchanges.size + this.#foreign;
  }

  /** Requests whose response has not ended. */
  get inFlight(): number {
    let count = this.#foreign;
    for (const { isEnded } of this.exchanges) if (!isEnded) count += 1;
    return count;
  }

  get isIdle(): boolean {
    const { phase } = this;
    if (phase === 'fresh') return performance.now() - this.since >= this.server.settings.firstRequestGrace;
    return phase === 'idle' || phase === 'closing';
  }

  get isFull(): boolean {
    return kernelQueue(this.#socket) > 0;
  }

  onContentFault(error: unknown): void {
    if (isProtocolError(error)) this.server.tally.clientErrors += 1;
  }

  // Streams.

  readonly #onStream = (...event: StreamEvent): void => {
    const [stream, headers, flags] = event;
    // node emits 'error' for most ways to end a stream; 'close' follows with the code.
    stream.on('error', ignore);
    if (stream.destroyed || stream.closed) {
      // The reset came in the same packet.
      this.#countReset();
      return;
    }
    if (this.#events.passes(event)) {
      if (!stream.destroyed && !stream.closed) this.#leaveToListener(stream);
      return;
    }
    if (this.#orphans >= this.#events.maxConcurrentStreams || this.#isGone) {
      stream.close(REFUSED_STREAM);
      return;
    }
    this.requests += 1;
    this.#serve(new Http2Sink(stream, this), headers, event[3], (flags & END_STREAM) !== 0);
    const { settings, shutdown, isStopping } = this.server;
    const isUsedUp = settings.maxRequestsPerSocket !== 0 && this.requests >= settings.maxRequestsPerSocket;
    if (isUsedUp || isStopping || shutdown !== undefined) this.#close();
  };

  /** A listener answers the stream: the session lasts as long as it. */
  #leaveToListener(stream: StreamEvent[0]): void {
    this.requests += 1;
    this.#foreign += 1;
    stream.once('close', () => {
      this.#foreign -= 1;
      if (this.#open === 0) this.since = NOT_NOTED;
    });
  }

  #serve(exchange: Http2Sink, headers: IncomingHttpHeaders, received: string[], isWhole: boolean): void {
    this.exchanges.add(exchange);
    exchange.stream.on('close', () => this.#onStreamClose(exchange));
    try {
      const request = asUpgrade(readStreamRequest(received, this.server.settings));
      if (request.method === 'CONNECT') throw new ProtocolError('WSGI_ERR_CONNECT_REFUSED');
      if (request.protocol !== undefined)
        exchange.offerSocket(() => new UpgradeSocket(exchange.stream, this.#socket));
      else if (!isWhole) exchange.expectContent(request);
      this.#run(exchange, request);
    } catch (error) {
      this.#refuse(exchange, error, headers[':method']);
    }
    // Most are answered by now. A listener costs node more than its call.
    if (!exchange.isEnded || !exchange.content.isEnded)
      exchange.stream.on('aborted', () => this.#onAborted(exchange));
  }

  #run(exchange: Http2Sink, request: StreamRequest): void {
    const { events, options } = this.server;
    const environ = createStreamEnviron(this.#description, { request, exchange }, options);
    const failure = tryPairs(environ, options.environ);
    if (failure === undefined && request.protocol !== undefined && this.#emitUpgrade(exchange, environ))
      return;
    const application = failure ?? events.choose(request);
    if (application === undefined) throw new ProtocolError('WSGI_ERR_EXPECTATION_UNKNOWN');
    const followed = this.#hasResets ? this.#follow(application, exchange) : application;
    // Never rejects, and tells the exchange when the response has ended.
    const run = runApplication(followed, environ, exchange, options);
    if (run === undefined) return;
    exchange.isRunning = true;
    if (!exchange.content.isEnded) exchange.content.follow(run);
    void run.then(() => {
      exchange.isRunning = false;
      this.#forget(exchange);
    });
  }

  /** Hands the stream over to a listener of `upgrade`. @returns false if there is none, or it does not want this request */
  #emitUpgrade(exchange: Http2Sink, environ: Environ): boolean {
    const { events } = this.server;
    if (!events.mayUpgrade || !events.confirms('upgrade', environ, this.#socket)) return false;
    const { socket, head } = exchange.takeSocket();
    emitTakeover({ event: 'upgrade', environ, socket, head }, this.server);
    return true;
  }

  /**
   * Follows what an application has promised. The run of a request ends when its client leaves, but the application may work
   * on. Only sessions on which a stream was reset pay for it.
   */
  #follow(application: ApplicationFunction, exchange: Http2Sink): ApplicationFunction {
    return (environ, startResponse) => {
      const body = application(environ, startResponse);
      if (!isPromise(body)) return body;
      exchange.isWorking = true;
      const settled = (): void => {
        exchange.isWorking = false;
        if (exchange.isClosed) this.#orphans -= 1;
      };
      toPromise(body).then(settled, settled);
      return body;
    };
  }

  #refuse(exchange: Http2Sink, error: unknown, method: string | undefined): void {
    if (error instanceof ProtocolError) {
      this.server.tally.clientErrors += 1;
      exchange.refuse(error, method);
      return;
    }
    // Our own fault: lose the stream, not the server.
    logError({ errors: standardErrors }, error);
    exchange.abort(error);
  }

  #onAborted(exchange: Http2Sink): void {
    // Our own reset too is one to node.
    if (!exchange.isEnded) exchange.disconnect();
  }

  #onStreamClose(exchange: Http2Sink): void {
    if (exchange.isWorking) this.#orphans += 1;
    exchange.closed();
    if (exchange.stream.rstCode !== NO_ERROR && !exchange.isCut) this.#countReset();
    this.#forget(exchange);
  }

  #countReset(): void {
    this.#hasResets = true;
    if (this.#resets.take() || this.#session.destroyed) return;
    this.#session.destroy(
      nodeError('ERR_HTTP2_SESSION_ERROR', 'Session closed: too many of its streams were reset'),
      ENHANCE_YOUR_CALM,
    );
  }

  #forget(exchange: Http2Sink): void {
    if (!exchange.isClosed || exchange.isRunning || !this.exchanges.delete(exchange)) return;
    if (this.#open === 0) this.since = NOT_NOTED;
  }

  // The end.

  closeWhenDone(): void {
    if (this.#open > 0 || this.isIdle) this.#close();
  }

  /** A server that has stopped takes no further request on a session, and its client should know. */
  closeIfAnswered(): void {
    this.closeWhenDone();
  }

  /**
   * Sends GOAWAY with the last stream that is served (RFC 9113 §6.8): later ones, that were on their way, the client may send
   * again elsewhere. The session ends after the streams that are open, or now. An announcement before it would lose streams:
   * after any GOAWAY node:http2 ignores further ones without a word (Node 20 to 26).
   */
  #close(): void {
    this.closingSince ??= performance.now();
    if (this.#session.closed || this.#session.destroyed) return;
    this.#session.close();
    if (this.#open === 0) this.server.noteLingering(this);
  }

  /** Resets the streams, so that no response seems to be whole, and closes the connection. */
  destroy(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    for (const exchange of this.exchanges) exchange.reset(INTERNAL_ERROR);
    this.closingSince ??= performance.now();
    this.#session.close();
    // node ends the session once the frames have left. A client that takes nothing is not waited for.
    setTimeout(() => {
      this.#session.destroy();
      this.#socket.destroy();
    }, CUT_DELAY);
  }

  readonly #onTimeout = (): void => {
    // node:http2 too passes the session.
    if (!this.#events.emit('timeout', this.#session)) this.destroy();
  };

  readonly #onError = (error: Error): void => {
    this.server.tally.clientErrors += 1;
    this.#events.emit('sessionError', error, this.#session);
  };

  /** node ends the socket, but not while frames wait that the client will not answer. */
  readonly #onEnd = (): void => {
    setTimeout(() => this.#socket.destroy(), CUT_DELAY);
  };

  readonly #onClose = (): void => {
    this.#isGone = true;
    this.server.remove(this);
  };

  // The clock.

  check(now: number): void {
    if (this.#isCut) return;
    if (this.#open === 0 && this.since === NOT_NOTED) this.since = now;
    const verdict = judgeSession(this, now);
    if (verdict === 'close') this.#close();
    else if (verdict === 'gone' || this.#isDead(now)) this.destroy();
    else for (const exchange of this.exchanges) this.#checkStream(exchange, now);
  }

  #isDead(now: number): boolean {
    const { writeTimeout } = this.server.settings;
    if (writeTimeout === 0 || this.#open === 0 || !this.#pulse.isLost(now, writeTimeout)) return false;
    this.server.tally.timeouts.unresponsive += 1;
    return true;
  }

  #checkStream(exchange: Http2Sink, now: number): void {
    const { tally } = this.server;
    if (exchange.isClosed) return;
    if (exchange.resetAt !== undefined) {
      // The frame has not left.
      if (now - exchange.resetAt >= RESET_DELAY) this.destroy();
      return;
    }
    const verdict = judgeStream(exchange, now);
    if (verdict === 'fail') {
      tally.timeouts.content += 1;
      exchange.failContent(new ProtocolError('WSGI_ERR_REQUEST_TIMEOUT'));
    } else if (verdict === 'gone') {
      tally.timeouts.unresponsive += 1;
      // Where nothing leaves the kernel either, no stream moves.
      if (this.isStuck(now)) this.destroy();
      else exchange.reset(ENHANCE_YOUR_CALM);
    }
  }

  /** Tells if octets have waited for the client for `writeTimeout`, and none has left. */
  isStuck(now: number): boolean {
    const { bytesWritten } = this.#socket;
    const queued = kernelQueue(this.#socket);
    if (bytesWritten !== this.#written || queued !== this.#queued) {
      this.#written = bytesWritten;
      this.#queued = queued;
      this.#movedAt = now;
    }
    const { writeTimeout } = this.server.settings;
    return writeTimeout > 0 && queued > 0 && now - this.#movedAt >= writeTimeout;
  }
}

/** The flag END_STREAM of HEADERS (RFC 9113 §6.2). */
const END_STREAM = 1;

function ignore(): void {}
