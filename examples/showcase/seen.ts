/**
 * A middleware in the sense of PEP 3333: an application that wraps another. It remembers the environ, so that code
 * inside a wrapped framework can ask for it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Application, type ApplicationFunction, type Environ, toApplication } from 'gatebridge';

const current = new AsyncLocalStorage<Environ>();

/** Wraps an application so that `seenEnviron()` works inside it. */
export function remember(application: Application): ApplicationFunction {
  const call = toApplication(application);
  return (environ, startResponse) => current.run(environ, () => call(environ, startResponse));
}

/** Returns the environ of the innermost application around the caller. */
export function seenEnviron(): Environ {
  const environ = current.getStore();
  if (environ === undefined) throw new TypeError('No application around this code was wrapped by remember()');
  return environ;
}
