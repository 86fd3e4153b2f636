/** Puts several middlewares around an application. */
import { toApplication } from '../gateway/application.ts';
import { describe } from '../gateway/describe.ts';
import type { Application, ApplicationFunction } from '../wsgi.ts';
import type { Middleware } from './middleware.ts';

/**
 * Makes one middleware of several. The first one is the outermost: it sees the request first and the response last.
 *
 * @param layers Functions from application to application; each gets the function form, and may give any form
 * @returns a middleware: `compose(a, b, c)(application)` is `a(b(c(application)))`
 * @throws TypeError if a layer is not a function. The middleware throws one if a layer gives no application
 * @example
 * const site = compose(trustedProxy(), requestId(), accessLog())(application);
 */
export function compose(...layers: readonly ((inner: ApplicationFunction) => Application)[]): Middleware {
  for (const layer of layers) {
    if (typeof layer === 'function') continue;
    const cure = Array.isArray(layer) ? ': pass each by itself, as in compose(...layers)' : '';
    throw new TypeError(`Middleware must be a function, not ${describe(layer)}${cure}`);
  }
  return (application) => {
    return layers.reduceRight<ApplicationFunction>(
      (inner, layer) => toApplication(layer(inner)),
      toApplication(application),
    );
  };
}
