/** Reads the content of a request before the application is called. */
import { toApplication } from '../gateway/application.ts';
import { Input } from '../gateway/input.ts';
import { type OptionsOf, settingsOf } from '../gateway/option-table.ts';
import { readBody } from '../gateway/read-body.ts';
import type { Environ, InputStream } from '../wsgi.ts';
import { mayHaveContent } from './content-source.ts';
import { checkLayerOptions } from './layer-options.ts';
import type { Middleware } from './middleware.ts';

/** The options of `bufferInput`. */
export const BUFFER_INPUT_OPTIONS = {
  /** Octets to keep in memory for one request. More content gets a 413. */
  limit: { type: 'octets', default: 1_048_576 },
} as const;

/** Options of {@link bufferInput}. */
export interface BufferInputOptions extends OptionsOf<typeof BUFFER_INPUT_OPTIONS> {}

/**
 * Reads the content of a request into memory before the application is called.
 *
 * A slow client then does not hold the application up, CONTENT_LENGTH is known for content in the chunked coding too, and
 * `environ['wsgi.input']` is a {@link BufferedInput}, which can be read again. A request without content is passed on at once.
 *
 * @param options The limit
 * @throws TypeError or RangeError if the limit is wrong. A request with more content fails with a {@link ProtocolError} 413
 * @example
 * const site = bufferInput()(cascade([first, second]));
 */
export function bufferInput(options: BufferInputOptions = {}): Middleware {
  checkLayerOptions(options, BUFFER_INPUT_OPTIONS, { likely: 'limit' });
  const settings = settingsOf(BUFFER_INPUT_OPTIONS, options);
  return (application) => {
    const inner = toApplication(application);
    return (environ, startResponse) => {
      if (!mayHaveContent(environ)) return inner(environ, startResponse);
      return readBody(environ, settings).then((content) =>
        inner(bufferedEnviron(environ, content), startResponse),
      );
    };
  };
}

function bufferedEnviron(environ: Environ, content: Uint8Array): Environ {
  const { HTTP_TRANSFER_ENCODING: _coding, ...rest } = environ;
  return {
    ...rest,
    CONTENT_LENGTH: String(content.length),
    'wsgi.input': new BufferedInput(content),
    'wsgi.input_terminated': true,
  };
}

/** A `wsgi.input` whose content is in memory. */
export class BufferedInput implements InputStream {
  readonly #content: Uint8Array;
  #input: Input;

  constructor(content: Uint8Array) {
    this.#content = content;
    this.#input = inputOf(content);
  }

  /** Begins from the start: the next read gives the first octets again. */
  rewind(): void {
    this.#input = inputOf(this.#content);
  }

  read(size?: number | null): Promise<Uint8Array> {
    return this.#input.read(size);
  }

  readline(size?: number | null): Promise<Uint8Array> {
    return this.#input.readline(size);
  }

  readlines(hint?: number | null): Promise<Uint8Array[]> {
    return this.#input.readlines(hint);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return this.#input[Symbol.asyncIterator]();
  }

  chunks(): AsyncIterable<Uint8Array> {
    return this.#input.chunks();
  }
}

function inputOf(content: Uint8Array): Input {
  let isGiven = false;
  return new Input({
    pull: () => {
      if (isGiven) return null;
      isGiven = true;
      return content;
    },
  });
}
