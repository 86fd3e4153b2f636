/** Express in both directions. */
export { type UpgradeListener, type UpgradesOptions, upgrades } from '../_node/upgrades.ts';
export { type ExpressApp, type FromExpressOptions, fromExpress } from './from-express.ts';
export { type ExpressHandler, type ExpressNext, type ToExpressOptions, toExpress } from './to-express.ts';
