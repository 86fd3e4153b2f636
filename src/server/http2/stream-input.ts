/**
 * Reads the content of a request of HTTP/2 from its stream, as the parser of HTTP/1.1 reads it from a connection.
 *
 * So both have the same rules for it: src/server/exchange/request-content.ts decides who reads, and until when. The window of
 * a stream is opened by reading: until the first read, a client can send `initialWindowSize` octets, and afterwards as many as
 * node's Readable buffers.
 */
import type { ServerHttp2Stream } from 'node:http2';
import { ProtocolError } from '../../errors.ts';
import { isForbiddenTrailer } from '../../http/index.ts';
import type { ContentOwner, ContentReader } from '../exchange/request-content.ts';
import type { ServerSettings } from '../options.ts';

/** The exchange of a stream, as its input uses it. */
export interface InputListener {
  readonly settings: ServerSettings;
  /** Octets have come, or the end. */
  onInput(): void;
  /** The application has a turn to ask for more, after its response. */
  leaveTurn(): void;
  onContentFault(error: unknown): void;
  sendContinue(): void;
}

/** The octets of one stream. */
export class StreamInput implements ContentOwner, ContentReader {
  /** What RequestContent calls the client's half: the stream tells of its end itself. */
  readonly isPeerEnded = false;
  readonly output: ContentOwner['output'];
  readonly turn: ContentOwner['turn'];
  state: 'head' | 'content' | 'failed' = 'content';
  contentRead = 0;
  /** All of it has come, and was taken from the stream. */
  isWhole = false;
  trailers: string[] = [];
  readonly #stream: ServerHttp2Stream;
  readonly #listener: InputListener;
  #isOpen = false;

  constructor(stream: ServerHttp2Stream, listener: InputListener) {
    this.#stream = stream;
    this.#listener = listener;
    this.output = { sendContinue: () => listener.sendContinue() };
    this.turn = { leave: () => listener.leaveTurn() };
    stream.on('trailers', this.#onTrailers);
    // Otherwise node closes the stream after a response before which nobody has read (Node 20 to 26).
    stream.pause();
  }

  get parser(): this {
    return this;
  }

  get bufferedLength(): number {
    return this.#stream.readableLength;
  }

  /** Asks for octets. */
  resume(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#stream.on('readable', this.#onReadable);
    this.#stream.on('end', this.#onEnd);
  }

  /** @throws {@link ProtocolError} */
  readContent(): Buffer | null | undefined {
    if (this.isWhole) return this.#end();
    // Nobody has read, so the stream has no octets to give yet.
    if (!this.#isOpen) return undefined;
    // Without an encoding it gives Buffers.
    const piece = this.#stream.read() as Buffer | null;
    if (piece === null) return undefined;
    this.contentRead += piece.length;
    const { maxBodySize } = this.#listener.settings;
    if (this.contentRead > maxBodySize) throw this.#fail('WSGI_ERR_CONTENT_TOO_LARGE', maxBodySize);
    return piece;
  }

  #end(): null {
    const { maxTrailerSize, maxHeadersCount } = this.#listener.settings;
    let size = 0;
    for (let index = 0; index + 1 < this.trailers.length; index += 2) {
      const name = this.trailers[index] ?? '';
      if (isForbiddenTrailer(name)) throw this.#fail('WSGI_ERR_REQUEST_TRAILER_FORBIDDEN', name);
      size += name.length + (this.trailers[index + 1] ?? '').length;
    }
    if (size > maxTrailerSize) throw this.#fail('WSGI_ERR_FIELDS_TOO_LARGE');
    if (maxHeadersCount !== 0 && this.trailers.length / 2 > maxHeadersCount)
      throw this.#fail('WSGI_ERR_FIELDS_TOO_MANY');
    this.state = 'head';
    return null;
  }

  #fail(...[code, detail]: ConstructorParameters<typeof ProtocolError>): ProtocolError {
    this.state = 'failed';
    return new ProtocolError(code, detail);
  }

  onContentFault(error: unknown): void {
    this.#listener.onContentFault(error);
  }

  /** Throws away what has come, so that the stream can end. */
  discard(): void {
    const stream = this.#stream;
    if (this.#isOpen) stream.off('readable', this.#onReadable);
    stream.resume();
  }

  readonly #onReadable = (): void => {
    this.#listener.onInput();
  };

  readonly #onEnd = (): void => {
    // A reset without an error looks like an end (Node 20 to 26); with a response under way it is an abort.
    if (this.#stream.aborted) return;
    this.isWhole = true;
    this.#listener.onInput();
  };

  readonly #onTrailers = (_headers: object, _flags: number, received: string[]): void => {
    this.trailers = received;
  };
}
