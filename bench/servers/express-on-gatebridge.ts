/** The same Express app on our server. */
import { fromExpress } from 'gatebridge/express';
import { serve } from 'gatebridge/server';
import type { Contender } from './contender.ts';
import { createApp } from './express-app.ts';

export const contender: Contender = { listen: () => serve(fromExpress(createApp()), { port: 0 }) };
