/**
 * The workers of one application: gives requests to them, starts, replaces and ends them.
 *
 * Rule 1: a request that waits in the line is retried as often as needed; one that was sent is not.
 * Rule 2: a worker that can still serve is not given up before its successor is ready, unless its code is out of date.
 */
import { disconnection, Line, type Place } from '../../src/gateway/index.ts';
import { UpstreamError } from '../../src/index.ts';
import { BackOff } from '../_process/back-off.ts';
import { Departures } from '../_process/departures.ts';
import type { Exchange } from './exchange.ts';
import { busy } from './failures.ts';
import { PythonProcess, type WorkerListener, type WorkerSetup } from './python-process.ts';

/** How a pool is kept. */
export interface PoolSettings {
  readonly workers: number;
  readonly eager: boolean;
  readonly maxRequests: number;
  readonly maxRequestsJitter: number;
  readonly timeout: number;
  readonly startTimeout: number;
  readonly maxQueue: number;
  readonly shutdownTimeout: number;
  log(line: string): void;
}

/** Milliseconds between two looks at the clock, at most. */
const LONGEST_TICK = 1_000;

/** A pool of workers. */
export class WorkerPool implements WorkerListener {
  readonly #setup: WorkerSetup;
  readonly #settings: PoolSettings;
  readonly #workers = new Set<PythonProcess>();
  readonly #line = new Line<Exchange>();
  /** Watches for the clients of those in the line. */
  readonly #departures = new Departures();
  readonly #backOff = new BackOff();
  /** Why the last worker could not serve. */
  #failure: UpstreamError | undefined;
  #clock: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #readiness: { resolve(): void; reject(error: unknown): void }[] = [];
  #closing: Promise<void> | undefined;
  #onClosed: (() => void) | undefined;

  constructor(setup: WorkerSetup, settings: PoolSettings) {
    this.#setup = setup;
    this.#settings = settings;
    if (settings.eager) this.#startAll();
  }

  /** The process ids of the workers. */
  get pids(): number[] {
    return [...this.#workers].flatMap(({ pid }) => pid ?? []);
  }

  /** Takes a request. */
  submit(exchange: Exchange): void {
    if (this.#closing !== undefined) {
      exchange.fail(unavailable('the application was closed'));
      return;
    }
    this.#clock ??= this.#startClock();
    const worker = this.#line.length === 0 ? this.#pick() : undefined;
    if (worker !== undefined) {
      worker.serve(exchange);
      if (worker.busy > 1 && this.#starting === 0) this.#startOne();
      return;
    }
    if (this.#failure !== undefined && this.#workers.size === 0 && this.#backOff.wait > 0) {
      exchange.fail(this.#failure);
      return;
    }
    if (this.#line.length >= this.#settings.maxQueue) {
      // With no line at all nobody else starts one.
      if (this.#settings.maxQueue === 0 && this.#starting === 0) this.#startOne();
      exchange.fail(busy(`${this.#line.length} requests wait for a worker`));
      return;
    }
    exchange.queuedAt = Date.now();
    this.#watch(exchange, this.#line.add(exchange));
    this.#startAsNeeded();
  }

  /** A request whose client leaves gives its place in the line to others. */
  #watch(exchange: Exchange, place: Place<Exchange>): void {
    const leave = (): void => {
      if (!place.leave()) return;
      exchange.fail(disconnection('response'));
      this.#closeIdle();
    };
    exchange.onDeparture = leave;
    exchange.departure = this.#departures.add(exchange);
  }

  /** Starts a worker, or all of them if they are to be ready ahead, and waits for the first. */
  ready(): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(unavailable('the application was closed'));
    if ([...this.#workers].some(({ state }) => state === 'ready' || state === 'spent'))
      return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#readiness.push({ resolve, reject });
      this.#clock ??= this.#startClock();
      if (this.#settings.eager) this.#startAll();
      this.#startAsNeeded();
    });
  }

  /** Serves what has come, then ends the workers. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      const deadline = setTimeout(() => {
        for (const exchange of this.#line.takeAll()) exchange.fail(unavailable('the application was closed'));
        for (const worker of this.#workers) worker.kill(0);
      }, this.#settings.shutdownTimeout);
      const end = (): void => {
        clearTimeout(deadline);
        clearTimeout(this.#retry);
        clearInterval(this.#clock);
        resolve();
      };
      this.#onClosed = end;
      // After the promise is stored, which the end looks at.
      queueMicrotask(() => this.#closeIdle());
    });
    return this.#closing;
  }

  laneFree(): void {
    this.#serveLine();
    for (const worker of this.#workers) {
      if (worker.state === 'ready' && worker.served >= worker.limit) this.#spend(worker);
    }
    this.#closeIdle();
  }

  laneUnsent(exchange: Exchange): void {
    this.#watch(exchange, this.#line.addFirst(exchange));
    this.#serveLine();
    this.#startAsNeeded();
  }

  workerReady(worker: PythonProcess): void {
    this.#failure = undefined;
    if (this.#closing !== undefined && this.#line.length === 0) {
      worker.leave();
      return;
    }
    for (const { resolve } of this.#readiness.splice(0)) resolve();
    this.#serveLine();
    const [spent] = [...this.#workers].filter(({ state }) => state === 'spent');
    spent?.leave();
  }

  workerRetires(worker: PythonProcess, reason: string): void {
    if (this.#closing !== undefined) return;
    if (!reason.startsWith('changed')) {
      if (worker.state === 'ready') this.#spend(worker);
      return;
    }
    if (worker.state === 'leaving') return;
    this.#settings.log(`${this.#setup.application} is loaded anew, ${reason}`);
    this.#backOff.reset();
    for (const old of this.#workers) old.leave();
    this.#startOne();
    if (this.#settings.eager) this.#startAll();
  }

  workerGone(worker: PythonProcess, failure: UpstreamError): void {
    this.#workers.delete(worker);
    if (!worker.isExpected) this.#noteCrash(worker, failure);
    if (this.#closing === undefined) {
      if (this.#settings.eager) this.#startAll();
      else this.#startAsNeeded();
    } else if (this.#line.length > 0) this.#startAsNeeded();
    this.#closeIdle();
  }

  #noteCrash(worker: PythonProcess, failure: UpstreamError): void {
    const { log } = this.#settings;
    this.#backOff.noteCrash(Date.now() - worker.startedAt);
    if (worker.wasReady) log(`Worker ${worker.pid} of ${this.#setup.application}: ${failure.message}`);
    if (worker.wasReady) return;
    // The old ones stay, and get their successors later.
    for (const other of this.#workers) if (other.state === 'spent') other.state = 'ready';
    // A file may be mended at any time.
    if (this.#setup.reload) this.#backOff.reset();
    this.#failure = failure;
    const isLast = ![...this.#workers].some(({ state }) => state !== 'leaving');
    if (!isLast) {
      log(`A worker of ${this.#setup.application} could not start: ${failure.message}`);
      return;
    }
    const waiting = this.#line.takeAll();
    const awaited = this.#readiness.splice(0);
    for (const exchange of waiting) exchange.fail(failure);
    for (const { reject } of awaited) reject(failure);
    if (waiting.length + awaited.length > 0) return;
    // Nobody else tells of it.
    const { cause } = failure;
    log(`${failure.message}${cause instanceof Object && 'stack' in cause ? `\n${cause.stack}` : ''}`);
  }

  /** The worker with the fewest requests under way. */
  #pick(): PythonProcess | undefined {
    let found: PythonProcess | undefined;
    for (const worker of this.#workers) {
      if (worker.hasFreeLane && (found === undefined || worker.busy < found.busy)) found = worker;
    }
    return found;
  }

  #serveLine(): void {
    for (;;) {
      const first = this.#line.peek();
      if (first === undefined) return;
      const worker = this.#pick();
      if (worker === undefined) return;
      this.#line.take();
      worker.serve(first);
    }
  }

  get #starting(): number {
    let count = 0;
    for (const { state } of this.#workers) if (state === 'starting') count += 1;
    return count;
  }

  /** The workers that stay. */
  get #lasting(): number {
    let count = 0;
    for (const { state } of this.#workers) if (state === 'starting' || state === 'ready') count += 1;
    return count;
  }

  #startAsNeeded(): void {
    const wanted = Math.max(this.#line.length, Math.min(1, this.#readiness.length));
    while (wanted > this.#starting * this.#setup.threads && this.#startOne());
    if (wanted === 0) return;
    this.#retry?.ref();
    for (const worker of this.#workers) if (worker.state === 'starting') worker.isAwaited = true;
  }

  #startAll(): void {
    while (this.#startOne());
  }

  /** Starts a worker unless there are enough, or the back-off lasts. */
  #startOne(): boolean {
    if (this.#lasting >= this.#settings.workers) return false;
    const { wait } = this.#backOff;
    if (wait > 0) {
      this.#retryAfter(wait);
      return false;
    }
    const worker = new PythonProcess(this.#setup, this);
    const { maxRequests, maxRequestsJitter } = this.#settings;
    if (maxRequests > 0) worker.limit = maxRequests + Math.floor(Math.random() * (maxRequestsJitter + 1));
    this.#workers.add(worker);
    return true;
  }

  #retryAfter(wait: number): void {
    if (this.#retry !== undefined) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      if (this.#settings.eager && this.#closing === undefined) this.#startAll();
      else this.#startAsNeeded();
    }, wait);
    if (this.#line.length + this.#readiness.length === 0) this.#retry.unref();
  }

  /** Replaces a worker that serves on until then. */
  #spend(worker: PythonProcess): void {
    if (this.#closing !== undefined) return;
    worker.state = 'spent';
    // If the successor cannot start, the next end of a request tries again.
    if (!this.#startOne() && this.#backOff.wait > 0) worker.state = 'ready';
  }

  /** While the pool closes: lets workers go that have nothing to do any more. */
  #closeIdle(): void {
    if (this.#closing === undefined || this.#line.length > 0) return;
    for (const worker of this.#workers) worker.leave();
    if (this.#workers.size === 0) this.#onClosed?.();
  }

  #startClock(): NodeJS.Timeout {
    const { timeout, startTimeout } = this.#settings;
    const shortest = Math.min(timeout || Number.POSITIVE_INFINITY, startTimeout || Number.POSITIVE_INFINITY);
    return setInterval(() => this.#tick(), Math.max(10, Math.min(LONGEST_TICK, shortest / 4))).unref();
  }

  #tick(): void {
    const now = Date.now();
    const { timeout, startTimeout } = this.#settings;
    let isIdle = this.#line.length === 0;
    for (const worker of this.#workers) {
      if (worker.state === 'starting') {
        isIdle = false;
        if (startTimeout > 0 && now - worker.startedAt > startTimeout) worker.giveUpStart(startTimeout);
      }
      if (worker.busy > 0) {
        isIdle = false;
        for (const { exchange, startedAt } of worker.lanes) {
          if (now - startedAt > PATIENCE) exchange?.leaveIfAbandoned();
        }
        if (timeout > 0) this.#checkLanes(worker, now);
      }
    }
    // While a worker starts, it has its own time.
    const isPatient = timeout === 0 || this.#starting > 0;
    for (let first = this.#line.peek(); !isPatient && first !== undefined; first = this.#line.peek()) {
      if (now - first.queuedAt <= timeout) break;
      this.#line.take();
      first.fail(busy(`no worker was free for ${timeout} ms`));
    }
    if (!isIdle) return;
    clearInterval(this.#clock);
    this.#clock = undefined;
  }

  #checkLanes(worker: PythonProcess, now: number): void {
    const { timeout, log, shutdownTimeout } = this.#settings;
    let stuck = 0;
    for (const lane of worker.lanes) {
      const { exchange } = lane;
      if (exchange === undefined) continue;
      if (!lane.isStuck && exchange.isWorking && now - lane.movedAt > timeout) {
        lane.isStuck = true;
        log(
          `Worker ${worker.pid} of ${this.#setup.application} is replaced: ${exchange.name} is silent for ${timeout} ms`,
        );
        exchange.fail(new UpstreamError('WSGI_ERR_UPSTREAM_TIMEOUT', `silent for ${timeout} ms`));
        worker.leave();
        worker.kill(shutdownTimeout, true);
      }
      if (lane.isStuck) stuck += 1;
    }
    if (stuck === 0 || stuck < worker.busy || worker.isDoomed) return;
    // No other request would be lost.
    worker.isDoomed = true;
    worker.kill(0, true);
    if (this.#settings.eager) this.#startAll();
    else this.#startAsNeeded();
  }
}

/** Milliseconds after which a client may have lost patience. To ask costs something. */
const PATIENCE = 1_000;

function unavailable(detail: string): UpstreamError {
  return new UpstreamError('WSGI_ERR_UPSTREAM_UNAVAILABLE', detail);
}
