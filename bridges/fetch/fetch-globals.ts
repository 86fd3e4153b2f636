/**
 * Makes the globals `Request` and `fetch` take the requests of fromFetch.
 *
 * The runtime's constructor takes no other request than its own, though ours passes `instanceof`: the state of its own is
 * out of reach (Node 24 to 26). So both globals get a wrapper that passes on the real request behind ours, and everything else
 * as it is. The constructor makes the same objects as before, and has the same prototype.
 */
import { EnvironRequest } from './environ-request.ts';

let areWrapped = false;

/** Wraps the globals, once. A global that cannot be changed stays. */
export function wrapGlobals(): void {
  if (areWrapped) return;
  areWrapped = true;
  const { Request: request, fetch } = globalThis;
  const construct: ProxyHandler<typeof Request>['construct'] = (target, values, newTarget) =>
    Reflect.construct(target, values.map(realOf), newTarget === wrapper ? target : newTarget);
  const wrapper = new Proxy(request, { construct });
  const replacements = {
    Request: wrapper,
    fetch: new Proxy(fetch, {
      apply: (target, self, values) => Reflect.apply(target, self, values.map(realOf)),
    }),
  };
  for (const [name, value] of Object.entries(replacements)) {
    const { enumerable = false } = Object.getOwnPropertyDescriptor(globalThis, name) ?? {};
    Reflect.defineProperty(globalThis, name, { value, enumerable, writable: true, configurable: true });
  }
}

/** An options object may be a request too. */
function realOf(value: unknown): unknown {
  return value instanceof EnvironRequest ? value.real : value;
}
