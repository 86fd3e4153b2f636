/** The same Fastify instance on our server. */
import { fromFastify } from 'gatebridge/fastify';
import { serve } from 'gatebridge/server';
import type { Contender } from './contender.ts';
import { createInstance } from './fastify-instance.ts';

export const contender: Contender = { listen: () => serve(fromFastify(createInstance()), { port: 0 }) };
