/** One request on its way through `timeout`: its signal, what is written, and the time that is left. */
import { createDepartureSignal } from '../gateway/departure-signal.ts';
import { logError, logLine, logOf } from '../gateway/failure-log.ts';
import { MAX_DELAY } from '../gateway/max-delay.ts';
import { isPromise, toPromise } from '../gateway/promise.ts';
import type { Body, Environ, HandedOver, StartResponse, Write } from '../wsgi.ts';
import { answerText } from './answer.ts';
import { passHead } from './change-head.ts';
import { type StepClock, timeBody } from './timed-body.ts';
import { wrapWith } from './wrapped-body.ts';

/** The limits of a response. */
export interface TimeLimits {
  /** Milliseconds to the first octet of content, or to the end. */
  readonly response: number;
  /** Milliseconds to each further chunk, from when it was asked for. */
  readonly chunk: number;
  /** The status of the response if nothing has been sent yet. */
  readonly status: number;
}

/** One request. */
interface TimedRequest {
  readonly environ: Environ;
  readonly startResponse: StartResponse;
  readonly settings: TimeLimits;
}

/** The run of an application for one request. It is the clock of its own body. */
export class TimedRun implements StepClock {
  readonly environ: Environ;
  readonly #request: TimedRequest;
  readonly #calledAt = Date.now();
  #controller: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasStarted = false;
  #isHandedOver = false;
  /** Content has gone. */
  #hasBegun = false;
  /** Calls of `write` that the gateway has not taken yet: the client is waited for, not the application. */
  #writes = 0;
  /** Called when the time is up; undefined while nothing of the application is waited for. */
  #onExpired: (() => void) | undefined;
  /** The time is up. */
  #failure: DOMException | undefined;

  constructor(request: TimedRequest) {
    this.#request = request;
    this.environ = { ...request.environ, 'gateway.signal': () => this.#signal() };
    const upgrade = request.environ['gateway.upgrade'];
    if (upgrade === undefined) return;
    const handOver = (): HandedOver => this.#handOver(upgrade);
    this.environ['gateway.upgrade'] = handOver;
  }

  /** A connection that the application has taken over may last. */
  #handOver(upgrade: () => HandedOver): HandedOver {
    const handedOver = upgrade();
    this.stop();
    this.#isHandedOver = true;
    return handedOver;
  }

  /** Gives the same signal each time, which is also aborted when the client leaves. */
  #signal(): AbortSignal {
    this.#controller ??= this.#createController();
    return this.#controller.signal;
  }

  #createController(): AbortController {
    const controller = createDepartureSignal();
    if (this.#failure !== undefined) controller.abort(this.#failure);
    const outer = this.#request.environ['gateway.signal']?.();
    const leave = (): void => controller.abort(outer?.reason);
    if (outer?.aborted === true) leave();
    else outer?.addEventListener('abort', leave, { once: true });
    return controller;
  }

  readonly startResponse: StartResponse = (status, headers, excInfo) => {
    if (this.#failure !== undefined) throw this.#failure;
    this.#hasStarted = true;
    const { startResponse } = this.#request;
    const write = passHead(startResponse, { status, headers, excInfo });
    const timed: Write = (data) => {
      if (this.#failure === undefined) return this.#follow(() => write(data));
      const refused = Promise.reject(this.#failure);
      // The application need not wait for it.
      refused.catch(() => {});
      return refused;
    };
    return timed;
  };

  /** Counts a written chunk like one of the body: the time of the next one begins when the client has taken it. */
  #follow(write: () => Promise<void>): Promise<void> {
    this.#writes += 1;
    clearTimeout(this.#timer);
    const goOn = (): void => {
      this.#writes -= 1;
      if (this.#onExpired !== undefined) this.start(this.#onExpired);
    };
    try {
      const taken = write();
      this.#hasBegun = true;
      taken.then(goOn, goOn);
      return taken;
    } catch (error) {
      goOn();
      throw error;
    }
  }

  take(body: Body | Promise<Body>): Body | Promise<Body> {
    return isPromise(body) ? this.#await(toPromise(body)) : this.#takeBody(body);
  }

  #takeBody(body: Body): Body {
    // Nothing can interrupt a synchronous iteration.
    const wrapped = wrapWith(body, { onClose: () => this.stop() });
    return Symbol.asyncIterator in wrapped ? timeBody(wrapped, this) : wrapped;
  }

  #await(promised: Promise<Body>): Promise<Body> {
    // Nobody waits any more: the client has left.
    this.#request.environ['gateway.on_finished']?.(() => this.stop());
    return new Promise((resolve, reject) => {
      this.start(() => {
        try {
          resolve(this.answer());
        } catch (error) {
          reject(error);
        }
      });
      promised.then(
        (body) => {
          this.stop();
          if (this.#failure !== undefined) {
            void this.#closeLate(body);
            return;
          }
          try {
            resolve(this.#takeBody(body));
          } catch (error) {
            // It is no body.
            reject(error);
          }
        },
        (error: unknown) => {
          this.failed(error);
          reject(error);
        },
      );
    });
  }

  /** Calls back when the time for the next step is up. */
  start(onExpired: () => void): void {
    clearTimeout(this.#timer);
    this.#onExpired = onExpired;
    if (this.#writes > 0 || this.#isHandedOver) return;
    const { response, chunk } = this.#request.settings;
    const left = this.#hasBegun ? chunk : Math.max(response - (Date.now() - this.#calledAt), 0);
    if (left === Number.POSITIVE_INFINITY) return;
    const expire = (): void => {
      this.#onExpired = undefined;
      const limit = this.#hasBegun ? chunk : response;
      this.#failure = new DOMException(`Application gave no content for ${limit} ms`, 'TimeoutError');
      this.#controller?.abort(this.#failure);
      onExpired();
    };
    this.#timer = setTimeout(expire, Math.min(left, MAX_DELAY));
  }

  /** Content has come. */
  begin(): void {
    this.#hasBegun = true;
  }

  /** The step has come, or nobody waits for it any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#onExpired = undefined;
  }

  /** Answers in the place of the application. Throws if its head has gone. */
  answer(): Uint8Array[] {
    if (this.#hasBegun) throw this.#failure;
    const { environ, startResponse, settings } = this.#request;
    logLine(logOf(environ), `${this.#failure?.message}`);
    const excInfo = this.#hasStarted ? this.#failure : undefined;
    return answerText(environ, startResponse, { statusCode: settings.status, excInfo });
  }

  /** The application has failed. After its time was up, nobody else tells. */
  failed(error: unknown): void {
    this.stop();
    if (this.#failure !== undefined && error !== this.#failure) this.#log(error);
  }

  async #closeLate(body: Body): Promise<void> {
    try {
      await wrapWith(body, {}).close?.();
    } catch (error) {
      this.#log(error);
    }
  }

  #log(error: unknown): void {
    logError(logOf(this.#request.environ), error);
  }
}
