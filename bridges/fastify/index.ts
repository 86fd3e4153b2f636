/** Fastify in both directions. */
export type { UpgradeListener, UpgradesOptions } from '../_node/upgrades.ts';
export { type FastifyApp, type FromFastifyOptions, fromFastify } from './from-fastify.ts';
export { type FastifyPlugin, type ToFastifyOptions, toFastify } from './to-fastify.ts';
export { type RoutingInstance, upgrades } from './upgrades.ts';
