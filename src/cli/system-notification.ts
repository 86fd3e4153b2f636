/**
 * Tells systemd how the service is (sd_notify(3)).
 *
 * node has no datagrams on unix sockets, so the program `systemd-notify` sends them. It is a child, so that the unit needs
 * `NotifyAccess=all`.
 */
import { spawn } from 'node:child_process';
import type { Log } from './log.ts';

/** Tells the states of a service. Without systemd nothing happens. */
export interface SystemNotification {
  ready(): void;
  reloading(): void;
  stopping(): void;
  /** Stops the watchdog. */
  end(): void;
}

/**
 * Begins to notify, if systemd has started the process with `Type=notify`.
 *
 * @param isWell Asked at half of WatchdogSec; systemd hears nothing while it is false, and restarts the service
 */
export function notifySystem(log: Log, isWell: () => boolean = () => true): SystemNotification {
  const { NOTIFY_SOCKET, WATCHDOG_USEC } = process.env;
  let isBroken = NOTIFY_SOCKET === undefined;
  const send = (...states: readonly string[]): void => {
    if (isBroken) return;
    const child = spawn('systemd-notify', [...states], { stdio: 'ignore' });
    child.once('error', () => {
      if (!isBroken) log.warn('systemd cannot be notified: the program systemd-notify is missing');
      isBroken = true;
    });
  };
  const period = Number(WATCHDOG_USEC) / 1_000;
  const watchdog =
    !isBroken && period > 0
      ? setInterval(() => {
          if (isWell()) send('WATCHDOG=1');
        }, period / 2)
      : undefined;
  watchdog?.unref();
  return {
    ready: () => send('READY=1', `MAINPID=${process.pid}`),
    reloading: () => send('RELOADING=1'),
    stopping: () => send('STOPPING=1'),
    end: () => clearInterval(watchdog),
  };
}
