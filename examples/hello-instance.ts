/**
 * The third form of an application: an object with a `call` method. One object answers every request.
 *
 *     npx tsx examples/hello-instance.ts
 *     curl http://127.0.0.1:8124/
 */
import type { Environ, StartResponse } from 'gatebridge';
import { serve } from 'gatebridge/server';

class Counter {
  #count = 0;

  call(_environ: Environ, startResponse: StartResponse) {
    this.#count += 1;
    startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
    return [Buffer.from(`Hello from an instance, visitor ${this.#count}!\n`)];
  }
}

const server = await serve(new Counter(), { port: process.env.PORT });
console.log(server.url);
