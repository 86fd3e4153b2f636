/** Applications for the tests of runApplication. */
import { DisconnectError } from '../../../src/errors.ts';
import type { Application, Body, Environ, HeaderList, StartResponse } from '../../../src/wsgi.ts';

/** The error that reports a client that left. */
export const GONE: DisconnectError = new DisconnectError('WSGI_ERR_DISCONNECTED', 'response');

/** An application that answers 200 with this body. */
export function answering(body: unknown, headers: HeaderList = []): Application {
  return (_environ: Environ, startResponse: StartResponse) => {
    startResponse('200 OK', headers);
    return body as Body;
  };
}

/** Gets a note for each body of `throwing` that was closed. */
export const closed: string[] = [];

/** A body that yields one chunk, throws, and notes that it was closed. */
export function throwing(chunk: unknown): Body {
  const body = {
    *[Symbol.iterator]() {
      yield chunk;
      throw new Error('thrown by the body');
    },
    close: () => closed.push('closed'),
  };
  // The chunk is wrong on purpose in some tests.
  return body as Body;
}
