/**
 * A gateway application that answers in the place of the listeners of a request, and shows its response on node's.
 *
 * Those who watch node's response (tracing, logging, metrics) see the status, the headers and the end of what was
 * really sent.
 *
 * Rule 1: the application is called in the listener's call, so in its asynchronous context. Its body runs there too: a
 *         tool that patches `emit` opens a context for one request.
 */
import { isDisconnection } from '../errors.ts';
import { READY } from '../gateway/body-reader.ts';
import { failureResponse } from '../gateway/failure.ts';
import { isPromise, toPromise } from '../gateway/promise.ts';
import { captureContext, type InContext, nodeError, type ResponseMessage } from '../node-internals/index.ts';
import type { ApplicationFunction, Body, Environ, HeaderList, StartResponse } from '../wsgi.ts';
import { withHeaders } from './response/inherited-headers.ts';

/** Hears how the response of an application ends. */
export interface SuccessorListener {
  /** The response is whole. Not called once node's response is closed. */
  succeeded(): void;
  /** The client has left, or the response was cut off. */
  lost(error: unknown): void;
}

/** One application for one request. */
export class Successor {
  readonly #application: ApplicationFunction;
  readonly #response: ResponseMessage;
  readonly #listener: SuccessorListener;
  readonly #inContext: InContext;
  /** The gateway reports how the response ends. */
  isEndReported = false;
  #isHeadSent = false;
  #isOver = false;
  #outcome: { readonly body: Body | Promise<Body> } | { readonly error: unknown } | undefined;

  /** @param response Its headers are sent too, unless the application sets them */
  constructor(application: ApplicationFunction, response: ResponseMessage, listener: SuccessorListener) {
    this.#listener = listener;
    this.#application = withHeaders(application, response);
    this.#response = response;
    this.#inContext = captureContext();
    // Node 26 keeps the latter under a symbol of its own.
    defineState(response, 'headersSent', () => this.#isHeadSent || this.#isOver);
    defineState(response, 'writableFinished', () => response.finished);
  }

  /** Calls the application. `result` gives what it returned. */
  call(environ: Environ, startResponse: StartResponse): void {
    const shown: StartResponse = (status, headers, excInfo) => {
      const write = startResponse(status, headers, excInfo);
      showHead(this.#response, status, headers);
      return (chunk) => {
        const written = write(chunk);
        this.#headGoes();
        return written;
      };
    };
    const onFinished = environ['gateway.on_finished'];
    this.isEndReported = typeof onFinished === 'function';
    onFinished?.((_environ, _status, _headers, error) => this.#end(error));
    try {
      const body = this.#application(environ, shown);
      this.#outcome = {
        body: isPromise(body) ? toPromise(body).then((settled) => this.#follow(settled)) : this.#follow(body),
      };
    } catch (error) {
      this.#outcome = { error };
    }
  }

  /** Gives the body of the application. @throws what it threw */
  result(): Body | Promise<Body> {
    const outcome = this.#outcome;
    if (outcome === undefined) throw new TypeError('Application was not called');
    if ('error' in outcome) throw outcome.error;
    return outcome.body;
  }

  #end(error: unknown): void {
    const isCut = error !== undefined && (this.#isHeadSent || isDisconnection(error));
    if (!isCut && error !== undefined) showFailure(this.#response, error);
    this.#isOver = !isCut;
    if (!isCut) this.#headGoes();
    process.nextTick(tellEnd, this.#response, this.#listener, isCut ? error : undefined);
  }

  /** Runs the methods of a body in the context of the call, and notes its first octets. */
  #follow(body: Body): Body {
    // An array is sent whole, and runs nothing.
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
    return this.#observe(body);
  }

  #observe<T extends object>(target: T): T {
    const methods = new Map<string | symbol, unknown>();
    const call = (
      key: string | symbol,
      method: (...values: unknown[]) => unknown,
      values: unknown[],
    ): unknown =>
      this.#inContext(() => {
        const result = Reflect.apply(method, target, values);
        if (key === Symbol.iterator || key === Symbol.asyncIterator) {
          if (result === target) return proxy;
          return typeof result === 'object' && result !== null ? this.#observe(result) : result;
        }
        if (key !== 'next' && key !== READY) return result;
        if (isPromise(result)) toPromise(result).then((step) => this.#note(step), ignore);
        else this.#note(result);
        return result;
      });
    // A proxy must give the members of its target that cannot be configured, so the target is another object.
    const proxy: T = new Proxy({} as T, {
      has: (_stand, key) => Reflect.has(target, key),
      set: (_stand, key, value) => Reflect.set(target, key, value),
      getPrototypeOf: () => Reflect.getPrototypeOf(target),
      get: (_stand, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        const known = methods.get(key);
        if (known !== undefined) return known;
        // It was looked at: it is a function.
        const method = value as (...values: unknown[]) => unknown;
        const observed = (...values: unknown[]): unknown => call(key, method, values);
        methods.set(key, observed);
        return observed;
      },
    });
    return proxy;
  }

  #note(step: unknown): void {
    // Iterators of applications may give anything.
    const value: unknown = typeof step === 'object' && step !== null ? Reflect.get(step, 'value') : undefined;
    if (typeof value === 'string' ? value !== '' : value instanceof Uint8Array && value.length > 0) {
      this.#headGoes();
    }
  }

  /** Tools that patch `writeHead` hear of the head too. What they set there is not sent. */
  #headGoes(): void {
    if (this.#isHeadSent) return;
    this.#isHeadSent = true;
    const { statusCode, statusMessage } = this.#response;
    this.#response.writeHead(statusCode, statusMessage);
  }
}

function defineState(response: ResponseMessage, name: string, get: () => boolean): void {
  Object.defineProperty(response, name, { configurable: true, enumerable: true, get });
}

function showHead(response: ResponseMessage, status: string, headers: Readonly<HeaderList>): void {
  response.statusCode = Number(status.slice(0, 3));
  response.statusMessage = status.slice(4);
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  for (const [name, value] of headers) response.appendHeader(name, value);
}

/** The gateway has answered for the application. */
function showFailure(response: ResponseMessage, error: unknown): void {
  const { head } = failureResponse(error, false, false);
  showHead(response, head.status, head.headers);
}

function ignore(): void {}

function tellEnd(response: ResponseMessage, listener: SuccessorListener, error: unknown): void {
  if (error !== undefined) {
    listener.lost(error);
  } else if (!response.destroyed) {
    response.finished = true;
    listener.succeeded();
    response.emit('finish');
  }
}

/** Makes node's error of a response that has begun, so that nobody else can answer. */
export function hasBegun(): Error {
  return nodeError('ERR_HTTP_HEADERS_SENT', 'Cannot pass on a response that has begun');
}
