/**
 * The application of the endurance tests: receives and sends content of any size, and counts what is open.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Body, Environ, StartResponse } from '../../src/wsgi.ts';

const PIECE = Buffer.alloc(65_536, 'x');

/** Counts of unfinished work; all are 0 when idle. */
export const open = { applications: 0, iterations: 0, bodies: 0 };
/** Bodies that were closed twice. */
export const faults = { doubleCloses: 0 };

/**
 * `POST /upload` answers with the number of octets read; `GET /download?n` sends n octets; `GET /drip?n` sends n
 * small chunks slowly; any other request gets a greeting.
 */
export async function endure(environ: Environ, startResponse: StartResponse): Promise<Body> {
  open.applications += 1;
  try {
    const size = Number(environ.QUERY_STRING);
    switch (environ.PATH_INFO) {
      case '/upload':
        return await upload(environ, startResponse);
      case '/download':
        return track(download(startResponse, size));
      case '/drip':
        return track(drip(startResponse, size));
      default:
        startResponse('200 OK', [['Content-Type', 'text/plain']]);
        return ['Hello'];
    }
  } finally {
    open.applications -= 1;
  }
}

async function upload(environ: Environ, startResponse: StartResponse): Promise<Body> {
  let length = 0;
  for await (const piece of environ['wsgi.input'].chunks()) length += piece.length;
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [String(length)];
}

async function* download(startResponse: StartResponse, size: number): AsyncGenerator<Uint8Array> {
  open.iterations += 1;
  try {
    startResponse('200 OK', [['Content-Length', String(size)]]);
    for (let rest = size; rest > 0; rest -= PIECE.length) yield PIECE.subarray(0, rest);
  } finally {
    open.iterations -= 1;
  }
}

async function* drip(startResponse: StartResponse, count: number): AsyncGenerator<Uint8Array> {
  open.iterations += 1;
  try {
    startResponse('200 OK', []);
    for (let index = 0; index < count; index += 1) {
      yield PIECE.subarray(0, 100);
      await delay(1);
    }
  } finally {
    open.iterations -= 1;
  }
}

/** Counts a body as open until it is closed. */
function track<T extends object>(body: T): T & { close(): void } {
  open.bodies += 1;
  let isClosed = false;
  return Object.assign(body, {
    close() {
      if (isClosed) faults.doubleCloses += 1;
      else open.bodies -= 1;
      isClosed = true;
    },
  });
}
