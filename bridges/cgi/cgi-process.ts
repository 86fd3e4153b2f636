/**
 * One run of a CGI program: its process, with content on standard input and the response on standard output.
 *
 * Rule 1: both directions run at the same time, and each waits for its reader. A program may answer before it has read
 *         its input, and need not read it at all.
 * Rule 2: nothing stays: no process that was to be ended, no descriptor, no file.
 * Rule 3: time counts while the program is waited for. A slow client is the host's matter.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { Readable, type Writable } from 'node:stream';
import { MAX_DELAY } from '../../src/gateway/index.ts';
import { UpstreamError } from '../../src/index.ts';
import type { ProgramOutput } from '../_cgi/program-output.ts';
import type { RequestContent } from '../_cgi/request-content.ts';
import { ErrorLines } from '../_process/error-lines.ts';
import { prepareGuard } from '../_process/guardian.ts';
import { ProcessGroup } from '../_process/process-group.ts';
import { type Command, type Invocation, startFailure } from './program.ts';

/** Settings of one run. */
export interface RunOptions {
  readonly command: Command;
  readonly invocation: Invocation;
  readonly content: RequestContent;
  /** Milliseconds without a sign of life; 0 for any time. */
  readonly timeout: number;
  /** Milliseconds between SIGTERM and SIGKILL. */
  readonly killTimeout: number;
  /** Takes each line for the operator. */
  log(line: string): void;
}

/** Milliseconds for the end of a process that has closed its output, and for the last of its errors. */
const GRACE = 100;

/** Milliseconds that may be between the writes of head and content. Later the head leaves alone, as event streams need. */
const HEAD_PAUSE = 30;

/** A running program. */
export class CgiProcess implements ProgramOutput {
  readonly program: string;
  /** Settles when the process has ended, with its group if that had to be ended. Never rejects. */
  readonly ended: Promise<void>;
  readonly #options: RunOptions;
  readonly #child: ChildProcess;
  readonly #stdout: Readable;
  readonly #group: ProcessGroup | undefined;
  readonly #timer: NodeJS.Timeout;
  /** Called with each change of what `#until` may wait for. */
  readonly #waits = new Set<() => void>();
  #failure: { readonly error: unknown } | undefined;
  /** The program could not be started, and the reason is looked for. */
  #failing: Promise<void> | undefined;
  #exit: { readonly code: number | null; readonly signal: string | null } | undefined;
  /** Nobody wants more output. */
  #isOver = false;
  /** A `pull` waits for the program. */
  #isAwaited = false;
  /** The program may be waiting for content that the client has not sent. */
  #isClientSlow = false;

  /** @throws what `spawn` throws if the system cannot start a process */
  constructor(options: RunOptions) {
    this.#options = options;
    const { command, invocation, content, timeout, killTimeout } = options;
    this.program = command.name;
    prepareGuard();
    const child = spawn(invocation.file, invocation.args, {
      cwd: command.cwd,
      env: invocation.env,
      stdio: [content.length === 0 ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    this.#child = child;
    this.#stdout = pipeOf(child.stdout);
    this.#group = child.pid === undefined ? undefined : new ProcessGroup(child.pid, killTimeout);
    this.#timer = setTimeout(() => this.#onTimeout(), Math.min(timeout || MAX_DELAY, MAX_DELAY));
    child.once('error', (cause) => {
      this.#failing = this.#failToStart(cause);
    });
    child.once('exit', (code, signal) => this.#noteExit(code, signal));
    for (const event of ['readable', 'end', 'close'] as const) this.#stdout.on(event, this.#notify);
    this.#stdout.on('error', (error) => this.#fail(error));
    void this.#feed(child.stdin ?? null, content);
    this.ended = this.#end(this.#readErrors(pipeOf(child.stderr)));
  }

  async pull(): Promise<Uint8Array | null> {
    const stdout = this.#stdout;
    let octets: Buffer | null = null;
    this.#isAwaited = true;
    this.#timer.refresh();
    await this.#until(() => {
      if (this.#failure !== undefined) return true;
      octets = stdout.read();
      return octets !== null || stdout.readableEnded || stdout.destroyed;
    });
    this.#isAwaited = false;
    if (octets === null) await this.#learnEnd();
    if (this.#failure !== undefined) throw this.#failure.error;
    if (octets === null) this.#isOver = true;
    return octets;
  }

  async isPausing(): Promise<boolean> {
    const stdout = this.#stdout;
    const goesOn = (): boolean => {
      // Without a read a stream that has ended does not say so.
      stdout.read(0);
      const hasEnded = stdout.readableEnded || stdout.destroyed || this.#failure !== undefined;
      return hasEnded || stdout.readableLength > 0;
    };
    await within(HEAD_PAUSE, this.#until(goesOn));
    return !goesOn();
  }

  /** The output has ended: finds out how the program ends, or why it did not start. */
  #learnEnd(): Promise<void> {
    const exited = this.#until(() => this.#exit !== undefined);
    return this.#failing ?? within(GRACE, exited);
  }

  describeEnd(): string {
    if (this.#exit === undefined) return 'closed its output';
    const { code, signal } = this.#exit;
    return signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
  }

  /** Many programs exit with a code other than 0 after a complete response. */
  get hasCrashed(): boolean {
    return typeof this.#exit?.signal === 'string';
  }

  warn(line: string): void {
    this.#options.log(line);
  }

  discard(): void {
    this.#isOver = true;
    this.#timer.refresh();
    // A stream with such a listener does not flow.
    this.#stdout.removeAllListeners('readable').resume();
  }

  abort(reason: unknown = new Error('Response is not wanted any more')): void {
    if (!this.#isOver) this.#fail(reason);
  }

  /** Ends the program, and makes `pull` reject. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#isOver = true;
    void this.#group?.end();
    this.#child.stdin?.destroy();
    this.#stdout.destroy();
    this.#notify();
  }

  async #failToStart(cause: unknown): Promise<void> {
    this.#fail(await startFailure(this.#options.command, cause));
  }

  #noteExit(code: number | null, signal: NodeJS.Signals | null): void {
    this.#exit = { code, signal };
    this.#group?.noteLeaderEnded();
    // A process that the program has left behind could read on.
    this.#child.stdin?.destroy();
    if (code !== 0 && code !== null && this.#failure === undefined) this.warn(this.describeEnd());
    this.#notify();
  }

  #onTimeout(): void {
    const { timeout } = this.#options;
    const isIdle = !this.#isOver && (!this.#isAwaited || this.#isClientSlow);
    if (timeout === 0 || isIdle) {
      this.#timer.refresh();
      return;
    }
    const detail = `${this.program} ${this.#isOver ? 'ran on' : 'wrote nothing'} for ${timeout} ms`;
    if (this.#isOver) this.warn(`ran on for ${timeout} ms after its response, and is ended`);
    this.#fail(new UpstreamError('WSGI_ERR_UPSTREAM_TIMEOUT', detail));
  }

  /** Gives the program its content. A program that does not read it has no need of it (EPIPE). */
  async #feed(stdin: Writable | null, content: RequestContent): Promise<void> {
    stdin?.on('error', () => {});
    try {
      while (stdin !== null && !stdin.destroyed) {
        this.#isClientSlow = true;
        const octets = await content.pull();
        this.#isClientSlow = false;
        this.#timer.refresh();
        if (octets === null) {
          stdin.end();
          break;
        }
        if (!stdin.destroyed && !stdin.write(octets)) await drained(stdin);
      }
    } catch (error) {
      // A response that is complete stays so.
      if (!this.#isOver) this.#fail(error);
    } finally {
      this.#isClientSlow = false;
      await content.close();
    }
  }

  #readErrors(stderr: Readable): Promise<void> {
    const lines = new ErrorLines((line) => this.warn(`wrote: ${line}`));
    stderr.on('data', (octets: Buffer) => lines.push(octets));
    stderr.on('error', () => {});
    return new Promise((resolve) => {
      stderr.once('close', () => {
        lines.end();
        resolve();
      });
    });
  }

  async #end(errors: Promise<void>): Promise<void> {
    await this.#until(() => this.#exit !== undefined || (this.#child.pid === undefined && this.#isOver));
    void this.#cleanUp(errors);
    if (this.#group?.isEnding) await this.#group.end();
  }

  /** Processes that the program has left behind may go on, without its output. */
  async #cleanUp(errors: Promise<void>): Promise<void> {
    await this.#until(() => this.#stdout.closed);
    clearTimeout(this.#timer);
    this.#group?.release();
    await within(GRACE, errors);
    this.#child.stderr?.destroy();
  }

  readonly #notify = (): void => {
    for (const wait of [...this.#waits]) wait();
  };

  /** Waits until a condition holds. */
  #until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        this.#waits.delete(look);
        resolve();
      };
      this.#waits.add(look);
      look();
    });
  }
}

/** Without free descriptors node makes no pipes (EMFILE, Node 20 to 26). */
function pipeOf(pipe: Readable | null | undefined): Readable {
  return pipe ?? Readable.from([]);
}

/** Waits until a stream takes more, or no more ever. */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      stream.off('drain', settle).off('close', settle);
      resolve();
    };
    stream.on('drain', settle).on('close', settle);
  });
}

/** Waits for a promise that never rejects, but not for ever. */
async function within(milliseconds: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
