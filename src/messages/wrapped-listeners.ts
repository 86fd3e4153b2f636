/**
 * Applications that were made of a listener for node:http, and the way back to that listener.
 *
 * Where node's messages exist already, as for the listeners of a server's events, the listener gets these very messages: it
 * shares them with the listeners beside it, as on node.
 */
import { checkMessageMethods } from '../node-internals/index.ts';
import type { ApplicationFunction } from '../wsgi.ts';
import type { Dispatch } from './exchange.ts';

const listeners = new WeakMap<ApplicationFunction, Dispatch>();

/**
 * Remembers the listener that an application was made of, and gives the application.
 *
 * @throws Error if this Node's messages lack what src/messages stands on
 */
export function wrapListener(listener: Dispatch, application: ApplicationFunction): ApplicationFunction {
  checkMessageMethods();
  listeners.set(application, listener);
  return application;
}

/** Gives the listener that an application was made of; undefined if it was made of none. */
export function wrappedListenerOf(application: ApplicationFunction): Dispatch | undefined {
  return listeners.get(application);
}
