/**
 * The first form of an application: a function that begins the response and returns its body.
 *
 *     npx tsx examples/hello-function.ts
 *     curl http://127.0.0.1:8124/
 */
import type { Environ, StartResponse } from 'gatebridge';
import { serve } from 'gatebridge/server';
import { printUrl } from './print-url.ts';

function hello(environ: Environ, startResponse: StartResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
  return [Buffer.from(`Hello from a function, ${environ.REMOTE_ADDR}!\n`)];
}

const { PORT = '8124' } = process.env;
printUrl(await serve(hello, { port: Number(PORT) }));
