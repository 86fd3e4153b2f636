/**
 * Fastify in both directions.
 */
export { type FastifyPlugin, type ToFastifyOptions, toFastify } from './to-fastify.ts';
