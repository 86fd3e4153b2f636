/** An application of PEP 3333 in its three forms. */
import type { ApplicationObject, Body, Environ, StartResponse } from '../../../src/index.ts';
import { brokenPieces, markEnding, pieces } from './pieces.ts';

/** A function. */
export function answer(environ: Environ, startResponse: StartResponse): Body | Promise<Body> {
  switch (environ.PATH_INFO.split('/')[1]) {
    case 'greet':
      return greet(environ, startResponse);
    case 'echo':
      return echo(environ, startResponse);
    case 'stream':
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return new Stream(`${environ.HTTP_X_MARKS}`);
    case 'break':
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return brokenPieces();
    default:
      throw new Error('Failed on purpose');
  }
}

function greet(environ: Environ, startResponse: StartResponse): Body {
  const headers: [string, string][] = [
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2'],
  ];
  startResponse('200 OK', headers);
  // A path of native strings is octets already.
  const name = Buffer.from(environ.PATH_INFO.slice('/greet/'.length), 'latin1');
  const rest = ` ?${environ.QUERY_STRING} ${environ.HTTP_X_WORD}`;
  return [Buffer.concat([Buffer.from(`${environ.REQUEST_METHOD} `), name, Buffer.from(rest)])];
}

async function echo(environ: Environ, startResponse: StartResponse): Promise<Body> {
  const content = await environ['wsgi.input'].read();
  startResponse('201 Created', [['Content-Type', `${environ.CONTENT_TYPE}`]]);
  return [content];
}

/** A body that is streamed, and closed by the gateway. */
class Stream {
  readonly #path: string;
  #isComplete = false;

  constructor(path: string) {
    this.#path = path;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces(this.#path)) yield Buffer.from(piece);
    this.#isComplete = true;
  }

  close(): void {
    markEnding(this.#path, this.#isComplete ? 'finished' : 'left');
  }
}

/** A class: each request constructs a body. */
export class Page {
  readonly #environ: Environ;
  readonly #startResponse: StartResponse;
  #body: Body | undefined;

  constructor(environ: Environ, startResponse: StartResponse) {
    this.#environ = environ;
    this.#startResponse = startResponse;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array | string> {
    this.#body = await answer(this.#environ, this.#startResponse);
    yield* this.#body;
  }

  close(): void {
    this.#body?.close?.();
  }
}

/** An instance. */
export const site: ApplicationObject = { call: answer };
