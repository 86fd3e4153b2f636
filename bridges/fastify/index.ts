/** Fastify in both directions. */
export { type FastifyApp, type FromFastifyOptions, fromFastify } from './from-fastify.ts';
export { type FastifyPlugin, type ToFastifyOptions, toFastify } from './to-fastify.ts';
