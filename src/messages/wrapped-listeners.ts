/**
 * The way back from an application to the listener that it was made of.
 *
 * Where node's messages exist already, as for the listeners of a server's events, the listener can have these very
 * messages: it then shares them with the listeners beside it, as on node.
 */
import type { ApplicationFunction } from '../wsgi.ts';
import type { Dispatch } from './exchange.ts';

const listeners = new WeakMap<ApplicationFunction, Dispatch>();

/** Remembers what an application was made of, and gives the application. */
export function madeOf(listener: Dispatch, application: ApplicationFunction): ApplicationFunction {
  listeners.set(application, listener);
  return application;
}

/** Gives the listener that an application was made of, if it was. */
export function nativeListenerOf(application: ApplicationFunction): Dispatch | undefined {
  return listeners.get(application);
}
