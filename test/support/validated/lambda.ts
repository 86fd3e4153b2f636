/** `gatebridge/lambda` under the validator. */
import * as entry from '../../../bridges/lambda/index.ts';
import { validated } from './validated-application.ts';

/** Its overloads go through a function of one signature. */
const validatedToLambda = (
  application: Parameters<typeof entry.toLambda>[0],
  options: Parameters<typeof entry.toLambda>[1],
): ReturnType<typeof entry.toLambda> => entry.toLambda(validated(application), options);

// The options decide about the result, as there.
export const toLambda: typeof entry.toLambda = validatedToLambda as typeof entry.toLambda;
