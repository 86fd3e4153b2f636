/** Answers 304 to a client that has the response already (RFC 9110 §13). */
import { toApplication } from '../gateway/application.ts';
import { describesContent, type Headers } from '../gateway/headers.ts';
import { type OptionsOf, settingsOf } from '../gateway/option-table.ts';
import type { Chunk } from '../wsgi.ts';
import { builtin } from './builtin.ts';
import { holdHead } from './hold-head.ts';
import { checkLayerOptions } from './layer-options.ts';
import type { Middleware } from './middleware.ts';
import { isUnchanged, parseDate, type Validators } from './preconditions.ts';
import { statusCodeOf } from './started-head.ts';
import { END_OF_BODY } from './wrapped-body.ts';

/** The options of `conditional`. */
export const CONDITIONAL_OPTIONS = {
  /** A response with 200 that is an array and has no ETag gets one that is made of its content. */
  etag: { type: 'boolean', default: true },
} as const;

/** Options of {@link conditional}. */
export interface ConditionalOptions extends OptionsOf<typeof CONDITIONAL_OPTIONS> {}

/**
 * Turns a 200 to GET or HEAD into a 304 if the client has the response already: If-None-Match names its ETag, or, without that field,
 * If-Modified-Since is not before its Last-Modified. Makes an ETag for content that is complete at once.
 *
 * The application still does all its work. Only the content is spared.
 *
 * @param options Make an ETag or not
 * @throws TypeError if an option is wrong, Error if an ETag is to be made where there is no `node:crypto`
 * @example
 * const site = conditional()(application);
 */
export function conditional(options: ConditionalOptions = {}): Middleware {
  checkLayerOptions(options, CONDITIONAL_OPTIONS);
  const { etag } = settingsOf(CONDITIONAL_OPTIONS, options);
  const tagOf = etag ? createTagger() : undefined;
  return (application) => {
    const inner = toApplication(application);
    return (environ, startResponse) => {
      if (environ.REQUEST_METHOD !== 'GET' && environ.REQUEST_METHOD !== 'HEAD') {
        return inner(environ, startResponse);
      }
      let isSpared = false;
      const held = holdHead(startResponse, {
        onHead: (head, content) => {
          isSpared = false;
          if (statusCodeOf(head) !== 200) return;
          const { headers } = head;
          const tag = content === undefined || headers.has('ETag') ? undefined : tagOf?.(content, headers);
          if (tag !== undefined) headers.set('ETag', tag);
          isSpared = isUnchanged(environ, validatorsOf(headers));
          if (!isSpared) return;
          head.status = '304 Not Modified';
          for (const name of headers.keys()) if (describesContent(name)) headers.delete(name);
        },
        isTransparent: true,
        onChunk: (chunk) => (isSpared && chunk.length > 0 ? END_OF_BODY : undefined),
      });
      return held.body(inner(environ, held.startResponse));
    };
  };
}

type Tagger = (content: readonly Chunk[], headers: Headers) => string | undefined;

function createTagger(): Tagger {
  const { createHash } = builtin('node:crypto', 'conditional()');
  return (content, headers) => {
    if (/\bno-store\b/i.test(headers.getAll('Cache-Control').join(','))) return undefined;
    const hash = createHash('sha256');
    let isEmpty = true;
    for (const chunk of content) {
      // The gateway says what is wrong with it.
      if (typeof chunk !== 'string' && !ArrayBuffer.isView(chunk)) return undefined;
      if (chunk.length > 0) isEmpty = false;
      hash.update(chunk);
    }
    return isEmpty ? undefined : `"${hash.digest('base64url').slice(0, TAG_LENGTH)}"`;
  };
}

/** Characters of base64url: 132 bits. */
const TAG_LENGTH = 22;

function validatorsOf(headers: Headers): Validators {
  return { etag: headers.get('ETag'), modified: parseDate(headers.get('Last-Modified', '')) };
}
