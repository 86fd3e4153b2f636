/**
 * Runs an application without a server, in the order of events of every host: by `runApplication`, to a sink whose client
 * is the test.
 *
 * Rule 1: the head comes as on a host, with the first chunk or the end. The body is iterated as the test reads it, and
 *         as far in advance as the buffers of a host allow, so that a short one fails the test though nobody reads it.
 * Rule 2: each error that a host would log fails the test, and so does `excInfo`.
 * Rule 3: the validator is around the application, unless the test says otherwise.
 */

import { toApplication } from '../gateway/application.ts';
import { isPlainArray } from '../gateway/body-reader.ts';
import { checkOptions } from '../gateway/check-options.ts';
import { describe } from '../gateway/describe.ts';
import { Headers } from '../gateway/headers.ts';
import type { OptionsOf } from '../gateway/option-table.ts';
import { isPromise, toPromise } from '../gateway/promise.ts';
import { runApplication } from '../gateway/run-application.ts';
import { type ValidationError, validate } from '../validate/index.ts';
import type { Application, ApplicationFunction, Body, Environ, StartResponse } from '../wsgi.ts';
import { createBody, type RunBody } from './run-body.ts';
import { type InterimResponse, TestSink } from './test-sink.ts';

/** The options of how a test runs an application. */
export const TESTING_OPTIONS = {
  /** The validator checks the application. False: only what every host refuses or logs fails the test. */
  validate: { type: 'boolean', default: true },
  /** A string as a chunk fails the test. */
  strict: { type: 'boolean', default: false },
  /** A hop-by-hop header fails the test, or is left out, as with that option of a host. */
  hopByHop: { type: ['error', 'drop'], default: 'error' },
  /** The application answers with the error page that it passes with `excInfo`. Otherwise `excInfo` fails the test. */
  catchExcInfo: { type: 'boolean', default: false },
  /**
   * True reads the whole body before the response is returned. False reads step by step: the application gives a chunk when the test
   * asks for it. Without it the first 16 KiB that the application gives without waiting are taken in advance.
   */
  buffered: { type: 'boolean' },
  /** As on hosts. */
  closeTimeout: { type: 'milliseconds', default: 5_000 },
} as const;

/** Octets that are taken in advance: those that node's streams hold before they ask to wait. */
const READ_AHEAD = 16_384;

/** Options of how a test runs an application, for {@link runApp} and for clients. */
export interface TestingOptions extends OptionsOf<typeof TESTING_OPTIONS> {}

/** The response of an application. */
export interface RunResponse {
  /** `200 OK`. */
  readonly status: string;
  readonly statusCode: number;
  /** The headers of the application, with the Content-Length that a host adds. */
  readonly headers: Headers;
  readonly body: RunBody;
  /** Broken SHOULDs; complete once the body has ended. */
  readonly warnings: readonly ValidationError[];
  /** Interim responses, such as early hints. */
  readonly interim: readonly InterimResponse[];
  /** The trailer section; complete once the body has ended. */
  readonly trailers: Headers;
}

/**
 * Runs an application for one request, without any server.
 *
 * @param application The application, in any of its forms
 * @param environ The environ, as `buildEnviron` makes it; the application gets a copy
 * @param options How the body is read, and how strict the test is
 * @returns the response, once its head would be sent; read or close its body
 * @throws whatever the application throws or passes as `excInfo`, also after the head in what is taken in advance
 * @throws ApplicationError if the application does what every host refuses
 * @throws ValidationError if it breaks a MUST of the validator
 * @example
 * const { status, headers, body } = await runApp(application, buildEnviron('/'));
 * console.log(status, headers.get('Content-Type'), await body.text());
 */
export async function runApp(
  application: Application,
  environ: Environ,
  options: TestingOptions = {},
): Promise<RunResponse> {
  return (await start(application, environ, options)).response;
}

/** A response, and the sink that takes it. */
export interface Run {
  readonly response: RunResponse;
  readonly sink: TestSink;
}

/** Does what {@link runApp} does, and gives the sink too. */
export async function start(
  application: Application,
  environ: Environ,
  options: TestingOptions,
): Promise<Run> {
  // Callers in JavaScript may pass anything.
  if (typeof environ !== 'object' || environ === null)
    throw new TypeError(
      `Environ must be an object, as in runApp(application, buildEnviron('/')), not ${describe(environ)}`,
    );
  checkOptions(options, TESTING_OPTIONS, { likely: 'buffered' });
  const { hopByHop, strict, closeTimeout, buffered } = options;
  const sink = new TestSink(environ['wsgi.errors'], buffered === undefined ? READ_AHEAD : 0);
  const warnings: ValidationError[] = [];
  const call = watched(toApplication(application), { sink, warnings, options });
  const run = runApplication(call, { ...environ }, sink, { hopByHop, strict, closeTimeout });
  if (run === undefined) sink.finish();
  else void run.then(() => sink.finish());
  const { status, statusCode, headers: fields, contentLength, hasContentLengthField } = await sink.started();
  const headers = new Headers([...fields]);
  if (contentLength !== undefined && !hasContentLengthField)
    headers.set('Content-Length', String(contentLength));
  const body = createBody(sink, headers);
  if (buffered === undefined) await sink.settled();
  if (buffered === true) await body.bytes();
  const { interim, trailerFields: trailers } = sink;
  return { response: { status, statusCode, headers, body, warnings, interim, trailers }, sink };
}

interface Watch {
  readonly sink: TestSink;
  readonly warnings: ValidationError[];
  readonly options: TestingOptions;
}

/** Puts the validator around an application, and tells the sink of `excInfo` and of arrays. */
function watched(application: ApplicationFunction, { sink, warnings, options }: Watch): ApplicationFunction {
  const checked =
    options.validate === false
      ? application
      : validate(application, {
          strict: options.strict,
          ignore: options.hopByHop === 'drop' ? ['start-response-69-hop-by-hop'] : undefined,
          onWarning: (warning) => warnings.push(warning),
          onError: (error) => sink.note(error),
        });
  const take = (body: Body): Body => {
    sink.takesAll = isPlainArray(body);
    return body;
  };
  return (environ, startResponse) => {
    // The arguments pass as they are, because the validator counts them.
    const start: StartResponse = (...values) => {
      const [, , excInfo] = values;
      if (excInfo !== undefined && excInfo !== null && options.catchExcInfo !== true) sink.note(excInfo);
      return startResponse(...values);
    };
    const body = checked(environ, start);
    return isPromise(body) ? toPromise(body).then(take) : take(body);
  };
}
