/**
 * An Express app as a FastCGI responder behind nginx, lighttpd or Apache. For nginx:
 *
 *     location / {
 *       include fastcgi_params;
 *       fastcgi_pass unix:/tmp/app.sock;
 *     }
 *
 *     SOCKET=/tmp/app.sock npx tsx examples/serve-fastcgi.ts
 */
import express from 'express';
import { fromExpress } from 'gatebridge/express';
import { serveFastCgi } from 'gatebridge/fastcgi';

const app = express();
app.get('/hello', (request, response) => {
  response.send(`Hello from ${request.protocol}://${request.host}${request.originalUrl}\n`);
});

const { SOCKET = '/tmp/app.sock' } = process.env;
// nginx must be in the group of the socket.
const server = await serveFastCgi(fromExpress(app), { path: SOCKET, mode: 0o660 });
console.log(`Listening on ${server.address()}`);

// Requests under way are served to their ends.
process.once('SIGINT', () => void server.close()).once('SIGTERM', () => void server.close());
