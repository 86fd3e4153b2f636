/**
 * The option `environ` of every host, and of from-bridges to programs that take an environ: keys that a deployer adds
 * (PEP 3333, Application Configuration).
 */
import type { ApplicationFunction, Environ } from '../wsgi.ts';
import { failWith } from './application.ts';
import { describe } from './describe.ts';
import { isPromise, toPromise } from './promise.ts';

/** Keys that are added to every environ and replace others of their name. A value of undefined leaves the key out. */
export type EnvironPairs = Readonly<Record<string, unknown>>;

/** The option `environ`: pairs, or a function that gives the pairs of each request. */
export type EnvironOption = EnvironPairs | ((environ: Environ) => EnvironPairs);

/**
 * Adds the pairs of the option `environ` to an environ that is complete otherwise.
 *
 * @throws TypeError if a function gives no pairs, and what the function throws
 */
export function addPairs(environ: Environ, option: EnvironOption | undefined): void {
  if (option === undefined) return;
  const pairs = pairsOf(option, environ);
  for (const key of Object.keys(pairs)) {
    const value = pairs[key];
    if (value !== undefined) environ[key] = value;
    else if (key in environ) delete environ[key];
  }
}

/**
 * Adds the pairs of the option `environ`, as {@link addPairs} does.
 *
 * @returns undefined, or if that failed the application to run instead: it throws what was thrown
 */
export function tryPairs(
  environ: Environ,
  option: EnvironOption | undefined,
): ApplicationFunction | undefined {
  if (option === undefined) return undefined;
  try {
    addPairs(environ, option);
    return undefined;
  } catch (error) {
    return failWith(error);
  }
}

/**
 * Gives the pairs of the option `environ` for one request.
 *
 * @throws TypeError if a function gives no pairs, and what the function throws
 */
export function pairsOf(option: EnvironOption, environ: Environ): EnvironPairs {
  if (typeof option !== 'function') return option;
  const pairs: unknown = option(environ);
  if (isPairs(pairs)) return pairs;
  // A lost REMOTE_USER would be worse than an error.
  const found = isPromise(pairs) ? 'a promise; it cannot be asynchronous' : describe(pairs);
  if (isPromise(pairs)) toPromise(pairs).catch(() => {});
  throw new TypeError(
    `The function of option environ must give an object such as ({ REMOTE_USER: 'ada' }), not ${found}`,
  );
}

/** Tells if a value can be the option `environ`. */
export function isEnvironOption(value: unknown): value is EnvironOption {
  return typeof value === 'function' || isPairs(value);
}

function isPairs(value: unknown): value is EnvironPairs {
  return typeof value === 'object' && value !== null && !(Symbol.iterator in value) && !isPromise(value);
}
