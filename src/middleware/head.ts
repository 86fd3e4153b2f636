/** Answers HEAD for applications that only know GET. */
import { toApplication } from '../gateway/application.ts';
import type { Middleware } from './middleware.ts';

/**
 * Lets the inner application answer HEAD as a GET (RFC 9110 §9.3.2). Its original method is in
 * `environ['gateway.original_method']`.
 *
 * The gateway sends no content with a response to HEAD: it derives the length of an array, stops the iteration of any other body
 * at the first content, and closes it.
 *
 * @example
 * const site = head()(application);
 */
export function head(): Middleware {
  return (application) => {
    const inner = toApplication(application);
    return (environ, startResponse) => {
      return environ.REQUEST_METHOD === 'HEAD'
        ? inner({ ...environ, REQUEST_METHOD: 'GET', 'gateway.original_method': 'HEAD' }, startResponse)
        : inner(environ, startResponse);
    };
  };
}
