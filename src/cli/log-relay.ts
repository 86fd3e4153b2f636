/**
 * Log files of workers that run as another user: the supervisor opens them with its own rights, and writes what comes through pipes.
 *
 * So files and folders may belong to root, as those of nginx do, also when they are opened anew.
 */
import type { ChildProcess } from 'node:child_process';
import { Readable } from 'node:stream';
import { type Log, LogFile, reopenLog, type Sink } from './log.ts';
import { pathOf, type Settings } from './settings.ts';

/** The descriptors in a worker. */
export const PIPES = { accessLog: 4, log: 5 } as const;

/** The settings that name the files. */
type RelaySettings = Pick<Settings, 'accessLogFile' | 'folder' | 'group' | 'user'>;

/** Writes the log files of workers. */
export class LogRelay {
  /** Workers run as another user. */
  readonly isNeeded: boolean;
  readonly #log: Log;
  readonly #accessLog: LogFile | undefined;

  /** @throws {@link CommandError} if a file cannot be opened */
  constructor(settings: RelaySettings, log: Log) {
    const { accessLogFile, user, group } = settings;
    this.isNeeded = user !== undefined || group !== undefined;
    this.#log = log;
    const isFile = accessLogFile !== undefined && accessLogFile !== '-';
    if (this.isNeeded && isFile) this.#accessLog = new LogFile(pathOf(settings, accessLogFile));
  }

  /** How a worker is started. */
  get stdio(): string[] {
    return ['inherit', 'inherit', 'inherit', 'ipc', ...(this.isNeeded ? ['pipe', 'pipe'] : [])];
  }

  /** Writes what a worker sends. */
  attach({ stdio }: ChildProcess): void {
    if (!this.isNeeded) return;
    // The types of node know five of them.
    const streams: readonly unknown[] = stdio;
    pass(streams[PIPES.accessLog], this.#accessLog);
    pass(streams[PIPES.log], this.#log.sink);
  }

  /** Opens the file anew, after it was moved away. */
  reopen(): void {
    if (this.#accessLog !== undefined) reopenLog(this.#log, this.#accessLog);
  }
}

/** Writes whole lines, because several workers write to one file. */
function pass(stream: unknown, sink: Sink | undefined): void {
  if (!(stream instanceof Readable)) return;
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    rest += text;
    const end = rest.lastIndexOf('\n') + 1;
    if (end > 0) sink?.write(rest.slice(0, end));
    rest = rest.slice(end);
  });
  stream.on('end', () => {
    if (rest !== '') sink?.write(`${rest}\n`);
  });
  // A worker that is killed.
  stream.on('error', () => undefined);
}
