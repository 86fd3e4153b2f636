/**
 * Runs an application without a server, and iterates no more of its body than needed.
 *
 * Rule 1: the body is iterated until startResponse has been called; after that only as the test reads it, so that the
 *         body may be endless.
 * Rule 2: all errors are thrown at the test, also `excInfo`, which a server would turn into an error page.
 * Rule 3: nothing is repaired. Content is all that was written and yielded, whatever Content-Length says.
 * Rule 4: chunks are copied, because the application may use their memory again.
 */

import { ApplicationError } from '../errors.ts';
import { toApplication } from '../gateway/application.ts';
import { BodyReader, toOctets } from '../gateway/body-reader.ts';
import { GATEWAY_OPTIONS } from '../gateway/gateway-options.ts';
import { Headers } from '../gateway/headers.ts';
import { ResponseState } from '../gateway/response-state.ts';
import type { Application, Environ, StartResponse } from '../wsgi.ts';

/** Options of {@link runApp}. */
export interface RunOptions {
  /** Reads the whole body and closes it before the response is returned. @default false */
  readonly buffered?: boolean | undefined;
}

/** The response of an application. */
export interface RunResponse {
  /** `200 OK`. */
  readonly status: string;
  readonly statusCode: number;
  readonly headers: Headers;
  readonly body: RunBody;
}

/** The body of a response: can be iterated once, or read whole. */
export interface RunBody extends AsyncIterable<Uint8Array> {
  /** Reads what is left, and closes the body. */
  bytes(): Promise<Uint8Array>;
  /** Reads what is left as UTF-8, and closes the body. */
  text(): Promise<string>;
  /** Closes the body of the application without iterating the rest. */
  close(): Promise<void>;
}

/**
 * Runs an application for one request, without any server.
 *
 * @param application The application, in any of its forms
 * @param environ The environ, as `buildEnviron` makes it; the application gets a copy
 * @param options Reading everything at once
 * @returns the response, once startResponse has been called; read or close its body
 * @throws whatever the application throws or passes as `excInfo`
 * @throws {@link ApplicationError} if startResponse is never called, or called wrongly
 * @example
 * const { status, headers, body } = await runApp(application, buildEnviron('/'));
 * console.log(status, headers.get('Content-Type'), await body.text());
 */
export async function runApp(
  application: Application,
  environ: Environ,
  options: RunOptions = {},
): Promise<RunResponse> {
  const run = new Run({ ...environ });
  await run.begin(application);
  const response = run.response();
  if (options.buffered !== true) return response;
  return { ...response, body: createBody(of(await response.body.bytes()), async () => {}) };
}

class Run {
  readonly #environ: Environ;
  readonly #state: ResponseState;
  /** Chunks that were written or iterated, and that the test has not read yet. */
  readonly #ahead: Uint8Array[] = [];
  #reader: BodyReader | undefined;
  #isClosed = false;

  constructor(environ: Environ) {
    this.#environ = environ;
    this.#state = new ResponseState(environ.REQUEST_METHOD === 'HEAD', 'error');
  }

  async begin(application: Application): Promise<void> {
    const startResponse: StartResponse = (status, headers, excInfo) => {
      if (excInfo !== undefined && excInfo !== null) throw excInfo;
      this.#state.start(status, headers, undefined);
      return async (data) => {
        if (this.#isClosed) throw new ApplicationError('WSGI_ERR_WRITE_AFTER_END');
        this.#ahead.push(Buffer.from(toOctets(data, false)));
      };
    };
    try {
      this.#reader = new BodyReader(await toApplication(application)(this.#environ, startResponse));
      while (this.#state.state === 'idle') {
        const chunk = await this.#step();
        if (chunk === undefined) break;
        this.#ahead.push(chunk);
      }
      if (this.#state.state === 'idle') {
        throw new ApplicationError('WSGI_ERR_START_RESPONSE_MISSING', 'its body ended');
      }
    } catch (error) {
      // The first error is the one to report.
      await this.#close().catch(() => {});
      throw error;
    }
  }

  response(): RunResponse {
    const { status, headers } = this.#state;
    const body = createBody(this.#read(), () => this.#close());
    return { status, statusCode: Number(status.slice(0, 3)), headers: new Headers(headers), body };
  }

  async #step(): Promise<Uint8Array | undefined> {
    const step = await this.#reader?.next();
    if (step === undefined || step.done) return undefined;
    // toOctets checks what the iterable gave.
    return Buffer.from(toOctets(step.value as Uint8Array, false));
  }

  /** Yields the chunks ahead before it steps on: those written during a step come before the step's own chunk. */
  async *#read(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        for (let chunk = this.#ahead.shift(); chunk !== undefined; chunk = this.#ahead.shift()) yield chunk;
        if (this.#isClosed) return;
        const chunk = await this.#step();
        if (chunk !== undefined) this.#ahead.push(chunk);
        else if (this.#ahead.length === 0) return;
      }
    } finally {
      await this.#close();
    }
  }

  async #close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const failures: unknown[] = [];
    await this.#reader?.close(GATEWAY_OPTIONS.closeTimeout.default, (error) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }
}

function createBody(chunks: AsyncGenerator<Uint8Array>, close: () => Promise<void>): RunBody {
  const bytes = async (): Promise<Uint8Array> => {
    const pieces: Uint8Array[] = [];
    for await (const chunk of chunks) pieces.push(chunk);
    return Buffer.concat(pieces);
  };
  return {
    bytes,
    text: async () => Buffer.from(await bytes()).toString('utf8'),
    close,
    [Symbol.asyncIterator]: () => chunks,
  };
}

async function* of(octets: Uint8Array): AsyncGenerator<Uint8Array> {
  if (octets.length > 0) yield octets;
}
