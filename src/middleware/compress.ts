/** Compresses content (RFC 9110 §8.4). */
import { toApplication } from '../gateway/application.ts';
import { checkOption } from '../gateway/check-options.ts';
import { type OptionsOf, settingsOf } from '../gateway/option-table.ts';
import { builtin } from './builtin.ts';
import { CompressedResponse } from './compressed-response.ts';
import { isCompressibleType } from './compressible.ts';
import { CODING_NAMES, type ContentCoding, contentCoding } from './content-coding.ts';
import { checkLayerOptions } from './layer-options.ts';
import type { Middleware } from './middleware.ts';

/** The options of `compress`. */
export const COMPRESS_OPTIONS = {
  /** Codings to offer, the best one first: `br`, `zstd`, `gzip`, `deflate`. Those that node does not have are left out. */
  codings: { type: 'names', default: ['br', 'zstd', 'gzip'] },
  /** Content whose length is known, and less, is sent as it is. */
  threshold: { type: 'octets', default: 1024 },
  /** Effort, from 1 to 9. By default 4 for `br`, 3 for `zstd`, 6 for the others. */
  level: { type: 'count', least: 1, most: 9 },
  /** Called with the Content-Type; returns true if such content is to be compressed. Without it: text and the like. */
  filter: { type: 'function' },
} as const;

/** Options of {@link compress}. */
export interface CompressOptions extends OptionsOf<typeof COMPRESS_OPTIONS> {
  readonly filter?: ((contentType: string) => boolean) | undefined;
}

/**
 * Compresses the content of responses, if the client accepts it (RFC 9110 §12.5.3).
 *
 * It leaves alone: content that is short, coded, or of a type that gains nothing; server-sent events; parts of content (206,
 * Content-Range); responses with `Cache-Control: no-transform`. Other streams are compressed, and let out whenever the application
 * makes one wait. A small array stays an array.
 *
 * @param options The codings, and what is compressed
 * @throws TypeError or RangeError if an option is wrong, Error where there is no `node:zlib`
 * @example
 * const site = compress({ codings: ['gzip'] })(application);
 */
export function compress(options: CompressOptions = {}): Middleware {
  checkLayerOptions(options, COMPRESS_OPTIONS);
  const { codings: names, threshold, level } = settingsOf(COMPRESS_OPTIONS, options);
  for (const name of names) checkOption('codings', name, { type: CODING_NAMES });
  const zlib = builtin('node:zlib', 'compress()');
  const codings = new Map<string, ContentCoding>();
  for (const name of names) {
    const coding = contentCoding(zlib, name, level);
    if (coding !== undefined) codings.set(name, coding);
  }
  const offered = [...codings.keys()];
  const isCompressible = options.filter ?? isCompressibleType;
  return (application) => {
    const inner = toApplication(application);
    return (environ, startResponse) => {
      const { HTTP_ACCEPT_ENCODING: acceptEncoding } = environ;
      const offer = { acceptEncoding, offered, threshold, isCompressible };
      const response = new CompressedResponse({ environ, startResponse, codings, offer });
      return response.take(() => inner(environ, response.startResponse));
    };
  };
}
