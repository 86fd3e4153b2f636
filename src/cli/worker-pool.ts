/**
 * The workers of a supervisor: starts them, replaces those that crash, are stuck, or have served enough, and renews all of them.
 *
 * A replacement starts first, and the old worker goes when it is ready. If it does not start, the old one stays.
 */
import type { Socket } from 'node:net';
import { MAX_DELAY } from '../gateway/max-delay.ts';
import { countersOf, type ServerMetrics, sumMetrics } from '../server/index.ts';
import { NO_METRICS } from '../server/metrics.ts';
import type { Secrets } from './certificate.ts';
import type { Log } from './log.ts';
import { Restarts } from './restarts.ts';
import type { Settings } from './settings.ts';
import { type WorkerEvents, WorkerProcess } from './worker-process.ts';

/** Milliseconds beyond the time for answers after which a worker that does not end is killed. */
const KILL_MARGIN = 6_000;

/** Milliseconds between two looks at the workers. */
const CHECK_INTERVAL = 1_000;

/** Milliseconds without a beat after which systemd hears nothing any more. */
const UNWELL_AFTER = 5_000;

/** Milliseconds within which a signal has reached all processes of a group. */
const GROUP_SIGNAL = 200;

/** Milliseconds that a worker has to tell what it has counted. */
const REPORT_TIMEOUT = 500;

/** A supervisor, as its pool uses it. */
export interface PoolOwner {
  /** Read anew each time, because a reload may change them. */
  readonly settings: Settings;
  readonly log: Log;
  /** The process of a worker was started. */
  onStart(worker: WorkerProcess): void;
  /** A worker waits for `start`. */
  onListening(worker: WorkerProcess): void;
  /** A worker is ready: what waits can be given to it. */
  onReady(): void;
  /** Connections that were on their way to a worker that has ended. */
  onLost(sockets: readonly Socket[]): void;
  /** Workers have crashed too often. */
  onGivingUp(): void;
  /** The last worker has ended, and none is to follow. */
  onEmpty(): void;
}

/** The workers of one supervisor. */
export class WorkerPool {
  /** The number of workers that there shall be. */
  target: number;
  readonly #owner: PoolOwner;
  readonly #workers = new Set<WorkerProcess>();
  readonly #restarts: Restarts;
  /** Called when the start of a worker has come to its end. */
  readonly #starts = new Map<WorkerProcess, (worker: WorkerProcess) => void>();
  readonly #clock: NodeJS.Timeout;
  /** The counts of workers that have ended, so that no counter falls. */
  #past = NO_METRICS;
  #isStopping = false;
  /** Health says 503. */
  #isEnding = false;
  /** All workers are being renewed. */
  #isRenewing = false;

  constructor(owner: PoolOwner) {
    this.#owner = owner;
    this.target = owner.settings.workers;
    this.#restarts = new Restarts(owner.settings.maxCrashes);
    this.#clock = setInterval(() => this.#checkAll(), CHECK_INTERVAL);
  }

  /** Those that serve. */
  get ready(): WorkerProcess[] {
    return [...this.#workers].filter(({ state }) => state === 'ready');
  }

  get isEmpty(): boolean {
    return this.#workers.size === 0;
  }

  /** All event loops turn. */
  get isWell(): boolean {
    const { ready } = this;
    const now = performance.now();
    return ready.length > 0 && ready.every(({ lastBeat }) => now - lastBeat < UNWELL_AFTER);
  }

  /** Starts the first workers, and gives the first that has failed. The others then need not fail for the same reason. */
  async startAll(): Promise<WorkerProcess | undefined> {
    let failed: WorkerProcess | undefined;
    const starts = Array.from({ length: this.target }, async () => {
      const worker = await this.#start();
      if (worker.state !== 'gone' || worker.isReplaced || failed !== undefined) return;
      failed = worker;
      this.abandonStarts(0);
    });
    await Promise.all(starts);
    return failed;
  }

  /** Ends workers that still load after so many milliseconds: what they load is out of date, or does not come to an end. */
  abandonStarts(patience: number): void {
    const latest = performance.now() - patience;
    for (const worker of this.#workers) {
      if (worker.state === 'starting' && worker.startTime <= latest) this.#letGo(worker);
    }
  }

  /** Replaces all workers, one by one. False if a new one does not start: those that are left then stay. */
  async renew(): Promise<boolean> {
    const old = [...this.#workers].filter(({ state }) => state !== 'draining');
    this.#isRenewing = true;
    try {
      for (let index = 0; index < this.target; index += 1) {
        const next = await this.#start();
        if (this.#isStopping || next.state === 'gone') return false;
        const previous = old.shift();
        if (previous !== undefined) this.#letGo(previous);
      }
      for (const worker of old) this.#letGo(worker);
      return true;
    } finally {
      this.#isRenewing = false;
    }
  }

  /** Changes the number of workers. */
  scale(target: number): void {
    if (this.#isStopping || target === this.target || target < 1) return;
    this.#owner.log.info(`${this.target} → ${target} workers`);
    const isMore = target > this.target;
    this.target = target;
    const [oldest] = this.ready.filter(({ isReplaced }) => !isReplaced);
    if (isMore) void this.#restart();
    else if (oldest !== undefined) this.#letGo(oldest);
  }

  /** Snapshots of all workers, and what those that have ended had counted. */
  async metrics(): Promise<ServerMetrics[]> {
    await Promise.all(this.ready.map((worker) => worker.report(REPORT_TIMEOUT)));
    return [...[...this.#workers].map(({ metrics }) => metrics), this.#past];
  }

  /** Process ids and octets of memory. */
  get memory(): [pid: number, octets: number][] {
    return this.ready.map(({ pid, memory }) => [pid ?? 0, memory]);
  }

  /** Health says 503 from now on. */
  announceEnd(): void {
    this.#isEnding = true;
    for (const worker of this.#workers) worker.announceEnd();
  }

  reopenLogs(): void {
    for (const worker of this.#workers) worker.reopenLogs();
  }

  /** Gives certificate, key and ticket keys to all workers. */
  useSecrets(secrets: Secrets): void {
    for (const worker of this.#workers) worker.send({ type: 'secrets', secrets });
  }

  /** From now on no worker is started. */
  freeze(): void {
    this.#isStopping = true;
  }

  /** Lets all workers end their work; `onEmpty` tells when they have. */
  stop(): void {
    this.#isStopping = true;
    clearInterval(this.#clock);
    for (const worker of this.#workers) this.#release(worker, false);
    if (this.isEmpty) this.#owner.onEmpty();
  }

  killAll(): void {
    for (const worker of this.#workers) worker.kill();
  }

  /** The promise settles when the worker is ready, or gone. */
  #start(): Promise<WorkerProcess> {
    const worker = new WorkerProcess(this.#events);
    this.#workers.add(worker);
    this.#owner.onStart(worker);
    this.#owner.log.debug(`Worker ${worker.pid} starts`);
    return new Promise((resolve) => {
      this.#starts.set(worker, resolve);
    });
  }

  /** Tells who waits for the start of a worker. False if nobody does. */
  #settle(worker: WorkerProcess): boolean {
    const settle = this.#starts.get(worker);
    this.#starts.delete(worker);
    settle?.(worker);
    return settle !== undefined;
  }

  readonly #events: WorkerEvents = {
    onListening: (worker) => {
      this.#owner.onListening(worker);
      if (this.#isEnding) worker.announceEnd();
    },
    onReady: (worker) => {
      this.#owner.log.debug(`Worker ${worker.pid} is ready`);
      this.#owner.onReady();
      this.#settle(worker);
    },
    onSpent: (worker) => void this.#replace(worker, 'has served its requests'),
    onLeaving: (worker) => this.#onLeaving(worker),
    onBeat: (worker) => {
      const { maxMemory } = this.#owner.settings;
      if (maxMemory > 0 && worker.memory > maxMemory)
        void this.#replace(worker, `holds ${Math.round(worker.memory / 1_048_576)} MiB of memory`);
    },
    onEnd: (worker, lost) => this.#onEnd(worker, lost),
  };

  /** A signal to the whole group of processes may reach a worker first; the supervisor then stops in a moment. */
  #onLeaving(worker: WorkerProcess): void {
    setTimeout(() => {
      if (this.#isEnding || this.#isStopping || worker.state === 'gone') return;
      if (worker.state === 'starting') worker.kill();
      else void this.#replace(worker, 'was asked to end');
    }, GROUP_SIGNAL).unref();
  }

  #onEnd(worker: WorkerProcess, lost: readonly Socket[]): void {
    this.#workers.delete(worker);
    this.#past = sumMetrics([this.#past, countersOf(worker.metrics)]);
    this.#owner.onLost(lost);
    const hasFailed = this.#settle(worker);
    if (this.#isStopping) {
      if (this.isEmpty) this.#owner.onEmpty();
    } else if (worker.isReplaced || worker.isLeaving) this.#owner.log.debug(`Worker ${worker.pid} has ended`);
    // Who waits for the start decides otherwise.
    else if (!hasFailed) this.#onCrash(worker);
  }

  #onCrash(worker: WorkerProcess): void {
    const { log } = this.#owner;
    const delay = this.#restarts.next(performance.now() - worker.startTime);
    if (delay === undefined) {
      log.error(`${nameOf(worker)} ${worker.end}: ${this.#restarts.count} crashes in a row, gives up`);
      this.#owner.onGivingUp();
      return;
    }
    log.error(`${nameOf(worker)} ${worker.end}; another one starts${delay === 0 ? '' : ` in ${delay} ms`}`);
    setTimeout(() => void this.#restart(), delay);
  }

  /** Starts a worker where one is missing. A renewal brings all of them itself. */
  async #restart(): Promise<void> {
    if (this.#isStopping || this.#isRenewing || this.#liveCount() >= this.target) return;
    const worker = await this.#start();
    if (worker.state === 'gone' && !worker.isReplaced && !this.#isStopping) this.#onCrash(worker);
  }

  /** Workers that serve, or will. */
  #liveCount(): number {
    return [...this.#workers].filter(({ state, isReplaced }) => state !== 'draining' && !isReplaced).length;
  }

  /** Starts another worker, then lets this one go. */
  async #replace(worker: WorkerProcess, reason: string): Promise<void> {
    if (worker.isReplaced || this.#isStopping) return;
    worker.isReplaced = true;
    this.#owner.log.info(`Worker ${worker.pid} ${reason}; another one takes its place`);
    const next = await this.#start();
    if (next.state !== 'gone' || this.#isStopping) {
      this.#release(worker, !this.#isStopping);
      return;
    }
    this.#owner.log.error('The new worker does not start');
    worker.isReplaced = false;
    // One that has gone meanwhile is missing now.
    if (worker.state !== 'ready') this.#onCrash(next);
  }

  #letGo(worker: WorkerProcess): void {
    worker.isReplaced = true;
    this.#release(worker, true);
  }

  #release(worker: WorkerProcess, isPatient: boolean): void {
    worker.drain(isPatient);
    setTimeout(
      () => {
        if (this.#workers.has(worker)) worker.kill();
      },
      Math.min(MAX_DELAY, this.#owner.settings.gracefulTimeout + KILL_MARGIN),
    ).unref();
  }

  #checkAll(): void {
    const { workerTimeout } = this.#owner.settings;
    const now = performance.now();
    for (const worker of this.#workers) {
      if (workerTimeout === 0 || now - worker.lastBeat < workerTimeout) continue;
      const seconds = workerTimeout / 1_000;
      this.#owner.log.error(`Worker ${worker.pid} is stuck: its event loop has not turned for ${seconds} s`);
      // It is told once. Its end brings the next one.
      worker.lastBeat = now;
      worker.kill();
    }
  }
}

/** A worker that the system did not start has no number. */
function nameOf({ pid }: WorkerProcess): string {
  return pid === undefined ? 'A worker' : `Worker ${pid}`;
}
