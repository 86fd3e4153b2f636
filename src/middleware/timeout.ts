/** Ends the waiting for an application that does not answer. */
import { toApplication } from '../gateway/application.ts';
import { checkOptions } from '../gateway/check-options.ts';
import { createDepartureSignal } from '../gateway/departure-signal.ts';
import { logError, logLine, logOf } from '../gateway/failure-log.ts';
import { type OptionsOf, type SettingsOf, settingsOf } from '../gateway/option-table.ts';
import { isPromise, toPromise } from '../gateway/promise.ts';
import type { Body, Chunk, Environ, StartResponse, Write } from '../wsgi.ts';
import { answerText } from './answer.ts';
import { passHead } from './change-head.ts';
import type { Middleware } from './middleware.ts';
import { passing, wrapWith } from './wrapped-body.ts';

/** The options of `timeout`. */
export const TIMEOUT_OPTIONS = {
  /** The first octet of content, or the end, comes within so many milliseconds. */
  response: { type: 'milliseconds', default: 30_000 },
  /** Each further chunk comes so many milliseconds after it was asked for. */
  chunk: { type: 'milliseconds', isUnlimited: true },
  /** The status of the response if nothing has been sent yet. */
  status: { type: 'count', default: 503, least: 400, most: 599 },
} as const;

/** Options of {@link timeout}. */
export interface TimeoutOptions extends OptionsOf<typeof TIMEOUT_OPTIONS> {}

/** Milliseconds. Node's timers fire after 1 ms if the delay is longer. */
const MAX_DELAY = 2 ** 31 - 1;

/**
 * Answers 503 if an asynchronous application does not begin in time, and cuts the response off if it stops in the middle.
 *
 * The signal of `environ['gateway.signal']` is aborted then, with a `TimeoutError`; a later `startResponse` throws it, `write`
 * rejects with it, and a later body is closed. A synchronous application cannot be interrupted.
 *
 * @param options The times and the status
 * @throws TypeError or RangeError if an option is wrong
 * @example
 * const site = timeout({ response: 10_000, chunk: 60_000 })(application);
 */
export function timeout(options: TimeoutOptions = {}): Middleware {
  checkOptions(options, TIMEOUT_OPTIONS);
  const settings = settingsOf(TIMEOUT_OPTIONS, options);
  return (application) => {
    const inner = toApplication(application);
    return (environ, startResponse) => {
      const run = new TimedRun({ environ, startResponse, settings });
      return run.take(inner(run.environ, run.startResponse));
    };
  };
}

/** One request. */
interface TimedRequest {
  readonly environ: Environ;
  readonly startResponse: StartResponse;
  readonly settings: SettingsOf<typeof TIMEOUT_OPTIONS>;
}

class TimedRun {
  readonly environ: Environ;
  readonly #request: TimedRequest;
  readonly #begin = Date.now();
  #controller: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasStarted = false;
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
      if (this.#onExpired !== undefined) this.#start(this.#onExpired);
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
    const wrapped = wrapWith(body, { onClose: () => this.#stop() });
    return Symbol.asyncIterator in wrapped ? this.#timeBody(wrapped) : wrapped;
  }

  #await(promised: Promise<Body>): Promise<Body> {
    // Nobody waits any more: the client has left.
    this.#request.environ['gateway.on_finished']?.(() => this.#stop());
    return new Promise((resolve, reject) => {
      this.#start(() => {
        try {
          if (this.#hasBegun) throw this.#failure;
          resolve(this.#answer());
        } catch (error) {
          reject(error);
        }
      });
      promised.then(
        (body) => {
          this.#stop();
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
          this.#stop();
          if (this.#failure !== undefined && error !== this.#failure) this.#log(error);
          reject(error);
        },
      );
    });
  }

  /** Calls back when the time for the next step is up. */
  #start(onExpired: () => void): void {
    clearTimeout(this.#timer);
    this.#onExpired = onExpired;
    if (this.#writes > 0) return;
    const { response, chunk } = this.#request.settings;
    const left = this.#hasBegun ? chunk : Math.max(response - (Date.now() - this.#begin), 0);
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

  /** The step has come, or nobody waits for it any more. */
  #stop(): void {
    clearTimeout(this.#timer);
    this.#onExpired = undefined;
  }

  /** Answers in the place of the application. Throws if its head has gone. */
  #answer(): Uint8Array[] {
    const { environ, startResponse, settings } = this.#request;
    logLine(logOf(environ), `${this.#failure?.message}`);
    const excInfo = this.#hasStarted ? this.#failure : undefined;
    return answerText(environ, startResponse, { statusCode: settings.status, excInfo });
  }

  /** Gives the steps of a body, or the response to a time-out. */
  #timeBody(body: AsyncIterable<Chunk> & Body): Body {
    const iterator = body[Symbol.asyncIterator]();
    let last: Iterator<Chunk> | undefined;
    const next = (): Promise<IteratorResult<Chunk>> => {
      if (last !== undefined) return Promise.resolve(last.next());
      return new Promise((resolve, reject) => {
        this.#start(() => {
          try {
            if (this.#hasBegun) throw this.#failure;
            last = this.#answer().values();
            resolve(last.next());
          } catch (error) {
            last = [].values();
            reject(error);
          }
        });
        iterator.next().then(
          (step) => {
            this.#stop();
            if (step.done !== true && step.value?.length > 0) this.#hasBegun = true;
            resolve(step);
          },
          (error: unknown) => {
            this.#stop();
            if (this.#failure !== undefined && error !== this.#failure) this.#log(error);
            reject(error);
          },
        );
      });
    };
    const leave = async (): Promise<IteratorResult<Chunk>> => {
      this.#stop();
      return (await iterator.return?.()) ?? { done: true, value: undefined };
    };
    const timed = {
      [Symbol.asyncIterator]: () => ({ next, return: leave }),
      close: () => body.close?.(),
    };
    return passing(timed, body);
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
