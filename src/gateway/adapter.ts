/**
 * Marks what a `to…` function returns, so that no host takes it for an application.
 *
 * An adapter is a function too, and an application is only called. The mark is a registered symbol: another copy of
 * this package sees it.
 */

/** The key of the mark; its value is the name of the function that made the adapter. */
const ADAPTER: unique symbol = Symbol.for('gatebridge.adapter');

/**
 * Marks an adapter, and gives it.
 *
 * @param name The name of the function that made it
 */
export function markAdapter<Adapter extends object>(adapter: Adapter, name: string): Adapter {
  return Object.defineProperty(adapter, ADAPTER, { value: name });
}

/** Gives the name of the function that made an adapter; undefined if the value is none. */
export function adapterName(value: object): string | undefined {
  const name: unknown = Reflect.get(value, ADAPTER);
  return typeof name === 'string' ? name : undefined;
}

/**
 * Tells if a value is a response with node's methods, and not `startResponse`, a context of Koa, a reply of Fastify, ….
 */
export function isNodeResponse(value: unknown): boolean {
  // Read as any caller in JavaScript may pass it.
  return typeof (value as { writeHead?: unknown } | undefined)?.writeHead === 'function';
}

/**
 * Refuses the call of an adapter that takes node's messages.
 *
 * @param name The name of the function that made the adapter
 * @param caller The first argument
 * @returns what {@link refuseCall} returns, for a listener that returns nothing otherwise
 */
export function refuseMessages(name: string, caller: unknown): unknown {
  return refuseCall(
    `${name}(application) takes node's request and response: ` +
      'give our own hosts the application itself, mount it in Fastify by register(toFastify(application)), ' +
      "and call toNode(application)(request, response) with node's own in other frameworks",
    caller,
  );
}

/**
 * Refuses a call with wrong arguments.
 *
 * @param message What to do instead
 * @param caller The first argument
 * @returns a rejected promise if it is an instance of Fastify, which awaits a plugin but catches nothing that it throws
 * @throws TypeError in all other cases
 */
export function refuseCall(message: string, caller: unknown): Promise<never> {
  const error = new TypeError(message);
  // Read as any caller in JavaScript may pass it.
  if (typeof (caller as { register?: unknown } | undefined)?.register === 'function')
    return Promise.reject(error);
  throw error;
}
