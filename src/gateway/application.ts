/**
 * Turns the three forms of an application into the function form.
 *
 * PEP 3333 says that callables are called and not inspected. JavaScript needs one inspection, because a class
 * cannot be called. It happens here, once, when an application is mounted. All other code knows only functions.
 */
import type { Application, ApplicationClass, ApplicationFunction, ApplicationObject } from '../wsgi.ts';
import { mistakenFunction, mistakenValue } from './mistaken-application.ts';

/**
 * Turns an application of any form into the function form.
 *
 * A function (also an async or generator function) is returned unchanged. A class is constructed once per request.
 * An object's `call` method is called once per request. Use {@link asClass} or {@link asFunction} where the form
 * cannot be detected, as for a bound class.
 *
 * @param application A function, a class whose instances are iterable, or an object with a `call` method
 * @returns a function of `(environ, startResponse)`
 * @throws TypeError if the value is none of these, or what a `to…` function made; the message says what to pass
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
    const mistake = mistakenFunction(application);
    if (mistake !== undefined) throw new TypeError(`${FORMS}, not ${mistake}`);
    // isClass has checked it, but is no type guard.
    if (!isClass(application)) return application as ApplicationFunction;
    if (isClassOfObjects(application))
      throw new TypeError(`${FORMS}, not a class with a call method: pass an instance of it`);
    // So here.
    return asClass(application as ApplicationClass);
  }
  if (isApplicationObject(application)) {
    return (environ, startResponse) => application.call(environ, startResponse);
  }
  throw new TypeError(`${FORMS}, not ${mistakenValue(application)}`);
}

const FORMS = 'Application must be a function, a class or an object with a call method';

/**
 * Turns a class into the function form without inspecting it: `asClass(Hello.bind(null))`.
 *
 * @param application The class
 * @returns the function form
 * @throws TypeError if the value is not a function
 * @example
 * const application = asClass(class { *[Symbol.iterator]() {} });
 */
export function asClass(application: ApplicationClass): ApplicationFunction {
  if (typeof application !== 'function')
    throw new TypeError(`Application must be a class, not ${application}`);
  return (environ, startResponse) => new application(environ, startResponse);
}

/**
 * Turns a function into the function form without inspecting it.
 *
 * @param application The function
 * @returns the function form
 * @throws TypeError if the value is not a function
 * @example
 * const application = asFunction((environ, startResponse) => {
 *   startResponse('204 No Content', []);
 *   return [];
 * });
 */
export function asFunction(application: ApplicationFunction): ApplicationFunction {
  if (typeof application !== 'function')
    throw new TypeError(`Application must be a function, not ${application}`);
  const mistake = mistakenFunction(application);
  if (mistake !== undefined) throw new TypeError(`Application must be a function, not ${mistake}`);
  return (environ, startResponse) => application(environ, startResponse);
}

/**
 * Detects a class by its source text, or by an iterable prototype, as compilers to ES5 make it. The prototype of a
 * generator function is iterable too, but its tag differs.
 */
function isClass(candidate: object): boolean {
  // A method named `class` begins alike, but methods have no prototype.
  if (/^class\b/.test(Function.prototype.toString.call(candidate)))
    return Object.hasOwn(candidate, 'prototype');
  if (Object.prototype.toString.call(candidate) !== '[object Function]') return false;
  const prototype: unknown = 'prototype' in candidate ? candidate.prototype : undefined;
  if (typeof prototype !== 'object' || prototype === null) return false;
  return Symbol.iterator in prototype || Symbol.asyncIterator in prototype;
}

/** Detects a class whose instances are applications, not bodies. */
function isClassOfObjects(candidate: object): boolean {
  const prototype: unknown = 'prototype' in candidate ? candidate.prototype : undefined;
  if (typeof prototype !== 'object' || prototype === null) return false;
  const isBody = Symbol.iterator in prototype || Symbol.asyncIterator in prototype;
  return !isBody && isApplicationObject(prototype);
}

function isApplicationObject(candidate: unknown): candidate is ApplicationObject {
  return (
    typeof candidate === 'object' &&
    candidate !== null &&
    'call' in candidate &&
    typeof candidate.call === 'function'
  );
}

/** Makes an application that throws a value, for a request that must fail like any other. */
export function failWith(error: unknown): ApplicationFunction {
  return () => {
    throw error;
  };
}
