/**
 * A worker: serves the connections that its supervisor accepts.
 *
 * The supervisor holds the listening sockets, so that they outlive every worker. With `--reuse-port` a worker listens for itself.
 */
import cluster from 'node:cluster';
import { Socket } from 'node:net';
import type { Server, ServerMetrics } from '../server/index.ts';
import { NO_METRICS } from '../server/metrics.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import { listenOn } from './listen.ts';
import { type Log, openLog, outliveReaders } from './log.ts';
import { dropPrivileges } from './privileges.ts';
import { readSettings } from './read-settings.ts';
import { reportError } from './report-error.ts';
import { Service } from './service.ts';
import { pathOf, type Settings } from './settings.ts';
import { type FromWorker, isToWorker, tag } from './worker-messages.ts';

/** Milliseconds between two beats. */
const BEAT_INTERVAL = 1_000;

/** Runs a worker until it is told to stop. */
async function runWorker(): Promise<void> {
  setInterval(() => beat(), BEAT_INTERVAL).unref();
  const settings = await readSettings(process.argv.slice(2));
  process.title = `gatebridge worker: ${settings.app}`;
  const log = openLog(settings.logFile && pathOf(settings, settings.logFile), settings.logLevel);
  dropPrivileges(settings);
  let served = 0;
  const limit = requestLimit(settings);
  const service = await Service.load(settings, log, {
    ...(limit > 0 && {
      onRequest: () => {
        served += 1;
        if (served === limit) send({ type: 'spent' });
      },
    }),
  });
  readMetrics = () => service.metrics();
  await serve(service, settings, log);
}

let readMetrics = (): ServerMetrics => NO_METRICS;

/** Tells that the event loop turns. */
function beat(id?: number, onSent?: () => void): void {
  const memory = process.memoryUsage.rss();
  send({ type: 'beat', memory, metrics: readMetrics(), ...(id !== undefined && { id }) }, onSent);
}

async function serve(service: Service, settings: Settings, log: Log): Promise<void> {
  let isLeaving = false;
  const leave = (isPatient = false): void => {
    if (isLeaving && !isPatient) service.hurry();
    if (isLeaving) return;
    isLeaving = true;
    service.isLame = true;
    void service.drain(isPatient).then(() => {
      // The supervisor has the last counts, and knows by the exit that everything has ended.
      beat(undefined, () => process.exit(EXIT.clean));
    });
  };
  if (settings.reusePort) {
    for (const address of settings.addresses) await listenOn(service.createServer(), address, settings);
  }
  const server = service.createServer();
  service.watchCertificate();
  process.on('message', (message: unknown, handle: unknown) => {
    if (!isToWorker(message)) return;
    if (message.type === 'connection') {
      send({ type: 'taken', id: message.id });
      if (handle instanceof Socket) takeConnection(server, handle);
    } else if (message.type === 'drain') leave(message.isPatient);
    else if (message.type === 'lame') service.isLame = true;
    else if (message.type === 'report') beat(message.id);
    else service.reopenLogs();
  });
  process.on('SIGTERM', () => {
    send({ type: 'leaving' });
    leave();
  });
  // The supervisor is gone: nobody sends connections any more. node:cluster would end the process at once.
  if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;
  process.on('disconnect', () => leave());
  send({ type: 'ready', name: service.name, kind: service.kind });
  log.debug(`Worker has loaded ${service.name}`);
}

/** Serves a connection as if this server had accepted it. */
function takeConnection(server: Server, socket: Socket): void {
  socket.allowHalfOpen = true;
  Reflect.set(socket, 'server', server);
  server.emit('connection', socket);
}

/** Chance spreads the ends of workers over time. */
function requestLimit({ maxRequests, maxRequestsJitter }: Settings): number {
  return maxRequests === 0 ? 0 : maxRequests + Math.floor(Math.random() * (maxRequestsJitter + 1));
}

function send(message: FromWorker, onSent = (): void => undefined): void {
  // Without a channel there is no supervisor to tell.
  if (process.connected) process.send?.(tag(message), undefined, undefined, onSent);
  else onSent();
}

// Ctrl+C in a terminal reaches all processes; the supervisor decides.
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
process.on('SIGUSR1', () => undefined);

outliveReaders();
runWorker().catch((error: unknown) => {
  reportError(error);
  process.exit(error instanceof CommandError ? error.exitCode : EXIT.failed);
});
