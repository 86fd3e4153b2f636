/**
 * node:http in both directions.
 */
export { type NodeListener, type ToNodeOptions, toNode } from './to-node.ts';
