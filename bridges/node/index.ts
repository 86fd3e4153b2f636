/**
 * node:http in both directions.
 */
export { type FromNodeOptions, fromNode } from './from-node.ts';
export { type NodeListener, type ToNodeOptions, toNode } from './to-node.ts';
