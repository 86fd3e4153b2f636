/**
 * A cluster of socket.io behind @socket.io/sticky, which hands sockets with their first octets to its workers. Its
 * argument says which servers the workers have. Prints its port.
 */
import cluster from 'node:cluster';
import { createServer as createNodeServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setupMaster, setupWorker } from '@socket.io/sticky';
import { Server as SocketServer } from 'socket.io';
import { createServer } from '../../../src/server/index.ts';

if (cluster.isPrimary) {
  // As its documentation says: messages have octets.
  cluster.setupPrimary({ serialization: 'advanced' });
  const front = createNodeServer();
  setupMaster(front, { loadBalancingMethod: 'least-connection' });
  const workers = [cluster.fork(), cluster.fork()];
  let ready = 0;
  for (const worker of workers) {
    worker.on('message', (message: unknown) => {
      if (message !== 'ready') return;
      ready += 1;
      if (ready === workers.length) front.listen(0, '127.0.0.1');
    });
  }
  front.on('listening', () => process.stdout.write(`${(front.address() as AddressInfo).port}\n`));
} else {
  const server =
    process.argv[2] === 'node'
      ? createNodeServer((_request, response) => response.end('Hello'))
      : createServer((_environ, startResponse) => {
          startResponse('200 OK', []);
          return ['Hello'];
        });
  const sockets = new SocketServer(server);
  setupWorker(sockets);
  sockets.on('connection', (socket) => socket.on('question', (text, answer) => answer(`echo ${text}`)));
  process.send?.('ready');
}
