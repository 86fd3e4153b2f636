/** `gatebridge/fetch` under the validator. */
import * as entry from '../../../bridges/fetch/index.ts';
import { validated } from './validated-application.ts';

export const toFetch: typeof entry.toFetch = (application, options) =>
  entry.toFetch(validated(application), options);

export const { fromFetch }: Pick<typeof entry, 'fromFetch'> = entry;
