/**
 * Tells a wrapped program that its gateway called it directly: then no middleware can have changed the environ, and the fields
 * need not be compared with those that were received.
 */
import type { ApplicationFunction, Body, Environ, StartResponse } from '../wsgi.ts';

/** The environ of the call that has just begun, if its application looks at it before anything else runs. */
let fresh: Environ | undefined;

/** Applications that look at their environ first. */
const programs = new WeakSet<ApplicationFunction>();

/** Avoids the look into the set for most requests. */
let latest: ApplicationFunction | undefined;

/** Marks an application that makes node's messages of its environ before it does anything else. */
export function markProgram(application: ApplicationFunction): void {
  programs.add(application);
}

/** Calls the application of a gateway with an environ as createEnviron has made it. */
export function callDirectly(
  application: ApplicationFunction,
  environ: Environ,
  startResponse: StartResponse,
): Body | Promise<Body> {
  if (application === latest || programs.has(application)) {
    latest = application;
    fresh = environ;
  }
  try {
    return application(environ, startResponse);
  } finally {
    fresh = undefined;
  }
}

/** Tells if an environ is as its gateway has made it. True once: then the program runs, and may change it. */
export function isFresh(environ: Readonly<Environ>): boolean {
  const isSo = fresh === environ;
  fresh = undefined;
  return isSo;
}
