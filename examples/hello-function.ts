/**
 * The first form of an application: a function that begins the response and returns its body.
 *
 *     npx tsx examples/hello-function.ts
 *     curl http://127.0.0.1:8124/
 */
import type { Environ, StartResponse } from 'gatebridge';
import { serve } from 'gatebridge/server';

function hello(environ: Environ, startResponse: StartResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
  return [Buffer.from(`Hello from a function, ${environ.REMOTE_ADDR}!\n`)];
}

const server = await serve(hello, { port: process.env.PORT });
console.log(server.url);
