/** The gateway application on our server, over HTTP/2. */
import { serve } from 'gatebridge/server';
import type { Contender } from './contender.ts';
import { application } from './gateway-application.ts';

export const contender: Contender = { listen: () => serve(application, { port: 0, http2: true }) };
