/** node:https with the same listener as on node:http. */
import { createServer } from 'node:https';
import { type Contender, listenOn } from './contender.ts';
import { createListener } from './node-listener.ts';
import { secrets } from './secrets.ts';

export const contender: Contender = { listen: () => listenOn(createServer(secrets, createListener())) };
