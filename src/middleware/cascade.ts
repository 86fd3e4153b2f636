/** Asks one application after the other. */
import { toApplication } from '../gateway/application.ts';
import { isPlainArray } from '../gateway/body-reader.ts';
import { checkOptions } from '../gateway/check-options.ts';
import { logError, logOf } from '../gateway/failure-log.ts';
import { type OptionsOf, settingsOf } from '../gateway/option-table.ts';
import { onNextTurn } from '../gateway/platform.ts';
import { isPromise, toPromise } from '../gateway/promise.ts';
import type { Application, ApplicationFunction, Body, Chunk, Environ, StartResponse } from '../wsgi.ts';
import { type HeldHead, holdHead } from './hold-head.ts';
import { statusCodeOf } from './started-head.ts';
import { withBody, wrapWith } from './wrapped-body.ts';
import { WrittenChunks } from './written-chunks.ts';

/** The options of `cascade`. */
export const CASCADE_OPTIONS = {
  /** A response with one of these statuses is thrown away, and the next application is asked. */
  statuses: { type: 'statuses', default: [404, 405] },
} as const;

/** Options of {@link cascade}. */
export interface CascadeOptions extends OptionsOf<typeof CASCADE_OPTIONS> {}

/**
 * Makes one application of several: the first one whose status is not 404 or 405 answers, else the last one.
 *
 * Each gets a copy of the environ. A response that is thrown away is closed. What an application has read of `wsgi.input` is
 * gone for the next one, unless the input can be rewound: see {@link bufferInput}.
 *
 * @param applications In the order in which they are asked
 * @param options The statuses that do not count as an answer
 * @throws TypeError if one is no application, RangeError if there is none
 * @example
 * const site = cascade([files, fromExpress(app)]);
 */
export function cascade(
  applications: readonly Application[],
  options: CascadeOptions = {},
): ApplicationFunction {
  if (!(Array.isArray(applications) && applications.length > 0)) {
    throw new RangeError('Cascade must have a list of one application at least');
  }
  checkOptions(options, CASCADE_OPTIONS);
  const { statuses } = settingsOf(CASCADE_OPTIONS, options);
  const rejected = new Set<number>(statuses);
  const functions = applications.map((application: Application) => toApplication(application));
  return (environ, startResponse) => {
    return new Cascade({ functions, rejected, environ, startResponse }).ask(0);
  };
}

/** The settings and the request. */
interface CascadeRequest {
  readonly functions: readonly ApplicationFunction[];
  readonly rejected: ReadonlySet<number>;
  readonly environ: Environ;
  readonly startResponse: StartResponse;
}

/** One request. */
class Cascade {
  readonly #request: CascadeRequest;

  constructor(request: CascadeRequest) {
    this.#request = request;
  }

  /** Asks an application, and those after it. */
  ask(index: number, startResponse: StartResponse = this.#request.startResponse): Body | Promise<Body> {
    const { functions, environ } = this.#request;
    const application = functions[index];
    if (application === undefined) throw new RangeError('Cascade has no such application');
    if (index > 0) rewind(environ);
    if (index === functions.length - 1) return application({ ...environ }, startResponse);
    const calls = new HeldCalls(environ);
    const held = holdHead(startResponse, () => calls.pass());
    const start: StartResponse = (status, headers, excInfo) => {
      const write = held.startResponse(status, headers, excInfo);
      // Chunks that are written after a status that does not count are dropped.
      return (data) => (this.#isRejected(held) ? new Promise<void>(onNextTurn) : write(data));
    };
    return withBody(application({ ...environ, ...calls.extensions }, start), (body) => {
      if (held.head === undefined && !isPlainArray(body)) return this.#takeLate(body, held, index);
      if (!this.#isRejected(held)) return held.body(body);
      const closed = this.#close(body);
      const next = (): Body | Promise<Body> => this.ask(index + 1, startResponse);
      return isPromise(closed) ? toPromise(closed).then(next) : next();
    });
  }

  #isRejected({ head, isSent }: HeldHead): boolean {
    return !isSent && head !== undefined && this.#request.rejected.has(statusCodeOf(head));
  }

  /** The application has not begun its response: it does so while its body is iterated. */
  #takeLate(body: Body, held: HeldHead, index: number): Body {
    const first = wrapWith(body, {});
    const written = new WrittenChunks();
    let current = first;
    let hasLeft = false;
    let closing: unknown;
    const askNext = async (): Promise<Body> => {
      const next = wrapWith(await this.ask(index + 1, this.#startIn(written)), {});
      if (hasLeft) await this.#close(next);
      else current = next;
      return next;
    };
    const chunks = async function* (cascade: Cascade): AsyncGenerator<Chunk, undefined, undefined> {
      for await (const chunk of first) {
        if (cascade.#isRejected(held)) break;
        held.send();
        yield chunk;
      }
      if (!cascade.#isRejected(held)) {
        held.send();
        return undefined;
      }
      await cascade.#close(first);
      if (hasLeft) return undefined;
      const next = askNext();
      yield* written.until(next);
      for await (const chunk of await next) {
        yield* written.waiting();
        yield chunk;
      }
      yield* written.waiting();
      return undefined;
    };
    return wrapWith(chunks(this), {
      // At once: the generator returns only when the body it waits for gives a chunk.
      onLeave: () => {
        hasLeft = true;
        written.leave();
        closing = current.close?.();
        // The gateway waits for it below, and logs its failure.
        if (isPromise(closing)) toPromise(closing).catch(() => {});
      },
      onClose: () => closing,
    });
  }

  /** Makes a startResponse whose `write` adds to a body that is being iterated. */
  #startIn(written: WrittenChunks): StartResponse {
    return (...call) => {
      this.#request.startResponse(...call);
      return written.write;
    };
  }

  /** Closes a body unread. */
  #close(body: Body): unknown {
    const log = logOf(this.#request.environ);
    try {
      const closed = wrapWith(body, {}).close?.();
      return isPromise(closed)
        ? toPromise(closed).catch((error: unknown) => logError(log, error))
        : undefined;
    } catch (error) {
      logError(log, error);
      return undefined;
    }
  }
}

/** What an application tells of the connection and the trailers of its response. */
const OF_RESPONSE = ['gateway.connection', 'gateway.send_trailers'] as const;

/** What an application has told of a response that may be thrown away. It is passed on once the response counts. */
class HeldCalls {
  /** For the environ of the application. */
  readonly extensions: Partial<Environ> = {};
  #calls: (() => void)[] | undefined = [];

  constructor(environ: Environ) {
    for (const key of OF_RESPONSE) {
      const extension: unknown = environ[key];
      if (typeof extension !== 'function') continue;
      const held = (...values: unknown[]): void => {
        this.#hold(() => Reflect.apply(extension, undefined, values));
      };
      this.extensions[key] = held;
    }
  }

  #hold(call: () => void): void {
    if (this.#calls === undefined) call();
    else this.#calls.push(call);
  }

  pass(): void {
    const calls = this.#calls ?? [];
    this.#calls = undefined;
    for (const call of calls) call();
  }
}

/** Makes the input give its content again, if it can. */
function rewind(environ: Environ): void {
  const input: { rewind?: unknown } = Object(environ['wsgi.input']);
  if (typeof input.rewind === 'function') input.rewind();
}
