/**
 * Runs one host in its own process: `node --expose-gc --import tsx program.ts NAME`. It sends its port to the parent,
 * and reports on request.
 */
import { expressMounted, fastifyPrefixed, node, standalone } from '../conformance/hosts.ts';
import { endure, faults, open } from './application.ts';

/** The state of the process. */
export interface Report {
  readonly open: typeof open;
  readonly faults: typeof faults;
  readonly connections: number;
  /** Octets of resident memory: now, after a collection, and the peak since the last report. */
  readonly rss: number;
  readonly peak: number;
}

const hosts = { standalone, node, express: expressMounted, fastify: fastifyPrefixed };
// The parent passes one of these names.
const name = process.argv[2] as keyof typeof hosts;
const host = await hosts[name].serve?.(endure, {});
if (host === undefined) throw new TypeError(`Host cannot serve: ${name}`);
let peak = 0;
const sampler = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 5);

process.on('message', (question) => {
  if (question === 'stop') {
    clearInterval(sampler);
    void host.close().then(() => process.disconnect());
    return;
  }
  globalThis.gc?.();
  const rss = process.memoryUsage.rss();
  const handles = process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap');
  const report: Report = { open, faults, connections: handles.length, rss, peak };
  peak = rss;
  process.send?.(report);
});
process.send?.({ port: host.port, mount: host.mount });
