/** `gatebridge/express` under the validator. */
import * as entry from '../../../bridges/express/index.ts';
import { validated } from './validated-application.ts';

export { fromExpress, upgrades } from '../../../bridges/express/index.ts';

export const toExpress: typeof entry.toExpress = (application, options) =>
  entry.toExpress(validated(application), options);
