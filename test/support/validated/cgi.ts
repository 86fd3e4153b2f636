/** `gatebridge/cgi` under the validator. */
import * as entry from '../../../bridges/cgi/index.ts';
import { validated } from './validated-application.ts';

export const runCgi: typeof entry.runCgi = (application, options) =>
  entry.runCgi(validated(application), options);

export const { fromCgi }: Pick<typeof entry, 'fromCgi'> = entry;
