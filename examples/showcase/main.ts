/**
 * The showcase: `npm start`, then http://127.0.0.1:8124/
 *
 * An Express app runs on the standalone server, and applications of all kinds run inside Express.
 */
import { fromExpress } from 'gatebridge/express';
import { serve } from 'gatebridge/server';
import { remember } from './seen.ts';
import { createSite } from './site.ts';

const { PORT = '8124', HOST = '127.0.0.1' } = process.env;

const application = remember(fromExpress(createSite()));
const server = await serve(application, { port: Number(PORT), host: HOST }).catch(
  (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    console.error(`Port ${PORT} is taken. PORT=0 npm start takes any free one.`);
    process.exit(1);
  },
);

const address = server.address();
const port = typeof address === 'object' && address !== null ? address.port : PORT;
const name = HOST.includes(':') ? `[${HOST}]` : HOST;
console.log(`The showcase is at http://${name}:${port}/ (Ctrl+C stops it)`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void server.shutdown({ timeout: 2000 });
  });
}
