/** The application under load: receives and sends content, and counts what is open. */
import { createHash } from 'node:crypto';

import type { Body, Environ, StartResponse } from '../../src/wsgi.ts';
import { PATTERN } from './pattern.ts';

const PIECE = 16_384;

/** Counts of unfinished work, all 0 when idle; `doubleCloses` must always be 0. */
export const open = { calls: 0, iterations: 0, bodies: 0, doubleCloses: 0 };

/**
 * `POST /upload` answers with length and digest of the content; `GET /download?n` sends n octets of the repeated
 * pattern; `/stream?n` sends them in chunks; `/wait` waits until its client leaves; any other request gets a greeting, and its
 * content stays unread.
 */
export const soakApplication = async (environ: Environ, startResponse: StartResponse): Promise<Body> => {
  open.calls += 1;
  try {
    return await answer(environ, startResponse);
  } finally {
    open.calls -= 1;
  }
};

async function answer(environ: Environ, startResponse: StartResponse): Promise<Body> {
  const size = Number(environ.QUERY_STRING);
  switch (environ.PATH_INFO) {
    case '/upload':
      return upload(environ, startResponse);
    case '/download':
      startResponse('200 OK', [['Content-Length', String(size)]]);
      return track(givePattern(size));
    case '/stream':
      startResponse('200 OK', []);
      return track(givePattern(size));
    case '/wait':
      return untilGone(environ);
    default:
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return ['Hello'];
  }
}

function untilGone(environ: Environ): Promise<Body> {
  return new Promise((_resolve, reject) => {
    const signal = environ['gateway.signal']?.();
    signal?.addEventListener('abort', () => reject(signal.reason));
  });
}

async function upload(environ: Environ, startResponse: StartResponse): Promise<Body> {
  const hash = createHash('sha1');
  let length = 0;
  for await (const piece of environ['wsgi.input'].chunks()) {
    hash.update(piece);
    length += piece.length;
  }
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [`${length} ${hash.digest('hex')}`];
}

async function* givePattern(size: number): AsyncGenerator<Uint8Array> {
  open.iterations += 1;
  try {
    for (let given = 0; given < size; ) {
      const start = given % PATTERN.length;
      const piece = PATTERN.subarray(start, Math.min(start + PIECE, start + size - given));
      yield piece;
      given += piece.length;
    }
  } finally {
    open.iterations -= 1;
  }
}

function track<Item extends object>(body: Item): Item & { close(): void } {
  open.bodies += 1;
  let isClosed = false;
  return Object.assign(body, {
    close(): void {
      if (isClosed) open.doubleCloses += 1;
      else open.bodies -= 1;
      isClosed = true;
    },
  });
}
