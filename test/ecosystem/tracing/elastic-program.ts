/** Prints the transactions that Elastic's agent sends, by server. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { createGunzip } from 'node:zlib';
import { ask, PATHS, startServers } from './traced-servers.ts';

/** The agent traces its own reports too; these have other ids. */
const TRACE = '0af7651916cd43dd8448eb211c80319';

interface Sent {
  readonly transaction?: {
    readonly name: string;
    readonly result: string;
    readonly trace_id: string;
    readonly duration: number;
  };
}

let sent: Sent[] = [];
// The server that the agent reports to.
const collector = createServer((request, response) => void collect(request, response));

async function collect(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const packed = request.headers['content-encoding'] === 'gzip';
  const pieces = await (packed ? request.pipe(createGunzip()) : request).toArray();
  const lines = Buffer.concat(pieces)
    .toString()
    .split('\n')
    .filter((line) => line.startsWith('{'));
  for (const line of lines) sent.push(JSON.parse(line));
  response.end('{}');
}

await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
const require = createRequire(import.meta.url);
const agent = require('elastic-apm-node').start({
  // It listens on a port.
  serverUrl: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
  centralConfig: false,
  cloudProvider: 'none',
  metricsInterval: '0s',
  logLevel: 'off',
  captureExceptions: false,
});
require('node:http');

const current: Record<string, unknown[]> = {};
const servers = await startServers((path) => {
  const list = current[path] ?? [];
  current[path] = list;
  list.push(agent.currentTransaction?.ids['trace.id'] ?? 'none');
});
const report: Record<string, unknown> = {};
for (const server of servers) {
  sent = [];
  for (const path of Object.keys(current)) delete current[path];
  await Promise.all(
    PATHS.map((path, index) =>
      ask(server.port, path, `traceparent: 00-${TRACE}${index}-b7ad6b7169203331-01\r\n`),
    ),
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  await new Promise<void>((resolve) => agent.flush(() => resolve()));
  const transactions = sent.flatMap(({ transaction }) =>
    transaction === undefined || !transaction.trace_id.startsWith(TRACE)
      ? []
      : [
          [
            transaction.trace_id,
            transaction.result,
            transaction.duration >= 45 || Number(transaction.trace_id.at(-1)) < 2,
          ].join(' '),
        ],
  );
  report[server.name] = { transactions: transactions.sort(), current: PATHS.map((path) => current[path]) };
  server.close();
}
process.stdout.write(JSON.stringify(report));
process.exit();
