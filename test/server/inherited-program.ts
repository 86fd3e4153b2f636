/** Serves on the listening socket inherited as descriptor 3, the way systemd passes one. */
import { serve } from '../../src/server/index.ts';

const server = await serve(
  (environ, startResponse) => {
    startResponse('200 OK', []);
    return [JSON.stringify({ SERVER_PORT: environ.SERVER_PORT })];
  },
  { fd: 3 },
);
process.once('SIGTERM', () => void server.shutdown());
console.log('ready');
