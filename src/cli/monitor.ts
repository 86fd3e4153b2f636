/** Metrics and health on an address of their own, so that they are not public. */
import {
  createServer,
  formatMetrics,
  METRICS_CONTENT_TYPE,
  type Server,
  type ServerMetrics,
} from '../server/index.ts';
import type { Application } from '../wsgi.ts';
import { parseAddress } from './address.ts';
import { urlOf } from './banner.ts';
import { answerHealth } from './layers.ts';
import { listenOn } from './listen.ts';
import type { Log } from './log.ts';
import type { Settings } from './settings.ts';

/** The facts that a monitor shows. */
export interface Monitored {
  /** Requests are served, and will be for a while. */
  readonly isWell: boolean;
  metrics(): Promise<readonly ServerMetrics[]>;
  /** Process ids and octets of memory of the processes that serve. */
  readonly memory: readonly (readonly [pid: number, octets: number])[];
}

/**
 * Starts a server for `/metrics` and `/health`, if the settings ask for it.
 *
 * @returns a function that stops it
 * @throws {@link CommandError} if the address is wrong or cannot be bound
 */
export async function startMonitor(
  monitored: Monitored,
  settings: Pick<Settings, 'metricsBind' | 'backlog' | 'socketMode'>,
  log: Log,
): Promise<() => void> {
  if (settings.metricsBind === undefined) return () => undefined;
  const address = parseAddress(settings.metricsBind);
  const server: Server = createServer(monitorOf(monitored));
  await listenOn(server, address, settings);
  log.info(`Metrics and health at ${urlOf(address, server.address(), 'http')}`);
  return () => {
    server.closeAllConnections();
    server.close();
  };
}

function monitorOf(monitored: Monitored): Application {
  return async (environ, startResponse) => {
    switch (environ.PATH_INFO) {
      case '/metrics': {
        const text = formatMetrics(await monitored.metrics()) + formatMemory(monitored.memory);
        startResponse('200 OK', [['Content-Type', METRICS_CONTENT_TYPE]]);
        return [Buffer.from(text)];
      }
      case '/health':
        return answerHealth(environ, startResponse, monitored.isWell);
      default:
        startResponse('404 Not Found', [['Content-Type', 'text/plain; charset=utf-8']]);
        return [Buffer.from('/metrics and /health are here\n')];
    }
  };
}

function formatMemory(memory: Monitored['memory']): string {
  const samples = memory.map(
    ([pid, octets]) => `gatebridge_process_resident_memory_bytes{pid="${pid}"} ${octets}\n`,
  );
  return [
    '# HELP gatebridge_processes Processes that serve.\n# TYPE gatebridge_processes gauge\n',
    `gatebridge_processes ${memory.length}\n`,
    '# HELP gatebridge_process_resident_memory_bytes Memory of each process that serves.\n',
    '# TYPE gatebridge_process_resident_memory_bytes gauge\n',
    ...samples,
  ].join('');
}
