/** `Bun.serve` and `Deno.serve` with a handler written by hand and without a wasted step. */
import { type Contender, HELLO, HELLO_LENGTH, PIECE, PIECES, STREAM_LENGTH } from './contender.ts';
import { serveOnEngine } from './engine.ts';

const HELLO_INIT = { headers: { 'Content-Type': 'text/plain', 'Content-Length': HELLO_LENGTH } };
const JSON_INIT = { headers: { 'Content-Type': 'application/json' } };
const DOWN_INIT = {
  headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': STREAM_LENGTH },
};

export const contender: Contender = {
  async listen() {
    return serveOnEngine((request) => {
      if (request.method === 'POST') return post(request);
      if (request.url.endsWith('/down')) return new Response(pieces(), DOWN_INIT);
      if (request.url.includes('/repeat/')) return repeat(request);
      return new Response(HELLO, HELLO_INIT);
    });
  },
};

/** Answers with values of the request. */
function repeat({ url, headers }: Request): Response {
  const target = url.slice(url.indexOf('/', 'http://'.length));
  return new Response(`${target} ${headers.get('Cookie')}`, {
    headers: { 'Content-Type': 'text/plain', 'X-Target': target },
  });
}

async function post(request: Request): Promise<Response> {
  if (request.url.endsWith('/json')) return new Response(JSON.stringify(await request.json()), JSON_INIT);
  if (request.url.endsWith('/up')) return up(request);
  return new Response(await request.arrayBuffer(), JSON_INIT);
}

async function up({ body }: Request): Promise<Response> {
  let length = 0;
  const reader = body?.getReader();
  for (let piece = await reader?.read(); piece?.done === false; piece = await reader?.read()) {
    length += piece.value.length;
  }
  const text = String(length);
  return new Response(text, {
    headers: { 'Content-Type': 'text/plain', 'Content-Length': String(text.length) },
  });
}

function pieces(): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      sent += 1;
      if (sent > PIECES) controller.close();
      else controller.enqueue(PIECE);
    },
  });
}
