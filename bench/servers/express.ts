/** Express on node:http. */
import { createServer } from 'node:http';
import { type Contender, listenOn } from './contender.ts';
import { createApp } from './express-app.ts';

export const contender: Contender = { listen: () => listenOn(createServer(createApp())) };
