/** Answers HEAD for applications that only know GET. */
import { toApplication } from '../gateway/application.ts';
import type { Chunk } from '../wsgi.ts';
import { chunkSize } from './chunk-size.ts';
import { holdHead } from './hold-head.ts';
import type { Middleware } from './middleware.ts';
import { type StartedHead, statusCodeOf } from './started-head.ts';
import { END_OF_BODY } from './wrapped-body.ts';

/** Statuses without content: a length would be wrong (RFC 9110 §8.6, §15.3.6). */
const WITHOUT_LENGTH = new Set([204, 205, 304]);

/**
 * Lets the inner application answer HEAD as a GET (RFC 9110 §9.3.2). Its original method is in
 * `environ['gateway.original_method']`.
 *
 * The content is dropped. An array gives the response its length; any other body is left at its first content, and closed.
 *
 * @example
 * const site = head()(application);
 */
export function head(): Middleware {
  return (application) => {
    const inner = toApplication(application);
    return (environ, startResponse) => {
      if (environ.REQUEST_METHOD !== 'HEAD') return inner(environ, startResponse);
      const held = holdHead(startResponse, {
        onHead: declareLength,
        onChunk: (chunk) => (chunk.length > 0 ? END_OF_BODY : undefined),
      });
      const asGet = { ...environ, REQUEST_METHOD: 'GET', 'gateway.original_method': 'HEAD' };
      return held.body(inner(asGet, held.startResponse));
    };
  };
}

function declareLength(started: StartedHead, content: readonly Chunk[] | undefined): void {
  if (content === undefined || WITHOUT_LENGTH.has(statusCodeOf(started))) return;
  const length = content.reduce((sum, chunk) => sum + chunkSize(chunk), 0);
  if (!Number.isNaN(length)) started.headers.setDefault('Content-Length', String(length));
}
