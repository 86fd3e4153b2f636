/** node:http in both directions. */
export { environOf } from '../../src/gateway/index.ts';
export { type UpgradeListener, type UpgradesOptions, upgrades } from '../_node/upgrades.ts';
export { type FromNodeOptions, fromNode, type RequestHandler } from './from-node.ts';
export { type NodeListener, type ToNodeOptions, toNode } from './to-node.ts';
