/** `gatebridge/fastcgi` under the validator. */
import * as entry from '../../../bridges/fastcgi/index.ts';
import { validated } from './validated-application.ts';

export const serveFastCgi: typeof entry.serveFastCgi = (application, options) =>
  entry.serveFastCgi(validated(application), options);

export const { fromFastCgi }: Pick<typeof entry, 'fromFastCgi'> = entry;
