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

/** Opens the log of the command. */
export function openLog(file: string | undefined, least: Level): Log {
  return new Log(file === undefined ? standardSink(process.stderr) : new LogFile(file), least);
}

/** Opens the file of a log anew. If that fails, the log goes on in the old one. */
export function reopenLog(log: Log, sink: Sink = log.sink): void {
  try {
    sink.reopen();
  } catch (error) {
    log.error(isError(error) ? error.message : String(error));
  }
}

/** Gives the sink of a standard stream. Once its reader has gone, text is thrown away. */
export function standardSink(stream: NodeJS.WriteStream): Sink {
  let isOpen = true;
  stream.on('error', () => {
    isOpen = false;
  });
  return {
    write: (text) => {
      if (isOpen) stream.write(text);
    },
    reopen() {},
  };
}

/** A file that is appended to. What is written in one turn of the event loop is written at once. */
export class LogFile implements Sink {
  readonly #path: string;
  #descriptor: number;
  #text = '';

  /** @throws {@link CommandError} if the file cannot be opened */
  constructor(path: string) {
    this.#path = path;
    this.#descriptor = openForAppend(path);
    process.on('exit', this.#flush);
  }

  write(text: string): void {
    if (this.#text === '') setImmediate(this.#flush);
    this.#text += text;
  }

  reopen(): void {
    this.#flush();
    const descriptor = openForAppend(this.#path);
    closeSync(this.#descriptor);
    this.#descriptor = descriptor;
  }

  readonly #flush = (): void => {
    if (this.#text === '') return;
    const text = this.#text;
    this.#text = '';
    try {
      writeSync(this.#descriptor, text);
    } catch {
      // The disk is full, or the file is on one that has gone. Serving goes on.
    }
  };
}

function openForAppend(path: string): number {
  try {
    return openSync(path, 'a');
  } catch (error) {
    throw new CommandError(
      'usage',
      `Log file ${path} cannot be opened: ${isError(error) ? error.message : error}`,
    );
  }
}
