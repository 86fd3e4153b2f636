/** node:http in both directions. */
export { type FromNodeOptions, fromNode, type RequestHandler } from './from-node.ts';
export { type NodeListener, type ToNodeOptions, toNode } from './to-node.ts';
