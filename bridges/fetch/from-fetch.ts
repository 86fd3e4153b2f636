/**
 * Fetch → gateway: makes an application of a handler of the Fetch API: an app of Hono, h3 or itty-router, a module with a
 * `fetch` method, a function of a `Request`.
 *
 * environ-request.ts is the request that the handler gets, respond.ts gives its response to the gateway.
 *
 * Rule: nothing here, and nothing that it reaches, needs more than the Fetch API: no `node:` module, no Buffer, no `process`.
 */
import {
  checkOptions,
  describe,
  isPromise,
  type OptionsOf,
  pairsOf,
  refuseCall,
  type SettingsOf,
  settingsOf,
  toPromise,
} from '../../src/gateway/index.ts';
import {
  ApplicationError,
  type ApplicationFunction,
  type Body,
  type Environ,
  type EnvironPairs,
  type StartResponse,
} from '../../src/index.ts';
import { EnvironRequest } from './environ-request.ts';
import { FetchContext } from './fetch-context.ts';
import { wrapGlobals } from './fetch-globals.ts';
import { callOf, type FetchCall, type FetchProgram } from './fetch-program.ts';
import { isResponse, respond } from './respond.ts';

/** The options of `fromFetch`. */
export const FETCH_PROGRAM_OPTIONS = {
  /**
   * Pairs of the environ for this program alone, or a function of the environ that gives them: `(environ) => ({ REMOTE_USER:
   * environ['app.user'] })`.
   */
  environ: { type: 'environ pairs' },
  /** Members of the second argument of the handler, beside `environ`, such as the bindings that a worker expects. */
  env: { type: 'object' },
  /** The path of the request's URL begins with that of the mount, for a program that has this path in its own routes. */
  wholePath: { type: 'boolean', default: false },
  /**
   * The globals `Request` and `fetch` are wrapped, once, so that `new Request(request)` and `fetch(request)` take the requests of
   * this bridge. With `false` they stay as they are; pass `request.clone()` to both then.
   */
  wrapGlobals: { type: 'boolean', default: true },
} as const;

/** Options of {@link fromFetch}. */
export interface FromFetchOptions extends OptionsOf<typeof FETCH_PROGRAM_OPTIONS> {}

/**
 * Makes an application of a handler of the Fetch API.
 *
 * The handler is called with a `Request`, with `{ environ }` and the members of the option `env`, and with a context that has
 * `waitUntil`. What it throws is passed on as it is.
 *
 * @param program A function, or an object with a `fetch` method
 * @param options Options of the program
 * @returns the application
 * @throws TypeError if the program is neither, or if an option is invalid
 * @example
 * const app = new Hono().get('/', (context) => context.text('Hello'));
 * express().use('/shop', toExpress(fromFetch(app))).listen(8124);
 */
export function fromFetch(program: FetchProgram, options: FromFetchOptions = {}): ApplicationFunction {
  checkOptions(options, FETCH_PROGRAM_OPTIONS);
  const runner = new Runner(callOf(program), settingsOf(FETCH_PROGRAM_OPTIONS, options));
  if (runner.settings.wrapGlobals) wrapGlobals();
  return (environ, startResponse) =>
    typeof startResponse === 'function'
      ? runner.run(environ, startResponse)
      : refuseCall(MISTAKEN_CALL, environ);
}

const MISTAKEN_CALL =
  'Application was called without startResponse: mount it by toExpress(application), toFastify(application) or ' +
  'toNode(application), or serve it';

/** Runs one program for many requests. */
class Runner {
  readonly settings: SettingsOf<typeof FETCH_PROGRAM_OPTIONS>;
  readonly #program: FetchCall;

  constructor(program: FetchCall, settings: SettingsOf<typeof FETCH_PROGRAM_OPTIONS>) {
    this.#program = program;
    this.settings = settings;
  }

  run(received: Environ, startResponse: StartResponse): Body | Promise<Body> {
    const { environ: pairs, env: bindings, wholePath } = this.settings;
    const environ = pairs === undefined ? received : withPairs(received, pairsOf(pairs, received));
    const context = new FetchContext(environ);
    // It has all members of the runtime's class, by its own or by standInFor.
    const request = new EnvironRequest(environ, context, wholePath) as unknown as Request;
    const env = bindings === undefined ? { environ } : { ...bindings, environ };
    const response = this.#program.call(request, env, context);
    return isPromise(response)
      ? toPromise(response).then((settled) => this.#answer(settled, environ, startResponse))
      : this.#answer(response, environ, startResponse);
  }

  #answer(response: unknown, environ: Environ, startResponse: StartResponse): Body | Promise<Body> {
    if (isResponse(response)) return respond(response, environ, startResponse);
    throw new ApplicationError(
      'WSGI_ERR_RESPONSE_INVALID',
      `${this.#program.name} gave ${describe(response)}`,
    );
  }
}

function withPairs(received: Environ, pairs: EnvironPairs): Environ {
  const environ: Environ = Object.assign({ ...received }, pairs);
  for (const key of Object.keys(pairs)) if (pairs[key] === undefined) delete environ[key];
  return environ;
}
