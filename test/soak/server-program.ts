/**
 * Runs the server of the soak in its own process: `node --expose-gc --import tsx server-program.ts`.
 *
 * It sends its port to the parent, and its holdings on request. Time-outs are short, so that each happens many times
 * in a soak of minutes.
 */
import { readdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from '../../src/server/index.ts';
import { open, soakApplication } from './soak-application.ts';

/** The resources that the process holds. */
export interface Holdings {
  /** Octets. */
  readonly rss: number;
  /** Peak of resident memory since the last question, in octets. */
  readonly peakRss: number;
  /** Octets, after a collection. */
  readonly heapUsed: number;
  readonly descriptors: number;
  readonly sockets: number;
  /** Calls, iterations and bodies that have not ended. */
  readonly unfinished: number;
  readonly doubleCloses: number;
  /** Lines on wsgi.errors. */
  readonly log: readonly string[];
  /** Milliseconds of CPU since the start. */
  readonly cpu: number;
}

const log: string[] = [];
const errors = { write: (text: string) => log.push(text), writelines: () => {}, flush: () => {} };
const server = createServer(soakApplication, {
  environ: { 'wsgi.errors': errors },
  headersTimeout: 2_000,
  requestTimeout: 4_000,
  writeTimeout: 3_000,
  drainTimeout: 2_000,
  keepAliveTimeout: 3_000,
});

let peakRss = 0;
const sampler = setInterval(() => {
  peakRss = Math.max(peakRss, process.memoryUsage.rss());
}, 50);

process.on('message', (question) => {
  if (question === 'stop') {
    clearInterval(sampler);
    void server.shutdown({ timeout: 1_000 }).then(() => process.disconnect());
  } else {
    process.send?.(takeStock());
  }
});
// The parent may have died.
process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => {
  // It listens on a port.
  const { port } = server.address() as AddressInfo;
  process.send?.({ port });
});

function takeStock(): Holdings {
  globalThis.gc?.();
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const peak = Math.max(peakRss, rss);
  peakRss = 0;
  return {
    rss,
    peakRss: peak,
    heapUsed,
    descriptors: readdirSync('/proc/self/fd').length,
    sockets: process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length,
    unfinished: open.calls + open.iterations + open.bodies,
    doubleCloses: open.doubleCloses,
    log: log.slice(0, 20),
    cpu: (user + system) / 1000,
  };
}
