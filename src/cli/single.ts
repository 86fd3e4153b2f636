/** Serves an application in this very process. */
import { formatBanner, urlOf } from './banner.ts';
import { Certificate } from './certificate.ts';
import { EXIT } from './exit-codes.ts';
import { isHangup } from './hangup.ts';
import { listenOn } from './listen.ts';
import { type Log, openLog } from './log.ts';
import { type Monitored, startMonitor } from './monitor.ts';
import { writePidFile } from './pid-file.ts';
import { Service } from './service.ts';
import { pathOf, type Settings } from './settings.ts';
import { notifySystem, type SystemNotification } from './system-notification.ts';

/**
 * Loads the application, then listens.
 *
 * @returns the exit code, once a signal has stopped it
 * @throws {@link CommandError} if the application cannot be loaded, or an address cannot be bound
 */
export async function runSingle(settings: Settings): Promise<number> {
  const log = openLog(settings.logFile && pathOf(settings, settings.logFile), settings.logLevel);
  for (const hint of settings.hints) log.warn(hint);
  const service = await Service.load(settings, log);
  const certificate = new Certificate(settings, log, {
    onChange: () => service.useSecrets(certificate.secrets),
  });
  service.useSecrets(certificate.secrets);
  const scheme = settings.cert === undefined && settings.server.tls === undefined ? 'http' : 'https';
  const urls: string[] = [];
  for (const address of settings.addresses) {
    const server = service.createServer();
    await listenOn(server, address, settings);
    urls.push(urlOf(address, server.address(), scheme));
  }
  certificate.watch();
  const removePidFile = writePidFile(settings);
  const stopMonitor = await startMonitor(monitoredOf(service), settings, log);
  const notification = notifySystem(log);
  const ended = obeySignals({ service, settings, log, notification });
  // Who reads it may send signals at once.
  if (settings.logLevel !== 'silent') {
    process.stderr.write(
      formatBanner({ name: service.name, kind: service.kind, workers: 0, isReloading: false, urls }),
    );
  }
  notification.ready();
  const code = await ended;
  notification.end();
  certificate.close();
  stopMonitor();
  removePidFile();
  return code;
}

interface Running {
  readonly service: Service;
  readonly settings: Settings;
  readonly log: Log;
  readonly notification: SystemNotification;
}

/** Gives the exit code, once a signal has stopped the service. */
function obeySignals({ service, settings, log, notification }: Running): Promise<number> {
  return new Promise<number>((resolve) => {
    let isStopping = false;
    const stop = (signal: NodeJS.Signals): void => {
      if (isStopping) {
        log.warn(`${signal} again: stops without waiting`);
        resolve(EXIT.failed);
        return;
      }
      isStopping = true;
      notification.stopping();
      log.info(
        `${signal}: stops; answers in flight have ${settings.gracefulTimeout / 1_000} s, a second signal forces`,
      );
      service.isLame = true;
      setTimeout(() => void service.drain().then(() => resolve(EXIT.clean)), settings.drainDelay);
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
    process.on('SIGUSR1', () => service.reopenLogs());
    process.on('SIGHUP', () => {
      if (isHangup()) stop('SIGHUP');
      else log.warn('SIGHUP: one process cannot replace itself; --workers 1 or more can');
    });
    process.on('SIGUSR2', () => log.debug('SIGUSR2'));
    // The default of SIGUSR2 is the end; an application may listen to it. Of the others the system would halt the process.
    for (const signal of ['SIGTTIN', 'SIGTTOU'] as const)
      process.on(signal, () => log.warn(`${signal}: one process has no workers; --workers 1 or more has`));
  });
}

function monitoredOf(service: Service): Monitored {
  return {
    get isWell() {
      return !service.isLame;
    },
    get memory(): Monitored['memory'] {
      return [[process.pid, process.memoryUsage.rss()]];
    },
    metrics: async () => [service.metrics()],
  };
}
