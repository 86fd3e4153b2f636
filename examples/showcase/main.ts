/**
 * The showcase: `npm start` in a clone, then http://127.0.0.1:8124/
 *
 *     PORT=8080 HOST=0.0.0.0 npm start
 */
import { serve } from 'gatebridge/server';
import { explain, readAddress, refuse } from './address.ts';
import { announceServer, endStreams } from './live.ts';
import { createSite } from './site.ts';
import { endSockets, upgrade } from './sockets.ts';

const address = readAddress(process.env);
if ('problem' in address) refuse(address.problem);

const server = await serve(createSite(address.host), {
  ...address,
  // Other requests that ask for an upgrade are answered by the application.
  shouldUpgradeCallback: (request) => request.url === '/chat',
}).catch((error: NodeJS.ErrnoException) => refuse(explain(error, address)));
server.on('upgrade', upgrade);
announceServer(server);
console.log(`The showcase is at ${server.url} (Ctrl+C stops it)`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    endStreams();
    endSockets();
    void server.shutdown({ timeout: 2_000 });
  });
}
