/** node:http with a listener written by hand: the reference for our server. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Contender, listenOn } from './contender.ts';
import { createListener } from './node-listener.ts';

const listener: (req: IncomingMessage, res: ServerResponse) => void = createListener();

export const contender: Contender = { listen: () => listenOn(createServer(listener)) };
