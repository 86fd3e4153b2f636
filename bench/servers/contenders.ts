/**
 * All servers by name. A process loads only one, so that none pays for the modules of another.
 */
import type { Contender } from './contender.ts';

type Loader = () => Promise<{ readonly contender: Contender }>;

export const CONTENDERS: Readonly<Record<string, Loader>> = {
  // Bun and Deno run those with their name (bench/engines.ts).
  'Bun.serve': () => import('./engine-serve.ts'),
  'Deno.serve': () => import('./engine-serve.ts'),
  'express on Bun': () => import('./express.ts'),
  'express on Deno': () => import('./express.ts'),
  'fastify on Bun': () => import('./fastify.ts'),
  'fastify on Deno': () => import('./fastify.ts'),
  'hono on Bun': () => import('./hono-on-engine.ts'),
  'hono on Deno': () => import('./hono-on-engine.ts'),
  floor: () => import('./floor.ts'),
  'node:http': () => import('./node-http.ts'),
  gatebridge: () => import('./gatebridge.ts'),
  'node:https': () => import('./node-https.ts'),
  'gatebridge with TLS': () => import('./gatebridge-with-tls.ts'),
  'node:http, 64 connections': () => import('./node-http.ts'),
  'node:http, 10,000 connections': () => import('./node-http.ts'),
  'gatebridge, 64 connections': () => import('./gatebridge.ts'),
  'gatebridge, 10,000 connections': () => import('./gatebridge.ts'),
  'gatebridge, one worker': () => command(1),
  'gatebridge, two workers': () => command(2),
  'node:http2': () => import('./node-http2.ts'),
  'gatebridge over HTTP/2': () => import('./gatebridge-http2.ts'),
  'node:http2, streams': () => import('./node-http2-streams.ts'),
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

async function command(workers: number): Promise<{ readonly contender: Contender }> {
  return { contender: (await import('./command.ts')).commandWith(workers) };
}
