/** The from-bridges under audit, and the same programs without a gateway. */
import { createServer } from 'node:http';
import express, { type ErrorRequestHandler, type Express } from 'express';
import fastify, { type FastifyInstance } from 'fastify';
import { fromExpress } from '../../bridges/express/index.ts';
import { fromFastify } from '../../bridges/fastify/index.ts';
import type { AuditWrapper, Listener } from '../../src/conformance/index.ts';
import { listen } from './listening.ts';

/** The from-bridges under audit. */
export const WRAPPERS: readonly AuditWrapper[] = [
  {
    name: 'fromExpress',
    wrap: (listener) => fromExpress(expressAround(listener)),
    serve: (listener) => listen(createServer(expressAround(listener)), {}),
    mount: (listener, path) =>
      listen(createServer(express().use(path, expressAround(listener))), { mount: path }),
  },
  {
    name: 'fromFastify',
    wrap: (listener) => fromFastify(fastifyAround(listener)),
    async serve(listener) {
      const instance = fastifyAround(listener);
      await instance.ready();
      return listen(instance.server, {});
    },
  },
];

function expressAround(listener: Listener): Express {
  const app = express();
  app.use((request, response) => listener(request, response));
  const handleError: ErrorRequestHandler = (_error, _request, response, _next) => {
    response.status(500).send('failed');
  };
  return app.use(handleError);
}

function fastifyAround(listener: Listener): FastifyInstance {
  const instance = fastify();
  instance.removeAllContentTypeParsers();
  instance.addContentTypeParser('*', (_request, _payload, done) => done(null));
  instance.all('/*', (request, reply) => {
    listener(request.raw, reply.raw);
    reply.hijack();
  });
  instance.setErrorHandler((_error, _request, reply) => reply.code(500).send('failed'));
  return instance;
}
