/** `gatebridge/node` under the validator. */
import * as entry from '../../../bridges/node/index.ts';
import { validated } from './validated-application.ts';

export { environOf, fromNode, upgrades } from '../../../bridges/node/index.ts';

export const toNode: typeof entry.toNode = (application, options) =>
  entry.toNode(validated(application), options);
