/** Serves a responder of FastCGI at argument 2 by HTTP, or an application at that socket if argument 1 is `serve`. A test kills it. */
import type { AddressInfo } from 'node:net';
import { fromFastCgi, serveFastCgi } from '../../bridges/fastcgi/index.ts';
import { createServer } from '../../src/server/index.ts';

const [, , kind, path = ''] = process.argv;
if (kind === 'serve') {
  void serveFastCgi(
    (_environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return ['Hello'];
    },
    { path },
  ).then(() => console.log('ready'));
} else {
  const server = createServer(fromFastCgi({ path, script: process.argv[4], keepAlive: 1 }));
  server.listen(0, '127.0.0.1', () => {
    // It listens on TCP.
    console.log((server.address() as AddressInfo).port);
  });
}
