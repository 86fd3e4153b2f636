/**
 * Makes an application of what a module exports: a gateway application, an Express app, an instance of Fastify, a fetch handler,
 * a node listener.
 *
 * A plain function is a gateway application; no look at it could tell a handler or a listener.
 */

import { toApplication } from '../gateway/application.ts';
import type { Application, ApplicationFunction } from '../wsgi.ts';
import { CommandError } from './exit-codes.ts';

/** The kinds of values that `--interface` names. */
export type Kind = 'gateway' | 'express' | 'fastify' | 'fetch' | 'node';

/** An export as an application. */
export interface Recognised {
  readonly kind: Kind;
  readonly application: ApplicationFunction;
  /** Ends what the framework has begun; Fastify calls its `onClose` hooks. */
  close?(): Promise<unknown>;
}

/** Finds out the kind of a value. */
export function kindOf(value: unknown): Kind {
  if (typeof value === 'function' && 'handle' in value && 'request' in value && 'response' in value)
    return 'express';
  if (typeof value === 'function' && 'handle' in value && 'stack' in value) return 'node';
  if (typeof value === 'object' && value !== null && 'routing' in value && 'inject' in value)
    return 'fastify';
  return hasFetch(value) ? 'fetch' : 'gateway';
}

/** Apps of Hono, h3 and itty-router, and default exports of workers. An object with a `call` method is an application. */
function hasFetch(value: unknown): boolean {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  if (!isObject || !('fetch' in value) || typeof value.fetch !== 'function') return false;
  return typeof value === 'function' || !('call' in value);
}

/**
 * Makes an application of a value.
 *
 * @param kind `auto` finds it out
 * @param name The export, for errors
 * @throws {@link CommandError} if the value is not of the kind
 */
export async function recognise(value: unknown, kind: Kind | 'auto', name: string): Promise<Recognised> {
  const found = kind === 'auto' ? kindOf(value) : kind;
  try {
    return await ADAPTERS[found](value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CommandError('application', `${name} is not ${NOUNS[found]}: ${error.message}`, {
      cure: cureOf(value, kind),
    });
  }
}

/** The kinds of applications, in sentences. */
export const NOUNS: Readonly<Record<Kind | 'python', string>> = {
  gateway: 'a gateway application',
  express: 'an Express app',
  fastify: 'an instance of Fastify',
  fetch: 'a fetch handler',
  node: 'a listener for node:http',
  python: 'a WSGI application',
};

// Bridges are loaded by name, as users load them. toApplication checks the value as they do.
const ADAPTERS: Readonly<Record<Kind, (value: unknown) => Promise<Recognised>>> = {
  gateway: async (value) => ({ kind: 'gateway', application: toApplication(value as Application) }),
  express: async (value) => {
    const { fromExpress } = await import('gatebridge/express');
    // It checks the value.
    return { kind: 'express', application: fromExpress(value as Parameters<typeof fromExpress>[0]) };
  },
  fastify: async (value) => {
    const { fromFastify } = await import('gatebridge/fastify');
    // The methods besides those that fromFastify checks are Fastify's own.
    const instance = value as Parameters<typeof fromFastify>[0] & {
      close(): Promise<unknown>;
      ready(): PromiseLike<unknown>;
    };
    const application = fromFastify(instance);
    // A plugin that fails is told before the first request.
    await instance.ready();
    return { kind: 'fastify', application, close: () => instance.close() };
  },
  fetch: async (value) => {
    const { fromFetch } = await import('gatebridge/fetch');
    // It checks the value.
    return { kind: 'fetch', application: fromFetch(value as Parameters<typeof fromFetch>[0]) };
  },
  node: async (value) => {
    const { fromNode } = await import('gatebridge/node');
    // It checks the value.
    return { kind: 'node', application: fromNode(value as Parameters<typeof fromNode>[0]) };
  },
};

function cureOf(value: unknown, kind: Kind | 'auto'): string | undefined {
  const found = kindOf(value);
  if (kind === 'auto' || found === kind) return undefined;
  return `It looks like ${NOUNS[found]}: --interface ${found}, or none.`;
}
