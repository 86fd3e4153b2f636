/**
 * Finds the listener for node:http that an application was made of.
 *
 * If node's messages exist already, as for the listeners of a server's events, that listener gets them and shares
 * them with the other listeners, as on node.
 */
import { markProgram } from '../gateway/direct-call.ts';
import { refuseOnWorkers } from '../gateway/refuse-on-workers.ts';
import { checkMessageMethods } from '../node-internals/index.ts';
import type { ApplicationFunction } from '../wsgi.ts';
import type { Dispatch } from './exchange.ts';

const listeners = new WeakMap<ApplicationFunction, Dispatch>();

/**
 * Remembers the listener that an application was made of, and gives the application.
 *
 * @throws Error if this Node's messages lack a method that src/messages needs, and on Cloudflare Workers
 */
export function wrapListener(listener: Dispatch, application: ApplicationFunction): ApplicationFunction {
  refuseOnWorkers('fromNode, fromExpress and fromFastify cannot make messages of node');
  checkMessageMethods();
  listeners.set(application, listener);
  markProgram(application);
  return application;
}

/** Gives the listener that an application was made of; undefined if it was made of none. */
export function wrappedListenerOf(application: ApplicationFunction): Dispatch | undefined {
  return listeners.get(application);
}
