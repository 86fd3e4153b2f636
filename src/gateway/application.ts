/**
 * The three forms of an application made one.
 *
 * PEP 3333 says that callables are only to be called, not looked into. JavaScript forces one look, because a
 * class cannot be called and a function cannot be constructed; it is taken here, once, when an application
 * is mounted. Everything else in the package knows the function form only.
 */
import type { Application, ApplicationClass, ApplicationFunction, ApplicationObject } from '../wsgi.ts';
import { describe } from './describe.ts';

/**
 * Turns an application of any form into the function form.
 *
 * A function (async and generator functions too) is returned as it is; a class is constructed once a request;
 * of an object the `call` method is called. Where a form cannot be told from outside, as with a bound class,
 * {@link asClass} and {@link asFunction} say it.
 *
 * @param application A function, a class whose instances are iterable, or an object with a `call` method
 * @returns A function of `(environ, startResponse)`
 * @throws TypeError if the value is none of the three
 * @example
 * class Hello {
 *   constructor(environ, startResponse) {
 *     startResponse('200 OK', [['Content-Type', 'text/plain']]);
 *   }
 *   *[Symbol.iterator]() {
 *     yield Buffer.from('Hello');
 *   }
 * }
 * const application = toApplication(Hello);
 */
export function toApplication(application: Application): ApplicationFunction {
  if (typeof application === 'function') {
    if (isRouter(application))
      throw new TypeError(`${FORMS}, not an app or router of Express: ${WRAP_EXPRESS}`);
    // The type system cannot see what isClass has found out.
    return isClass(application)
      ? asClass(application as ApplicationClass)
      : (application as ApplicationFunction);
  }
  if (isApplicationObject(application)) {
    return (environ, startResponse) => application.call(environ, startResponse);
  }
  throw new TypeError(`${FORMS}, not ${describeCandidate(application)}`);
}

const FORMS = 'Application must be a function, a class or an object with a call method';
const WRAP_EXPRESS = 'pass fromExpress(app), or fromNode(listener) for Connect and its kin';

/**
 * Marks a class as an application to construct, whatever it looks like: `asClass(Hello.bind(null))`.
 *
 * @param application The class
 * @returns The function form
 * @throws TypeError if the value is no function
 * @example
 * const application = asClass(class { *[Symbol.iterator]() {} });
 */
export function asClass(application: ApplicationClass): ApplicationFunction {
  if (typeof application !== 'function')
    throw new TypeError(`Application must be a class, not ${application}`);
  return (environ, startResponse) => new application(environ, startResponse);
}

/**
 * Marks a function as an application to call, whatever it looks like.
 *
 * @param application The function
 * @returns The function form
 * @throws TypeError if the value is no function
 * @example
 * const application = asFunction((environ, startResponse) => {
 *   startResponse('204 No Content', []);
 *   return [];
 * });
 */
export function asFunction(application: ApplicationFunction): ApplicationFunction {
  if (typeof application !== 'function')
    throw new TypeError(`Application must be a function, not ${application}`);
  return (environ, startResponse) => application(environ, startResponse);
}

/**
 * A class by its source text, or by a prototype that is iterable, as compilers to ES5 leave it. The prototype
 * of a generator function is iterable too, but its tag tells it apart.
 */
function isClass(candidate: object): boolean {
  if (/^class\b/.test(Function.prototype.toString.call(candidate))) return true;
  if (Object.prototype.toString.call(candidate) !== '[object Function]') return false;
  const prototype: unknown = 'prototype' in candidate ? candidate.prototype : undefined;
  if (typeof prototype !== 'object' || prototype === null) return false;
  return Symbol.iterator in prototype || Symbol.asyncIterator in prototype;
}

/** An app or a router of Express or Connect is a function too, and was passed without its bridge. */
function isRouter(candidate: object): boolean {
  if (!('handle' in candidate && typeof candidate.handle === 'function')) return false;
  return 'stack' in candidate || ('request' in candidate && 'response' in candidate);
}

function isApplicationObject(candidate: unknown): candidate is ApplicationObject {
  return (
    typeof candidate === 'object' &&
    candidate !== null &&
    'call' in candidate &&
    typeof candidate.call === 'function'
  );
}

/** Names a value and says how to make an application of it. */
function describeCandidate(value: unknown): string {
  if (typeof value !== 'object' || value === null || value instanceof Promise) return describe(value);
  if ('then' in value && 'catch' in value) return 'a promise: await it';
  if ('routing' in value && 'inject' in value) return 'an instance of Fastify: pass fromFastify(instance)';
  return Symbol.iterator in value || Symbol.asyncIterator in value
    ? 'an iterable object (pass the class, not an instance of it)'
    : 'an object without one';
}
