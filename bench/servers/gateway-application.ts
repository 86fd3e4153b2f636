/** A gateway application with the same answers as node-listener.ts. */
import type { Application, Body, Environ, StartResponse } from 'gatebridge';
import { EVENT, HELLO_LENGTH, HELLO_OCTETS, PIECE, PIECES, STREAM_LENGTH } from './contender.ts';
import { nextTick } from './ticks.ts';

const EVENT_OCTETS = Buffer.from(EVENT);

export const application: Application = (environ, startResponse) => {
  switch (environ.PATH_INFO) {
    case '/echo':
      return echo(environ, startResponse);
    case '/json':
      return json(environ, startResponse);
    case '/down':
      return down(startResponse);
    case '/up':
      return up(environ, startResponse);
    case '/ticks':
      return sendTicks(startResponse);
    default:
      if (environ.PATH_INFO.startsWith('/repeat/')) return repeat(environ, startResponse);
      startResponse('200 OK', [
        ['Content-Type', 'text/plain'],
        ['Content-Length', HELLO_LENGTH],
      ]);
      return [HELLO_OCTETS];
  }
};

/** Answers with values of the request. */
function repeat(
  { REQUEST_URI: target = '', HTTP_COOKIE: cookie }: Environ,
  startResponse: StartResponse,
): Body {
  const content = Buffer.from(`${target} ${cookie}`);
  startResponse('200 OK', [
    ['Content-Type', 'text/plain'],
    ['Content-Length', String(content.length)],
    ['X-Target', target],
  ]);
  return [content];
}

/** Sends server-sent events to a client that stays, whenever the source has one. */
async function* sendTicks(startResponse: StartResponse): AsyncGenerator<Uint8Array> {
  startResponse('200 OK', [
    ['Content-Type', 'text/event-stream'],
    ['Cache-Control', 'no-cache'],
  ]);
  for (;;) {
    await nextTick();
    yield EVENT_OCTETS;
  }
}

async function echo(environ: Environ, startResponse: StartResponse): Promise<Body> {
  return reply(startResponse, await environ['wsgi.input'].read());
}

async function json(environ: Environ, startResponse: StartResponse): Promise<Body> {
  const { buffer, byteOffset, length } = await environ['wsgi.input'].read();
  const value: unknown = JSON.parse(Buffer.from(buffer, byteOffset, length).toString());
  return reply(startResponse, Buffer.from(JSON.stringify(value)));
}

function reply(startResponse: StartResponse, content: Uint8Array): Body {
  startResponse('200 OK', [
    ['Content-Type', 'application/json'],
    ['Content-Length', String(content.length)],
  ]);
  return [content];
}

function* down(startResponse: StartResponse): Generator<Uint8Array> {
  startResponse('200 OK', [
    ['Content-Type', 'application/octet-stream'],
    ['Content-Length', STREAM_LENGTH],
  ]);
  for (let sent = 0; sent < PIECES; sent += 1) yield PIECE;
}

async function up(environ: Environ, startResponse: StartResponse): Promise<Body> {
  let length = 0;
  for await (const piece of environ['wsgi.input'].chunks()) length += piece.length;
  const text = String(length);
  startResponse('200 OK', [
    ['Content-Type', 'text/plain'],
    ['Content-Length', String(text.length)],
  ]);
  return [Buffer.from(text)];
}
