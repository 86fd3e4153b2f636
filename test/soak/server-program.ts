/**
 * Runs the server of the soak in its own process: `node --expose-gc --import tsx server-program.ts`.
 *
 * It sends its ports to the parent, and its holdings on request. Time-outs are short, so that each happens many times
 * in a soak of minutes.
 */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type ServerOptions } from '../../src/server/index.ts';
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
const folder = new URL('../support/tls/', import.meta.url);
const options: ServerOptions = {
  environ: { 'wsgi.errors': errors },
  headersTimeout: 2_000,
  requestTimeout: 4_000,
  writeTimeout: 3_000,
  drainTimeout: 2_000,
  lingerTimeout: 4_000,
  keepAliveTimeout: 3_000,
};
const server = createServer(soakApplication, options);
const secure = createServer(soakApplication, {
  ...options,
  tls: {
    key: readFileSync(new URL('key.pem', folder)),
    cert: readFileSync(new URL('cert.pem', folder)),
  },
});

let peakRss = 0;
const sampler = setInterval(() => {
  peakRss = Math.max(peakRss, process.memoryUsage.rss());
}, 50);

process.on('message', (question) => {
  if (question === 'stop') {
    clearInterval(sampler);
    const stops = [server, secure].map((each) => each.shutdown({ timeout: 1_000 }));
    void Promise.all(stops).then(() => process.disconnect());
  } else {
    process.send?.(takeStock());
  }
});
// The parent may have died.
process.on('disconnect', () => process.exit());
process.send?.({ port: await listen(server), securePort: await listen(secure) });

async function listen(each: Server): Promise<number> {
  await once(each.listen(0, '127.0.0.1'), 'listening');
  // It listens on a port.
  return (each.address() as AddressInfo).port;
}

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
    sockets: process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap' || name === 'TLSWrap')
      .length,
    unfinished: open.calls + open.iterations + open.bodies,
    doubleCloses: open.doubleCloses,
    log: log.slice(0, 20),
    cpu: (user + system) / 1000,
  };
}
