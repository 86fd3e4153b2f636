/**
 * The second form of an application: a class. Each request constructs an instance, which is the body.
 *
 *     npx tsx examples/hello-class.ts
 *     curl http://127.0.0.1:8124/
 */
import type { Environ, StartResponse } from 'gatebridge';
import { serve } from 'gatebridge/server';

class Hello {
  readonly #environ: Environ;
  readonly #startResponse: StartResponse;

  constructor(environ: Environ, startResponse: StartResponse) {
    this.#environ = environ;
    this.#startResponse = startResponse;
  }

  *[Symbol.iterator]() {
    this.#startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
    yield Buffer.from('Hello from a class, ');
    yield Buffer.from(`${this.#environ.REMOTE_ADDR}!\n`);
  }
}

const server = await serve(Hello, { port: process.env.PORT });
console.log(server.url);
