/**
 * All servers by name. A process loads only one, so that none pays for the modules of another.
 */
import type { Contender } from './contender.ts';

type Loader = () => Promise<{ readonly contender: Contender }>;

export const CONTENDERS: Readonly<Record<string, Loader>> = {
  floor: () => import('./floor.ts'),
  'node:http': () => import('./node-http.ts'),
  gatebridge: () => import('./gatebridge.ts'),
  'gatebridge with fromNode': () => import('./from-node.ts'),
  hono: () => import('./hono.ts'),
  srvx: () => import('./srvx.ts'),
  'hono on gatebridge': () => import('./hono-on-gatebridge.ts'),
  "hono on gatebridge, with node's Response": () => import('./hono-with-real-response.ts'),
  'hono on srvx': () => import('./hono-on-srvx.ts'),
  express: () => import('./express.ts'),
  'express on gatebridge': () => import('./express-on-gatebridge.ts'),
  'express by hand': () => import('./express-by-hand.ts'),
  'mounted in express': () => import('./mounted-in-express.ts'),
  'flask behind a proxy': () => import('./flask-behind-proxy.ts'),
  'flask in express': () => import('./flask-in-express.ts'),
  'php behind nginx': () => import('./php-behind-nginx.ts'),
  'php on gatebridge': () => import('./php-on-gatebridge.ts'),
  fastify: () => import('./fastify.ts'),
  'fastify on gatebridge': () => import('./fastify-on-gatebridge.ts'),
  'fastify by hand': () => import('./fastify-by-hand.ts'),
  'mounted in fastify': () => import('./mounted-in-fastify.ts'),
};
