/**
 * Runs an application without a server, in the order of events of every host: by `runApplication`, to a sink whose client
 * is the test.
 *
 * Rule 1: the head comes as on a host, with the first chunk or the end. The body is iterated only as the test reads it.
 * Rule 2: each error that a host would log fails the test, and so does `excInfo`.
 * Rule 3: the validator is around the application, unless the test says otherwise.
 */
import { toApplication } from '../gateway/application.ts';
import { isPlainArray } from '../gateway/body-reader.ts';
import { checkOptions, type OptionRules } from '../gateway/check-options.ts';
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
  /** The validator checks the application: a broken MUST fails the test, a broken SHOULD is a warning. */
  validate: { type: 'boolean', default: true },
  /** A string as a chunk fails the test. */
  strict: { type: 'boolean', default: false },
  /** A hop-by-hop header fails the test, or is left out. */
  hopByHop: { type: ['error', 'drop'], default: 'error' },
  /** The application answers with the error page that it passes with `excInfo`. Otherwise `excInfo` fails the test. */
  catchExcInfo: { type: 'boolean', default: false },
  /** As on hosts. */
  closeTimeout: { type: 'milliseconds', default: 5_000 },
} as const;

/** Options of how a test runs an application. */
export interface TestingOptions extends OptionsOf<typeof TESTING_OPTIONS> {}

/** Options of {@link runApp}. */
export interface RunOptions extends TestingOptions {
  /** Reads the whole body and closes it before the response is returned. @default false */
  readonly buffered?: boolean | undefined;
}

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
 * @param options Reading everything at once, and how strict the test is
 * @returns the response, once its head would be sent; read or close its body
 * @throws whatever the application throws or passes as `excInfo`
 * @throws ApplicationError if the application does what every host refuses
 * @throws ValidationError if it breaks a MUST of the validator
 * @example
 * const { status, headers, body } = await runApp(application, buildEnviron('/'));
 * console.log(status, headers.get('Content-Type'), await body.text());
 */
export async function runApp(
  application: Application,
  environ: Environ,
  options: RunOptions = {},
): Promise<RunResponse> {
  checkOptions(options, RUN_RULES, { likely: 'buffered' });
  const sink = new TestSink(environ['wsgi.errors']);
  const warnings: ValidationError[] = [];
  const call = watched(toApplication(application), { sink, warnings, options });
  const { hopByHop, strict, closeTimeout } = options;
  const run = runApplication(call, { ...environ }, sink, { hopByHop, strict, closeTimeout });
  if (run === undefined) sink.finish();
  else void run.then(() => sink.finish());
  const { status, statusCode, headers: fields, contentLength, hasContentLengthField } = await sink.started();
  const headers = new Headers([...fields]);
  if (contentLength !== undefined && !hasContentLengthField)
    headers.set('Content-Length', String(contentLength));
  const body = createBody(sink, headers);
  if (options.buffered === true) await body.bytes();
  const { interim, trailerFields: trailers } = sink;
  return { status, statusCode, headers, body, warnings, interim, trailers };
}

const RUN_RULES: OptionRules = { ...TESTING_OPTIONS, buffered: { type: 'boolean' } };

interface Watch {
  readonly sink: TestSink;
  readonly warnings: ValidationError[];
  readonly options: RunOptions;
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
