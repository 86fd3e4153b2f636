/** `gatebridge/server` under the validator. */
import * as entry from '../../../src/server/index.ts';
import { validated } from './validated-application.ts';

// The result does not depend on the application, but an overloaded type cannot say so.
export const serve = ((application, options) =>
  entry.serve(validated(application), options)) as typeof entry.serve;

// As above.
export const createServer = ((application, options) =>
  entry.createServer(validated(application), options)) as typeof entry.createServer;
