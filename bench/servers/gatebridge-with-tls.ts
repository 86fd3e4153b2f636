/** The gateway application on our server with TLS. */
import { serve } from 'gatebridge/server';
import type { Contender } from './contender.ts';
import { application } from './gateway-application.ts';
import { secrets } from './secrets.ts';

export const contender: Contender = { listen: () => serve(application, { port: 0, tls: secrets }) };
