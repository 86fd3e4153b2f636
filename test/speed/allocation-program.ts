/**
 * A server that tells its parent how much it has allocated: `node allocation-program.js WORK`.
 */
import express from 'express';
import fastify from 'fastify';
import { fromExpress, toExpress } from '../../bridges/express/index.ts';
import { fromFastify } from '../../bridges/fastify/index.ts';
import { fromNode } from '../../bridges/node/index.ts';
import type { Application, ApplicationFunction } from '../../src/index.ts';
import { serve } from '../../src/server/index.ts';

const CONTENT = Buffer.from('Hello, world!');

const hello: ApplicationFunction = (_environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [CONTENT];
};

const echo: ApplicationFunction = async (environ, startResponse) => {
  const content = await environ['wsgi.input'].read();
  startResponse('200 OK', [['Content-Type', 'application/json']]);
  return [content];
};

const APPLICATIONS: Readonly<Record<string, () => Application>> = {
  hello: () => hello,
  browser: () => hello,
  varied: () => hello,
  post: () => echo,
  express() {
    const app = express();
    app.get('/', (_req, res) => {
      res.send('Hello, world!');
    });
    return fromExpress(app);
  },
  fastify() {
    const instance = fastify();
    instance.get('/', (_request, reply) => {
      reply.send('Hello, world!');
    });
    return fromFastify(instance);
  },
  mounted() {
    const handler = toExpress(hello);
    // Without Express, whose own allocations would hide those of the bridge.
    return fromNode((req, res) => handler(req, res, () => res.end()));
  },
};

const createApplication = APPLICATIONS[process.argv[2] ?? ''];
if (createApplication === undefined) throw new RangeError(`No work is called ${process.argv[2]}`);
const server = await serve(createApplication(), { port: 0 });
process.send?.(server.address());
process.on('message', (message) => {
  if (message === 'collect') globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  process.send?.(heapUsed + arrayBuffers);
});
process.on('disconnect', () => process.exit());
