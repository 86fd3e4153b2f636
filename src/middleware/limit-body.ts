/** Limits the content of requests. */
import { ProtocolError } from '../errors.ts';
import { toApplication } from '../gateway/application.ts';
import { Input } from '../gateway/input.ts';
import { type OptionsOf, settingsOf } from '../gateway/option-table.ts';
import type { InputSource } from '../port.ts';
import { contentSource, mayHaveContent } from './content-source.ts';
import { checkLayerOptions } from './layer-options.ts';
import type { Middleware } from './middleware.ts';

/** The options of `limitBody`. */
export const LIMIT_BODY_OPTIONS = {
  /** Octets of content that a request may have. */
  limit: { type: 'octets', default: 1_048_576 },
} as const;

/** Options of {@link limitBody}. */
export interface LimitBodyOptions extends OptionsOf<typeof LIMIT_BODY_OPTIONS> {}

/**
 * Refuses requests with more content than a limit: with 413, before the application is called, if Content-Length says so; else the
 * read that exceeds the limit fails, and the application's response is a 413 unless it catches that.
 *
 * @param options The limit
 * @throws TypeError or RangeError if the limit is wrong. A request fails with a {@link ProtocolError} 413
 * @example
 * const site = dispatch({ '/upload': limitBody({ limit: 100_000_000 })(upload), '/': limitBody()(pages) });
 */
export function limitBody(options: LimitBodyOptions = {}): Middleware {
  checkLayerOptions(options, LIMIT_BODY_OPTIONS, { likely: 'limit' });
  const { limit } = settingsOf(LIMIT_BODY_OPTIONS, options);
  return (application) => {
    const inner = toApplication(application);
    return (environ, startResponse) => {
      const declared = Number(environ.CONTENT_LENGTH || 0);
      if (declared > limit) throw new ProtocolError('WSGI_ERR_CONTENT_TOO_LARGE', limit);
      if (!mayHaveContent(environ)) return inner(environ, startResponse);
      const input = new Input(limitSource(contentSource(environ), limit));
      return inner({ ...environ, 'wsgi.input': input }, startResponse);
    };
  };
}

function limitSource(source: InputSource, limit: number): InputSource {
  let given = 0;
  return {
    pull: async () => {
      const piece = await source.pull();
      given += piece?.length ?? 0;
      if (given > limit) throw new ProtocolError('WSGI_ERR_CONTENT_TOO_LARGE', limit);
      return piece;
    },
    skip: () => source.skip?.() === true,
    beginIteration: () => source.beginIteration?.(),
    endIteration: () => source.endIteration?.(),
  };
}
