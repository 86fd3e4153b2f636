/**
 * A worker, as its supervisor sees it.
 *
 *   starting   loads the application      ready: ready. It ends: failed
 *   ready      serves                     stop: draining. It ends: crashed
 *   draining   answers what is in flight  it ends: gone
 *   gone
 */
import type { ChildProcess } from 'node:child_process';
import cluster, { type Worker } from 'node:cluster';
import type { Socket } from 'node:net';
import { Line } from '../gateway/line.ts';
import type { ServerMetrics } from '../server/index.ts';
import { NO_METRICS } from '../server/metrics.ts';
import { type FromWorker, isFromWorker, type ToWorker, tag } from './worker-messages.ts';

/** The events of a worker. */
export interface WorkerEvents {
  /** The process hears messages from now on. */
  onListening(worker: WorkerProcess): void;
  onReady(worker: WorkerProcess): void;
  /** The worker has served its number of requests, and serves on until it is replaced. */
  onSpent(worker: WorkerProcess): void;
  /** The worker got a signal, and serves on until it is told to end. */
  onLeaving(worker: WorkerProcess): void;
  onBeat(worker: WorkerProcess): void;
  /** The process has ended. Connections that have not arrived are to be given to another worker. */
  onEnd(worker: WorkerProcess, lost: readonly Socket[]): void;
}

/** A connection on its way to a worker. */
interface Given {
  readonly id: number;
  readonly socket: Socket;
}

/** One worker process. */
export class WorkerProcess {
  state: 'starting' | 'ready' | 'draining' | 'gone' = 'starting';
  /** Another worker is started in its place. */
  isReplaced = false;
  /** It ends because it was asked to, or of its own will. */
  isLeaving = false;
  readonly startTime: number = performance.now();
  /** When it last said that its event loop turns, by performance.now(). */
  lastBeat: number = performance.now();
  /** Octets of memory. */
  memory = 0;
  /** The counts of its servers at its last beat. */
  metrics: ServerMetrics = NO_METRICS;
  /** The application's file and export, and its kind, once it is loaded. */
  name = '';
  kind = '';
  exitCode: number | null = null;
  signal: string | null = null;
  /** The reason why the system has started no process. */
  #failure: string | undefined;
  readonly #worker: Worker;
  readonly #events: WorkerEvents;
  /** Connections on their way to it. */
  readonly #given = new Line<Given>();
  #count = 0;
  /** Those who wait for a beat, by number. */
  readonly #reports = new Map<number, () => void>();

  constructor(events: WorkerEvents) {
    this.#events = events;
    this.#worker = cluster.fork();
    this.#worker.on('message', this.#onMessage);
    // After all messages: those of a process that has ended may still be on their way at `exit`.
    this.#worker.process.once('disconnect', this.#onGone);
    // As 'exit', after all that the pipes of its logs bring.
    this.#worker.process.once('close', (code, signal) => {
      this.exitCode = code;
      this.signal = signal;
      this.#onGone();
    });
    // The system starts no more processes. 'exit' does not come then.
    this.#worker.on('error', (error) => {
      if (this.pid !== undefined) return;
      this.#failure = error.message;
      this.#tellEnd();
    });
  }

  /** The end of the process, in words. */
  get end(): string {
    if (this.#failure !== undefined) return `could not be started: ${this.#failure}`;
    return `ended ${this.signal === null ? `with code ${this.exitCode}` : `by ${this.signal}`}`;
  }

  get pid(): number | undefined {
    return this.#worker.process.pid;
  }

  get process(): ChildProcess {
    return this.#worker.process;
  }

  /** Connections that have not arrived yet. */
  get pending(): number {
    return this.#given.length;
  }

  /** Gives a connection to the worker. It stays open here until it has arrived. */
  give(socket: Socket): void {
    this.#count += 1;
    this.#given.add({ id: this.#count, socket });
    this.send({ type: 'connection', id: this.#count }, socket);
  }

  /**
   * Lets the worker end its work. One that has not loaded its application has none.
   *
   * @param isPatient Nobody waits for its end; a later call may be less patient
   */
  drain(isPatient: boolean): void {
    if (this.state === 'gone' || (this.state === 'draining' && isPatient)) return;
    if (this.state === 'starting') {
      this.kill();
      return;
    }
    this.state = 'draining';
    this.isLeaving = true;
    this.send({ type: 'drain', isPatient });
  }

  /** Asks for a beat, and waits for it. A worker that is stuck gives none; its last one counts. */
  async report(timeout: number): Promise<void> {
    this.#count += 1;
    const id = this.#count;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeout);
      this.#reports.set(id, resolve);
      this.send({ type: 'report', id });
    });
    clearTimeout(timer);
    this.#reports.delete(id);
  }

  /** Health is to say 503. */
  announceEnd(): void {
    this.send({ type: 'lame' });
  }

  reopenLogs(): void {
    this.send({ type: 'reopen' });
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL');
  }

  send(message: ToWorker, socket?: Socket): void {
    if (!this.#worker.process.connected) return;
    // A worker that ends just now makes this fail; `onEnd` takes care of the connection.
    this.#worker.process.send(tag(message), socket, { keepOpen: true }, () => undefined);
  }

  readonly #onMessage = (message: unknown): void => {
    if (isFromWorker(message)) this.#take(message);
  };

  #take(message: FromWorker): void {
    this.lastBeat = performance.now();
    switch (message.type) {
      case 'listening':
        this.#events.onListening(this);
        break;
      case 'ready':
        this.name = message.name;
        this.kind = message.kind;
        if (this.state === 'starting') this.state = 'ready';
        this.#events.onReady(this);
        break;
      case 'taken':
        this.#noteArrival(message.id);
        break;
      case 'beat':
        this.memory = message.memory;
        this.metrics = message.metrics;
        if (message.id !== undefined) this.#reports.get(message.id)?.();
        this.#events.onBeat(this);
        break;
      case 'leaving':
        this.#events.onLeaving(this);
        break;
      case 'spent':
        this.#events.onSpent(this);
    }
  }

  /** The worker has its own descriptor; the connection goes on when this one is closed. It tells in the order in which they were given. */
  #noteArrival(id: number): void {
    for (let first = this.#given.peek(); first !== undefined && first.id <= id; first = this.#given.peek()) {
      this.#given.take();
      first.socket.destroy();
    }
  }

  #isEndTold = false;

  readonly #onGone = (): void => {
    const { process } = this.#worker;
    const hasExited = this.exitCode !== null || this.signal !== null;
    if (hasExited && !process.connected) this.#tellEnd();
  };

  #tellEnd(): void {
    if (this.#isEndTold) return;
    this.#isEndTold = true;
    this.state = 'gone';
    const lost = this.#given.takeAll().map(({ socket }) => socket);
    this.#events.onEnd(this, lost);
  }
}
