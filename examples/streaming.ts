/**
 * A response in pieces. Each is sent before the next is made, and a client that leaves ends the generator.
 *
 *     npx tsx examples/streaming.ts
 *     curl -N http://127.0.0.1:8124/
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environ, StartResponse } from 'gatebridge';
import { serve } from 'gatebridge/server';

async function* clock(_environ: Environ, startResponse: StartResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
  try {
    for (let tick = 1; ; tick += 1) {
      yield Buffer.from(`tick ${tick}\n`);
      await sleep(200);
    }
  } finally {
    console.log('The client has left');
  }
}

const server = await serve(clock, { port: process.env.PORT });
console.log(server.url);
