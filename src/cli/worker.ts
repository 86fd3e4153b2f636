/**
 * A worker: serves the connections that its supervisor accepts.
 *
 * The supervisor holds the listening sockets, so that they outlive every worker. With `--reuse-port` a worker listens for itself.
 */
import cluster from 'node:cluster';
import { Socket } from 'node:net';
import type { Server } from '../server/index.ts';
import { NO_METRICS } from '../server/metrics.ts';
import type { Secrets } from './certificate.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import { listenOn } from './listen.ts';
import { openLog, outliveReaders } from './log.ts';
import { PIPES } from './log-relay.ts';
import { dropPrivileges } from './privileges.ts';
import { readSettings } from './read-settings.ts';
import { reportError } from './report-error.ts';
import { Service } from './service.ts';
import { pathOf, type Settings } from './settings.ts';
import { type FromWorker, isToWorker, type ToWorker, tag } from './worker-messages.ts';

/** Milliseconds between two beats. */
const BEAT_INTERVAL = 1_000;

/** A worker that takes connections. */
interface Serving {
  readonly server: Server;
  /** Ends the work. A later call may be less patient. */
  leave(isPatient?: boolean): void;
}

let service: Service | undefined;
let serving: Serving | undefined;
let secrets: Secrets = {};
let isLame = false;

/** Runs a worker until it is told to stop. */
async function runWorker(): Promise<void> {
  setInterval(() => beat(), BEAT_INTERVAL).unref();
  const settings = await readSettings(process.argv.slice(2));
  process.title = `gatebridge worker: ${settings.app}`;
  const { relaysLogs } = await started;
  // A module that waits for ever shall be seen: nothing else keeps the process.
  process.channel?.unref();
  const file = settings.logFile && pathOf(settings, settings.logFile);
  const log = openLog(file, settings.logLevel, relaysLogs ? PIPES.log : undefined);
  dropPrivileges(settings);
  let served = 0;
  const limit = requestLimit(settings);
  const onRequest = (): void => {
    served += 1;
    if (served === limit) send({ type: 'spent' });
  };
  const loaded = await Service.load(settings, log, {
    onRequest: limit > 0 ? onRequest : undefined,
    accessLogDescriptor: relaysLogs ? PIPES.accessLog : undefined,
  });
  loaded.useSecrets(secrets);
  loaded.isLame = isLame;
  service = loaded;
  serving = await serve(loaded, settings);
  process.channel?.ref();
  send({ type: 'ready', name: loaded.name, kind: loaded.kind });
  log.debug(`Worker has loaded ${loaded.name}`);
}

/** Tells that the event loop turns. */
function beat(id?: number, onSent?: () => void): void {
  const memory = process.memoryUsage.rss();
  send(
    { type: 'beat', memory, metrics: service?.metrics() ?? NO_METRICS, ...(id !== undefined && { id }) },
    onSent,
  );
}

async function serve(service: Service, settings: Settings): Promise<Serving> {
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
  // The supervisor is gone: nobody sends connections any more. node:cluster would end the process at once.
  if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;
  process.on('disconnect', () => leave());
  return { server, leave };
}

/** Obeys the supervisor. */
function obey(message: ToWorker, handle: unknown): void {
  switch (message.type) {
    case 'start':
      secrets = message.secrets;
      tellStart(message);
      break;
    case 'secrets':
      secrets = message.secrets;
      service?.useSecrets(secrets);
      break;
    case 'connection':
      send({ type: 'taken', id: message.id });
      if (serving !== undefined && handle instanceof Socket) takeConnection(serving.server, handle);
      break;
    case 'drain':
      serving?.leave(message.isPatient);
      break;
    case 'lame':
      isLame = true;
      if (service !== undefined) service.isLame = true;
      break;
    case 'report':
      beat(message.id);
      break;
    case 'reopen':
      service?.reopenLogs();
  }
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

type Start = Extract<ToWorker, { type: 'start' }>;
let tellStart!: (message: Start) => void;
const started = new Promise<Start>((resolve) => {
  tellStart = resolve;
});

process.on('message', (message: unknown, handle: unknown) => {
  if (isToWorker(message)) obey(message, handle);
});
send({ type: 'listening' });

// A terminal and systemd send signals to all processes of a group; the supervisor decides.
process.on('SIGTERM', () => send({ type: 'leaving' }));
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
process.on('SIGUSR1', () => undefined);

outliveReaders();
runWorker().catch((error: unknown) => {
  reportError(error);
  process.exit(error instanceof CommandError ? error.exitCode : EXIT.failed);
});
