/** Six programs. Each answers with the environ that it was called with, wherever it runs. */
import type { RequestListener } from 'node:http';
import express from 'express';
import fastify from 'fastify';
import type { Application, Environ, HeaderList, StartResponse } from 'gatebridge';
import { fromExpress } from 'gatebridge/express';
import { fromFastify } from 'gatebridge/fastify';
import { environOf, fromNode } from 'gatebridge/node';
import { report } from './report.ts';

const HEADERS: HeaderList = [['Content-Type', 'application/json']];

/** The first form of an application, a function: it is called for each request. */
function hello(environ: Environ, startResponse: StartResponse): Uint8Array[] {
  startResponse('200 OK', HEADERS);
  return [report(environ, 'This function was called with environ and startResponse.')];
}

/** The second form, a class: each request constructs an instance, which is the body. */
class Hello {
  readonly #environ: Environ;
  readonly #startResponse: StartResponse;

  constructor(environ: Environ, startResponse: StartResponse) {
    this.#environ = environ;
    this.#startResponse = startResponse;
  }

  *[Symbol.iterator](): Generator<Uint8Array> {
    this.#startResponse('200 OK', HEADERS);
    yield report(this.#environ, 'This instance was made for your request, and iterated once.');
  }
}

/** The third form, an object with a `call` method: it answers every request, so it can count them. */
class Counter {
  #requests = 0;

  call(environ: Environ, startResponse: StartResponse): Uint8Array[] {
    this.#requests += 1;
    startResponse('200 OK', HEADERS);
    return [report(environ, `This object has answered ${this.#requests} requests, in all hosts together.`)];
  }
}

/** A listener for node:http. `environOf` gives the environ behind a request of node. */
const listener: RequestListener = (request, response) => {
  response.setHeader('Content-Type', 'application/json');
  response.end(report(environOf(request), `node:http called this listener for ${request.url}.`));
};

const expressApp = express();
expressApp.use((request, response) => {
  response
    .type('json')
    .send(report(environOf(request), `Express routed ${request.originalUrl} to this handler.`));
});

const fastifyApp = fastify();
fastifyApp.addHook('onSend', async (_request, reply) => {
  reply.header('X-Inner-Framework', `fastify ${fastifyApp.version}`);
});
fastifyApp.get('/*', async (request, reply) => {
  reply.type('application/json');
  return report(environOf(request.raw), `Fastify routed ${request.url} to this handler.`);
});

export const programs: Readonly<Record<string, Application>> = {
  function: hello,
  class: Hello,
  object: new Counter(),
  node: fromNode(listener),
  express: fromExpress(expressApp),
  fastify: fromFastify(fastifyApp),
};
