/** `gatebridge/fastify` under the validator. */
import * as entry from '../../../bridges/fastify/index.ts';
import { validated } from './validated-application.ts';

export { fromFastify, upgrades } from '../../../bridges/fastify/index.ts';

export const toFastify: typeof entry.toFastify = (application, options) =>
  entry.toFastify(validated(application), options);
