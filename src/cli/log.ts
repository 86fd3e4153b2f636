/** The log of the command, on standard error or in a file, and the file of the access log. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { isError } from '../errors.ts';
import { paint } from './colours.ts';
import { CommandError } from './exit-codes.ts';

/** Levels, the least important first. */
const LEVELS = ['debug', 'info', 'warning', 'error', 'silent'] as const;

/** How important an entry is. */
export type Level = (typeof LEVELS)[number];

/** Takes text: a file or a standard stream. */
export interface Sink {
  write(text: string): void;
  /** Opens a file anew, after it was moved away. */
  reopen(): void;
}

/** Writes entries with time, process and level. */
export class Log {
  readonly sink: Sink;
  readonly #least: number;

  /** @param least Entries of a lower level are left out */
  constructor(sink: Sink, least: Level) {
    this.sink = sink;
    this.#least = LEVELS.indexOf(least);
  }

  debug(text: string): void {
    this.#add('debug', text);
  }

  info(text: string): void {
    this.#add('info', text);
  }

  warn(text: string): void {
    this.#add('warning', text);
  }

  error(text: string): void {
    this.#add('error', text);
  }

  #add(level: Level, text: string): void {
    if (LEVELS.indexOf(level) < this.#least) return;
    const shown =
      level === 'info' || level === 'debug'
        ? level
        : paint(level === 'error' ? 'red' : 'yellow', level, process.stderr);
    this.sink.write(`${new Date().toISOString()} [${process.pid}] ${shown}: ${text}\n`);
  }
}

/** Standard error, at once: what a crash says comes after it. */
const errorSink: Sink = {
  write: (text) => process.stderr.write(text),
  reopen() {},
};

/**
 * Opens the log of the command.
 *
 * @param descriptor One that leads to the file: see {@link LogFile}
 */
export function openLog(file: string | undefined, least: Level, descriptor?: number): Log {
  return new Log(file === undefined ? errorSink : new LogFile(file, descriptor), least);
}

/** Opens the file of a log anew. If that fails, the log goes on in the old one. */
export function reopenLog(log: Log, sink: Sink = log.sink): void {
  try {
    sink.reopen();
  } catch (error) {
    log.error(isError(error) ? error.message : String(error));
  }
}

/** Keeps the process alive when a reader of its standard streams goes, such as `head -1` or a closed terminal. */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}

/** Gives the sink of a standard stream. What is written in one turn of the event loop is written at once. */
export function standardSink(stream: NodeJS.WriteStream): Sink {
  const lines = new Batch((text) => {
    if (stream.writable) stream.write(text);
  });
  return { write: (text) => lines.add(text), reopen() {} };
}

/** Text of one turn of the event loop. */
class Batch {
  readonly #write: (text: string) => void;
  #text = '';

  constructor(write: (text: string) => void) {
    this.#write = write;
    process.on('exit', this.flush);
  }

  add(text: string): void {
    if (this.#text === '') setImmediate(this.flush);
    this.#text += text;
  }

  readonly flush = (): void => {
    if (this.#text === '') return;
    const text = this.#text;
    this.#text = '';
    this.#write(text);
  };
}

/** A file that is appended to. What is written in one turn of the event loop is written at once. */
export class LogFile implements Sink {
  readonly #path: string;
  readonly #lines: Batch;
  readonly #isInherited: boolean;
  #descriptor: number;
  #isFailing = false;

  /**
   * @param inherited A descriptor that leads to the file, which another process opens
   * @throws {@link CommandError} if the file cannot be opened
   */
  constructor(path: string, inherited?: number) {
    this.#path = path;
    this.#isInherited = inherited !== undefined;
    this.#descriptor = inherited ?? openForAppend(path);
    this.#lines = new Batch((text) => this.#append(text));
  }

  write(text: string): void {
    this.#lines.add(text);
  }

  reopen(): void {
    this.#lines.flush();
    if (this.#isInherited) return;
    const descriptor = openForAppend(this.#path);
    closeSync(this.#descriptor);
    this.#descriptor = descriptor;
  }

  /** A full disk does not end the service. It is told once, until text can be written again. */
  #append(text: string): void {
    try {
      const octets = Buffer.from(text);
      for (let sent = 0; sent < octets.length; ) sent += writeSync(this.#descriptor, octets, sent);
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing)
        process.stderr.write(
          `gatebridge: ${this.#path} loses lines: ${isError(error) ? error.message : error}\n`,
        );
      this.#isFailing = true;
    }
  }
}

/**
 * Opens a log file.
 *
 * @throws {@link CommandError} if the file cannot be opened
 */
export function openForAppend(path: string): number {
  try {
    return openSync(path, 'a');
  } catch (error) {
    throw new CommandError(
      'usage',
      `Log file ${path} cannot be opened: ${isError(error) ? error.message : error}`,
    );
  }
}
