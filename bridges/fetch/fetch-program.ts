/** Recognises handlers of the Fetch API, and says what to pass in place of other things. */
import { adapterName, mistakenFunction, mistakenValue } from '../../src/gateway/index.ts';
import type { Environ } from '../../src/index.ts';
import type { FetchContext } from './fetch-context.ts';

/** The second argument of a handler, where workers at the edge find their bindings. */
export interface FetchEnv {
  /** The environ of the request. */
  readonly environ: Environ;
  /** The members of the option `env`. */
  readonly [name: string]: unknown;
}

/** An object with a `fetch` method: an app of Hono, h3 or itty-router, or the default export of a worker. */
export interface FetchModule {
  /** A method, so that TypeScript lets handlers name types of their own for the last two parameters. */
  fetch(request: Request, env: FetchEnv, context: FetchContext): Response | PromiseLike<Response>;
}

/** A program for `fromFetch`. */
export type FetchProgram = FetchModule | FetchModule['fetch'];

/** A program, ready to be called. */
export interface FetchCall {
  /** Its name, for errors. */
  readonly name: string;
  call(request: Request, env: FetchEnv, context: FetchContext): unknown;
}

const FORMS = 'Program must be a function of a Request, or an object with a fetch method';

/**
 * Makes a call of a program.
 *
 * @throws TypeError if it is none; the message says what to pass
 */
export function callOf(program: FetchProgram): FetchCall {
  if (hasFetch(program)) {
    const { name = '' } = program.constructor;
    return {
      name: name === '' || name === 'Object' ? 'fetch' : `fetch of ${name}`,
      call: (request, env, context) => program.fetch(request, env, context),
    };
  }
  if (typeof program !== 'function') throw new TypeError(`${FORMS}, not ${mistakenValue(program)}`);
  // The round trip of a gateway application serves tests, and does no harm.
  const mistake = adapterName(program) === 'toFetch' ? undefined : mistakenFunction(program);
  if (mistake !== undefined) throw new TypeError(`${FORMS}, not ${mistake}`);
  if (/^class\b/.test(Function.prototype.toString.call(program)))
    throw new TypeError(`${FORMS}, not a class: pass an instance of it`);
  return { name: program.name === '' ? 'a function without a name' : program.name, call: program };
}

function hasFetch(program: FetchProgram): program is FetchModule {
  const isObject = (typeof program === 'object' || typeof program === 'function') && program !== null;
  return isObject && 'fetch' in program && typeof program.fetch === 'function';
}
