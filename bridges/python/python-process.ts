/**
 * One worker process: starts Python, gives it its setup, and tells what becomes of it.
 *
 * A worker is `starting` while it imports the application, then `ready`; `spent` if it serves only until its successor is ready;
 * `leaving` if it gets no more requests; `gone`.
 *
 * Rule 1: the sockets are the worker's tie to life. It ends when they do, also if this process is killed.
 * Rule 2: the worker leads a process group, so that Ctrl+C does not reach it, and that whatever it has started can be ended with it.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { UpstreamError } from '../../src/index.ts';
import type { Exchange } from './exchange.ts';
import { loadFailure } from './failures.ts';
import { encodeFrame, FRAMES, FrameReader } from './frames.ts';
import { Lane, type LaneListener } from './lane.ts';

/** Settings of one worker. */
export interface WorkerSetup {
  readonly application: string;
  readonly factory: boolean;
  readonly folder: string;
  readonly python: string;
  readonly env: NodeJS.ProcessEnv;
  readonly threads: number;
  readonly reload: boolean;
}

/** Listener for what becomes of a worker. */
export interface WorkerListener extends LaneListener {
  workerReady(worker: PythonProcess): void;
  /** It wants to be replaced: its files have changed, or somebody has sent it a signal. */
  workerRetires(worker: PythonProcess, reason: string): void;
  /** The process has ended. `failure` says why it could not serve. */
  workerGone(worker: PythonProcess, failure: UpstreamError): void;
}

const CONTROL = 3;
const FIRST_LANE = 4;

/** Milliseconds between the request for a stack and the end of a worker that is stuck. */
const LAST_WORDS = 200;

/** Milliseconds in which an idle worker must end by itself. */
const EXIT_TIMEOUT = 5_000;

/** Milliseconds for the last octets of a process that has ended. Its sockets stay open if it has left them to another. */
const READ_TIMEOUT = 500;

/** A worker. */
export class PythonProcess {
  readonly #child: ChildProcess;
  readonly #control: Socket | undefined;
  readonly #listener: WorkerListener;
  readonly #setup: WorkerSetup;
  readonly lanes: readonly Lane[];
  readonly startedAt: number = Date.now();
  state: 'starting' | 'ready' | 'spent' | 'leaving' | 'gone' = 'starting';
  /** Requests that it has been given. */
  served = 0;
  /** It has imported the application. */
  wasReady = false;
  /** It is stuck, and will be killed. */
  isDoomed = false;
  /** Requests after which it is replaced. */
  limit: number = Number.POSITIVE_INFINITY;
  #free: Lane[];
  #failure: UpstreamError | undefined;
  #killing: NodeJS.Timeout | undefined;

  constructor(setup: WorkerSetup, listener: WorkerListener) {
    this.#setup = setup;
    this.#listener = listener;
    const { python, application, folder, env, threads } = setup;
    const pipes = Array.from({ length: threads + 1 }, () => 'pipe' as const);
    const child = spawn(
      python,
      [fileURLToPath(new URL('./gatebridge_worker.py', import.meta.url)), application],
      {
        cwd: folder,
        env,
        detached: true,
        // The standard output of this process may be a response, as in a CGI program: what Python prints goes to the log.
        stdio: ['ignore', 2, 2, ...pipes],
      },
    );
    this.#child = child;
    child.on('error', (error) => this.#failToStart(error));
    // Node makes them for 'pipe'; without a process there may be none.
    const sockets = (child.stdio ?? []) as readonly (Socket | null | undefined)[];
    child.on('exit', (code, signal) => {
      // Its last frames may not have been read.
      void allEnded(sockets.slice(CONTROL)).then(() => this.#end(code, signal));
    });
    this.lanes =
      child.pid === undefined
        ? []
        : sockets.slice(FIRST_LANE).flatMap((socket) => (socket ? new Lane(socket, this.#laneListener) : []));
    this.#free = [...this.lanes].reverse();
    this.#control = sockets[CONTROL] ?? undefined;
    this.#control?.on('error', () => {});
    if (child.pid !== undefined) this.#beginControl();
    this.isAwaited = false;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Requests under way. */
  get busy(): number {
    return this.lanes.length - this.#free.length;
  }

  /** It was to end. */
  isExpected = false;

  /** It can take a request at once. */
  get hasFreeLane(): boolean {
    return (this.state === 'ready' || this.state === 'spent') && this.#free.length > 0;
  }

  /** Gives a request to a free lane. */
  serve(exchange: Exchange): void {
    const lane = this.#free.pop();
    if (lane === undefined) throw new Error('No lane is free');
    this.served += 1;
    lane.start(exchange);
  }

  /** Takes no more requests, and ends after those under way. */
  leave(): void {
    if (this.state === 'leaving' || this.state === 'gone') return;
    const wasStarting = this.state === 'starting';
    this.state = 'leaving';
    this.isExpected = true;
    if (wasStarting) this.kill(0);
    if (this.busy === 0) this.#close();
  }

  /** Ends a worker that cannot finish the import. */
  giveUpStart(timeout: number): void {
    this.#failure ??= unavailable(`${this.#setup.application} was not loaded in ${timeout} ms`);
    if (!this.isDoomed) this.kill(0, true);
    this.isDoomed = true;
  }

  /** Ends after a time, whatever the application does. Shows its stack first if it is stuck. */
  kill(timeout: number, isStuck = false): void {
    if (this.state === 'gone') return;
    clearTimeout(this.#killing);
    this.#killing = setTimeout(() => {
      if (isStuck) signalGroup(this.pid, 'SIGUSR1');
      this.#killing = setTimeout(() => signalGroup(this.pid, 'SIGKILL'), isStuck ? LAST_WORDS : 0);
    }, timeout).unref();
  }

  readonly #laneListener: LaneListener = {
    laneFree: (lane) => {
      this.#free.push(lane);
      if (this.state === 'leaving' && this.busy === 0) this.#close();
      this.#listener.laneFree(lane);
    },
    laneUnsent: (exchange) => {
      this.state = 'leaving';
      this.#listener.laneUnsent(exchange);
    },
  };

  #beginControl(): void {
    const { application, factory, folder, threads, reload } = this.#setup;
    const setup = { application, factory, folder, threads, reload };
    const reader = new FrameReader();
    this.#control?.write(encodeFrame(FRAMES.SETUP, JSON.stringify(setup)));
    this.#control?.on('data', (octets) => {
      reader.push(octets, (kind, payload) => this.#takeControl(kind, payload));
    });
  }

  /** Keeps this process alive while requests wait for the start. */
  set isAwaited(isAwaited: boolean) {
    for (const tie of [this.#child, this.#control]) {
      if (isAwaited) tie?.ref();
      else tie?.unref();
    }
  }

  #takeControl(kind: number, payload: Buffer): void {
    if (kind === FRAMES.READY && this.state === 'starting') {
      this.state = 'ready';
      this.wasReady = true;
      this.isAwaited = false;
      this.#listener.workerReady(this);
    } else if (kind === FRAMES.BROKEN) {
      this.#failure = loadFailure(payload, this.#setup.application);
      signalGroup(this.pid, 'SIGKILL');
    } else if (kind === FRAMES.OLD_VERSION) {
      const version = payload.toString().trim();
      this.#failure = unavailable(`${this.#setup.python} is Python ${version}, and 3.8 or later is needed`);
    } else if (kind === FRAMES.RETIRE) {
      this.#listener.workerRetires(this, payload.toString());
    }
  }

  #failToStart(error: NodeJS.ErrnoException): void {
    const { python, folder } = this.#setup;
    const isMissing = error.code === 'ENOENT';
    // Node's error is the same for both.
    const missing = existsSync(folder)
      ? `there is no interpreter ${python}: install Python 3, or set the option python`
      : `there is no folder ${folder} (option folder)`;
    this.#failure = unavailable(isMissing ? missing : `${python}: ${error.message}`);
    if (this.pid === undefined) this.#end(null, null);
  }

  #close(): void {
    for (const lane of this.lanes) lane.close();
    this.#control?.end();
    // Threads of the application may hold it up.
    this.kill(EXIT_TIMEOUT);
  }

  #end(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.state === 'gone') return;
    const wasStarting = this.state === 'starting';
    this.state = 'gone';
    clearTimeout(this.#killing);
    this.#control?.destroy();
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
    const failure =
      this.#failure ??
      (wasStarting
        ? unavailable(`the worker ended ${how} before it had loaded ${this.#setup.application}`)
        : new UpstreamError('WSGI_ERR_UPSTREAM_ENDED', `the worker ended ${how}`));
    this.#failure = failure;
    for (const lane of this.lanes) lane.fail(failure);
    this.#listener.workerGone(this, failure);
  }
}

function unavailable(detail: string): UpstreamError {
  return new UpstreamError('WSGI_ERR_UPSTREAM_UNAVAILABLE', detail);
}

/** Waits until everything was read that a process has sent. */
async function allEnded(sockets: readonly (Socket | null | undefined)[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, READ_TIMEOUT);
  });
  const ends = sockets.map((socket) => {
    if (!socket || socket.readableEnded || socket.destroyed) return Promise.resolve();
    return new Promise<void>((resolve) => socket.once('end', resolve).once('close', resolve));
  });
  await Promise.race([Promise.all(ends), late]);
  clearTimeout(timer);
}

/** Sends a signal to a worker and to what it has started. It leads a process group, because it was started with `detached`. */
function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended.
  }
}
