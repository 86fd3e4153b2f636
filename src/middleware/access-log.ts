/** Writes one line for each request. */
import { isDisconnection, isProtocolError, isUpstreamError } from '../errors.ts';
import { toApplication } from '../gateway/application.ts';
import { isPlainArray } from '../gateway/body-reader.ts';
import { logError, logOf, type RequestLog } from '../gateway/failure-log.ts';
import { type OptionsOf, settingsOf } from '../gateway/option-table.ts';
import { isPromise, toPromise } from '../gateway/promise.ts';
import type { Body, Environ, StartResponse } from '../wsgi.ts';
import {
  ACCESS_FORMATS,
  type AccessRecord,
  type RequestFacts,
  recordOf,
  requestFacts,
} from './access-record.ts';
import { passHead } from './change-head.ts';
import { chunkSize } from './chunk-size.ts';
import { checkLayerOptions } from './layer-options.ts';
import type { Middleware } from './middleware.ts';
import { wrapWith } from './wrapped-body.ts';

/** The options of `accessLog`. */
export const ACCESS_LOG_OPTIONS = {
  /** The Common Log Format, the same with Referer and User-Agent, or one JSON object a line, with the duration and more. */
  format: { type: ['common', 'combined', 'json'], default: 'combined' },
  /** Takes the line, without its end, and the record that it was made of; nobody waits for it. Without it: `wsgi.errors`. */
  log: { type: 'function' },
} as const;

/** Options of {@link accessLog}. */
export interface AccessLogOptions extends OptionsOf<typeof ACCESS_LOG_OPTIONS> {
  readonly log?: ((line: string, record: AccessRecord) => unknown) | undefined;
}

/**
 * Writes one line for each request when its response is over, however it ends. Characters that could forge a line are escaped.
 *
 * The status is 499 if the client left before the application had begun, and 500 if the application failed before its head had gone.
 * It is 101 if the application has taken the socket over, and then the line does not wait for the end of the connection.
 * Put it inside of `trustedProxy` and `requestId`, so that it sees the client's address and the id.
 *
 * @param options The format, and where the lines go
 * @throws TypeError if an option is wrong
 * @example
 * const site = accessLog({ format: 'json', log: (line) => console.log(line) })(application);
 */
export function accessLog(options: AccessLogOptions = {}): Middleware {
  checkLayerOptions(options, ACCESS_LOG_OPTIONS, { likely: 'format' });
  const { format } = settingsOf(ACCESS_LOG_OPTIONS, options);
  const toLine = ACCESS_FORMATS[format];
  return (application) => {
    const inner = toApplication(application);
    return (environ, startResponse) => {
      const errors = environ['wsgi.errors'];
      const log = options.log ?? ((line: string) => errors.write(`${line}\n`));
      const entry = new AccessEntry(environ, (record) => log(toLine(record), record));
      return entry.run(() => inner(environ, entry.watch(startResponse)));
    };
  };
}

/** nginx's status for a client that left before the response had begun. */
const CLIENT_LEFT = 499;

/** Switching Protocols (RFC 9110 §15.2.2). */
const SWITCHED = 101;

/** One request on its way to its line. */
class AccessEntry {
  readonly #facts: RequestFacts;
  readonly #write: (record: AccessRecord) => unknown;
  readonly #requestLog: RequestLog;
  readonly #isHead: boolean;
  readonly #hasCallback: boolean;
  readonly #time = new Date();
  readonly #begin = performance.now();
  #status: string | undefined;
  #declaredLength = Number.POSITIVE_INFINITY;
  /** Octets that the gateway has taken. */
  #taken = 0;
  /** Octets that were written and that the gateway has not taken yet. */
  #written = 0;
  /** Octets of the chunk that was last yielded. The gateway has taken them when it asks for the next one. */
  #yielded = 0;
  /** The head has gone, as far as can be seen here. */
  #isBegun = false;
  #isEnded = false;
  #isWritten = false;
  /** When the gateway wanted no more content. A body that cannot stop at once would make the time longer. */
  #left: number | undefined;

  constructor(environ: Environ, write: (record: AccessRecord) => unknown) {
    this.#facts = requestFacts(environ);
    this.#write = write;
    this.#requestLog = logOf(environ);
    this.#isHead = environ.REQUEST_METHOD === 'HEAD';
    const onFinished = environ['gateway.on_finished'];
    this.#hasCallback = typeof onFinished === 'function';
    onFinished?.((_environ, status, _headers, error) => this.#finish(status, error));
  }

  /** Notes status and written content. */
  watch(startResponse: StartResponse): StartResponse {
    return (status, headers, excInfo) => {
      const write = passHead(startResponse, { status, headers, excInfo });
      this.#status = status;
      // The gateway has checked the list.
      const declared = headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1];
      this.#declaredLength = declared === undefined ? Number.POSITIVE_INFINITY : Number(declared);
      return (data) => {
        const taken = write(data);
        const size = chunkSize(data) || 0;
        this.#isBegun = true;
        this.#written += size;
        const settle = (octets: number): void => {
          this.#written -= size;
          this.#taken += octets;
        };
        taken.then(
          () => settle(size),
          () => settle(0),
        );
        return taken;
      };
    };
  }

  run(call: () => Body | Promise<Body>): Body | Promise<Body> {
    try {
      const body = call();
      return isPromise(body) ? toPromise(body).then(this.#take, this.#fail) : this.#take(body);
    } catch (error) {
      return this.#fail(error);
    }
  }

  readonly #fail = (error: unknown): never => {
    if (!this.#hasCallback) this.#finish(this.#status, error);
    throw error;
  };

  readonly #take = (body: Body): Body => {
    if (isPlainArray(body)) {
      for (const chunk of body) this.#taken += chunkSize(chunk);
      this.#isBegun = !Number.isNaN(this.#taken);
      this.#isEnded = true;
      if (!this.#hasCallback) this.#finish(this.#status, undefined);
      return body;
    }
    return wrapWith(body, {
      isTransparent: true,
      onNext: () => {
        this.#taken += this.#yielded;
        this.#yielded = 0;
      },
      onChunk: (chunk) => {
        this.#yielded = chunkSize(chunk);
        if (this.#yielded > 0) this.#isBegun = true;
        return undefined;
      },
      onEnd: () => {
        this.#isBegun = true;
        this.#isEnded = true;
      },
      onLeave: () => {
        this.#left = performance.now();
      },
      // Without the callback, a body that was left early may also be one whose gateway had enough.
      onClose: () => (this.#hasCallback ? undefined : this.#finish(this.#status, undefined)),
    });
  };

  #finish(status: string | undefined, error: unknown): void {
    if (this.#isWritten) return;
    this.#isWritten = true;
    const isFailed = error !== undefined;
    const statusCode = this.#statusCode(status, error);
    const isBodiless = this.#isHead || statusCode === 204 || statusCode === 304;
    // The last chunks have gone out, unless the response was cut off.
    const last = isFailed && !this.#isEnded ? 0 : this.#written + this.#yielded;
    const bytes = Math.min(this.#taken + last, this.#declaredLength);
    const fail = (failure: unknown): void => logError(this.#requestLog, failure);
    try {
      const written: unknown = this.#write(
        recordOf(this.#facts, {
          time: this.#time,
          status: statusCode,
          bytes: isBodiless || Number.isNaN(bytes) || (isFailed && !this.#isBegun) ? 0 : bytes,
          duration: ((isFailed ? this.#left : undefined) ?? performance.now()) - this.#begin,
          isCut: isFailed && (this.#isBegun || isDisconnection(error)),
        }),
      );
      // A log may be an async function.
      if (isPromise(written)) toPromise(written).catch(fail);
    } catch (failure) {
      fail(failure);
    }
  }

  #statusCode(status: string | undefined, error: unknown): number {
    const told = status ?? this.#status;
    const declared = Number(told?.slice(0, 3));
    // Only the host of an application that has taken the socket over tells of an end without a response and without an error.
    if (error === undefined && told === undefined && this.#hasCallback) return SWITCHED;
    if (error === undefined || this.#isBegun) return declared || 500;
    if (isDisconnection(error)) return declared || CLIENT_LEFT;
    return isProtocolError(error) || isUpstreamError(error) ? error.statusCode : 500;
  }
}
