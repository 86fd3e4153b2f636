/** Serves the CGI program that its argument names, and prints the URL. A test kills it. */
import type { AddressInfo } from 'node:net';
import { fromCgi } from '../../../bridges/cgi/index.ts';
import { createServer } from '../../../src/server/index.ts';

const env = { GATEBRIDGE_MARK: process.env.GATEBRIDGE_MARK };
const server = createServer(fromCgi(process.argv[2] ?? '', { env }));
server.listen(0, '127.0.0.1', () =>
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
);
