/** The listener written for node:http, unchanged, on our server. */
import { fromNode } from 'gatebridge/node';
import { serve } from 'gatebridge/server';
import type { Contender } from './contender.ts';
import { createListener } from './node-listener.ts';

export const contender: Contender = { listen: () => serve(fromNode(createListener()), { port: 0 }) };
