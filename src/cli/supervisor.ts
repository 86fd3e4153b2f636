/**
 * The supervisor: keeps the right number of workers, replaces those that crash, are stuck, or have served enough, and reloads
 * without losing a request.
 *
 * A reload starts new workers one by one, and lets an old one go for each that is ready. If a new one does not start, the old ones
 * stay.
 */
import cluster from 'node:cluster';
import { fileURLToPath } from 'node:url';
import { settingsOf } from '../gateway/option-table.ts';
import { SERVER_OPTIONS } from '../server/options.ts';
import { formatBanner, urlOf } from './banner.ts';
import { ConnectionGiver } from './connection-giver.ts';
import { EXIT } from './exit-codes.ts';
import { type Log, openLog } from './log.ts';
import { writePidFile } from './pid-file.ts';
import { Restarts } from './restarts.ts';
import { pathOf, type Settings } from './settings.ts';
import { notifySystem, type SystemNotification } from './system-notification.ts';
import { watchFolders } from './watch-folders.ts';
import { type WorkerEvents, WorkerProcess } from './worker-process.ts';

/** Milliseconds beyond the time for answers after which a worker that does not end is killed. */
const KILL_MARGIN = 6_000;

const CHECK_INTERVAL = 1_000;

const STARTS_LATER = 'The application does not start; a change of its files starts it again';

/** Keeps workers. */
export class Supervisor {
  readonly #settings: Settings;
  readonly #log: Log;
  readonly #workers = new Set<WorkerProcess>();
  readonly #giver: ConnectionGiver;
  readonly #restarts: Restarts;
  readonly #urls: string[] = [];
  readonly #notification: SystemNotification;
  /** The number of workers that there shall be. */
  #target: number;
  #isStopping = false;
  #isForced = false;
  #reload: Promise<void> | undefined;
  #isReloadAsked = false;
  #end!: (code: number) => void;
  readonly #ended = new Promise<number>((resolve) => {
    this.#end = resolve;
  });

  /** @param argv The arguments, which every worker reads again */
  constructor(settings: Settings, argv: readonly string[]) {
    this.#settings = settings;
    this.#target = settings.workers;
    this.#log = openLog(settings.logFile && pathOf(settings, settings.logFile), settings.logLevel);
    this.#giver = new ConnectionGiver(() => this.#ready());
    this.#restarts = new Restarts(settings.maxCrashes);
    this.#notification = notifySystem(this.#log, () => this.#areAllWell());
    cluster.setupPrimary({ exec: fileURLToPath(workerUrl()), args: [...argv] });
  }

  /**
   * Listens, starts the workers, and keeps them until a signal stops it.
   *
   * @returns the exit code
   * @throws {@link CommandError} if an address cannot be bound
   */
  async run(): Promise<number> {
    const { addresses, reusePort, server, app } = this.#settings;
    process.title = `gatebridge: ${app}`;
    const scheme = this.#settings.cert === undefined && server.tls === undefined ? 'http' : 'https';
    const options = { ...settingsOf(SERVER_OPTIONS, server), ...this.#settings };
    for (const address of addresses) {
      const bound = reusePort ? null : await this.#giver.listen(address, options);
      this.#urls.push(urlOf(address, bound, scheme));
    }
    const removePidFile = writePidFile(this.#settings);
    this.#listenToSignals();
    const checks = setInterval(() => this.#checkAll(), CHECK_INTERVAL);
    const watch = this.#settings.reload ? this.#watch() : undefined;
    void this.#startAll();
    const code = await this.#ended;
    clearInterval(checks);
    watch?.close();
    this.#notification.end();
    removePidFile();
    return code;
  }

  #ready(): WorkerProcess[] {
    return [...this.#workers].filter(({ state }) => state === 'ready');
  }

  /** Starts the first workers. If one of them cannot start, none serves. */
  async #startAll(): Promise<void> {
    const starts = Array.from({ length: this.#target }, () => this.#start());
    const started = await Promise.all(starts);
    const failed = started.find(({ state }) => state === 'gone');
    if (this.#isStopping) return;
    if (failed === undefined) this.#greet();
    else if (this.#settings.reload) {
      this.#log.error(STARTS_LATER);
    } else await this.#stop(failed.exitCode ?? EXIT.failed);
  }

  #hasGreeted = false;

  /** Tells people and systemd that it serves. */
  #greet(): void {
    this.#notification.ready();
    const [first] = this.#ready();
    if (first === undefined || this.#hasGreeted || this.#settings.logLevel === 'silent') return;
    this.#hasGreeted = true;
    const { name, kind } = first;
    process.stderr.write(
      formatBanner({
        name,
        kind,
        workers: this.#target,
        isReloading: this.#settings.reload,
        urls: this.#urls,
      }),
    );
  }

  /** Callbacks of those who wait until a worker is ready or gone. */
  readonly #settled = new Map<WorkerProcess, (worker: WorkerProcess) => void>();

  /** Starts a worker. The promise settles when it is ready, or gone. */
  #start(): Promise<WorkerProcess> {
    const worker = new WorkerProcess(this.#events);
    this.#workers.add(worker);
    this.#log.debug(`Worker ${worker.pid} starts`);
    return new Promise((resolve) => {
      this.#settled.set(worker, resolve);
    });
  }

  #settle(worker: WorkerProcess): boolean {
    const settle = this.#settled.get(worker);
    this.#settled.delete(worker);
    settle?.(worker);
    return settle !== undefined;
  }

  readonly #events: WorkerEvents = {
    onReady: (worker) => {
      this.#log.debug(`Worker ${worker.pid} is ready`);
      this.#giver.giveWaiting();
      this.#settle(worker);
    },
    onSpent: (worker) => void this.#replace(worker, 'has served its requests, or leaves'),
    onBeat: (worker) => {
      const { maxMemory } = this.#settings;
      if (maxMemory > 0 && worker.memory > maxMemory)
        void this.#replace(worker, `holds ${Math.round(worker.memory / 1_048_576)} MiB of memory`);
    },
    onTaken: () => undefined,
    onEnd: (worker, lost) => this.#onEnd(worker, lost),
  };

  #onEnd(worker: WorkerProcess, lost: Parameters<WorkerEvents['onEnd']>[1]): void {
    this.#workers.delete(worker);
    for (const socket of lost) this.#giver.give(socket);
    const hasFailed = this.#settle(worker);
    if (this.#isStopping) {
      if (this.#workers.size === 0) this.#end(this.#stopCode);
      return;
    }
    const isExpected = worker.isReplaced || worker.isLeaving;
    if (isExpected) this.#log.debug(`Worker ${worker.pid} has ended`);
    // Who waits for the start hears of it.
    else if (!hasFailed) this.#onCrash(worker);
  }

  #onCrash(worker: WorkerProcess): void {
    const how = worker.signal === null ? `with code ${worker.exitCode}` : `by ${worker.signal}`;
    const delay = this.#restarts.next(performance.now() - worker.startTime);
    if (delay === undefined) {
      this.#log.error(
        `Worker ${worker.pid} ended ${how}: ${this.#restarts.count} crashes in a row, gives up`,
      );
      void this.#stop(EXIT.failed);
      return;
    }
    this.#log.error(
      `Worker ${worker.pid} ended ${how}; another one starts${delay === 0 ? '' : ` in ${delay} ms`}`,
    );
    setTimeout(() => void this.#restart(), delay);
  }

  /** Starts a worker in the place of one that has crashed. */
  async #restart(): Promise<void> {
    if (this.#isStopping || this.#reload !== undefined || this.#liveCount() >= this.#target) return;
    const worker = await this.#start();
    if (worker.state === 'gone' && !this.#isStopping) this.#onCrash(worker);
  }

  /** Workers that serve, or will. */
  #liveCount(): number {
    return [...this.#workers].filter(({ state, isReplaced }) => state !== 'draining' && !isReplaced).length;
  }

  /** Starts another worker, then lets this one go. */
  async #replace(worker: WorkerProcess, reason: string): Promise<void> {
    if (worker.isReplaced || this.#isStopping) return;
    worker.isReplaced = true;
    this.#log.info(`Worker ${worker.pid} ${reason}; another one takes its place`);
    const next = await this.#start();
    if (next.state === 'gone' && worker.state === 'ready' && !this.#isStopping) {
      this.#log.error(`The new worker does not start, worker ${worker.pid} stays`);
      worker.isReplaced = false;
      return;
    }
    this.#release(worker);
  }

  #release(worker: WorkerProcess): void {
    worker.drain();
    const { gracefulTimeout } = this.#settings;
    setTimeout(() => {
      if (this.#workers.has(worker)) worker.kill();
    }, gracefulTimeout + KILL_MARGIN).unref();
  }

  #checkAll(): void {
    const { workerTimeout } = this.#settings;
    if (workerTimeout === 0) return;
    const now = performance.now();
    for (const worker of this.#workers) {
      if (now - worker.lastBeat < workerTimeout) continue;
      this.#log.error(
        `Worker ${worker.pid} is stuck: its event loop has not turned for ${workerTimeout / 1_000} s`,
      );
      // It is told once, and its end brings the next one.
      worker.lastBeat = now;
      worker.kill();
    }
  }

  #areAllWell(): boolean {
    const limit = Math.max(5_000, CHECK_INTERVAL * 3);
    const workers = this.#ready();
    return workers.length > 0 && workers.every(({ lastBeat }) => performance.now() - lastBeat < limit);
  }

  #watch(): { close(): void } {
    const { folder, reloadDir, envFile } = this.#settings;
    const folders = (reloadDir ?? ['.']).map((name) => pathOf(this.#settings, name));
    return watchFolders(
      [...folders, ...(envFile ?? []).map((name) => pathOf(this.#settings, name))],
      (path) => {
        this.#log.info(`${path.replace(`${folder}/`, '')} has changed`);
        void this.reload();
      },
    );
  }

  /** Replaces all workers by new ones, which load the application anew. */
  async reload(): Promise<void> {
    this.#isReloadAsked = true;
    this.#reload ??= this.#reloadAll().finally(() => {
      this.#reload = undefined;
    });
    await this.#reload;
  }

  async #reloadAll(): Promise<void> {
    while (this.#isReloadAsked && !this.#isStopping) {
      this.#isReloadAsked = false;
      this.#notification.reloading();
      const old = [...this.#workers].filter(({ state }) => state !== 'draining');
      const isDone = await this.#renew(old);
      if (isDone) {
        this.#log.info(`Reloaded: ${this.#target} new ${this.#target === 1 ? 'worker' : 'workers'}`);
        this.#greet();
      } else if (!this.#isStopping) this.#tellFailedReload();
    }
  }

  #tellFailedReload(): void {
    const isServing = this.#ready().length > 0;
    this.#log.error(isServing ? 'The new code does not start; the old one goes on' : STARTS_LATER);
    if (isServing) this.#notification.ready();
  }

  async #renew(old: WorkerProcess[]): Promise<boolean> {
    for (let index = 0; index < this.#target; index += 1) {
      const next = await this.#start();
      if (this.#isStopping || next.state === 'gone') return false;
      const previous = old.shift();
      if (previous !== undefined) this.#letGo(previous);
    }
    for (const worker of old) this.#letGo(worker);
    return true;
  }

  #letGo(worker: WorkerProcess): void {
    worker.isReplaced = true;
    this.#release(worker);
  }

  #listenToSignals(): void {
    const stop = (signal: NodeJS.Signals): void => {
      if (this.#isStopping) {
        this.#log.warn(`${signal} again: stops without waiting`);
        this.#force();
        return;
      }
      const seconds = this.#settings.gracefulTimeout / 1_000;
      this.#log.info(`${signal}: stops; answers in flight have ${seconds} s, a second signal forces`);
      void this.#stop(EXIT.clean);
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
    process.on('SIGHUP', () => {
      this.#log.info('SIGHUP: reloads');
      void this.reload();
    });
    process.on('SIGUSR1', () => {
      this.#log.sink.reopen();
      for (const worker of this.#workers) worker.reopenLogs();
    });
    process.on('SIGTTIN', () => this.#scale(this.#target + 1));
    process.on('SIGTTOU', () => this.#scale(Math.max(1, this.#target - 1)));
    process.on('exit', () => {
      for (const worker of this.#workers) worker.kill();
    });
  }

  #scale(target: number): void {
    if (this.#isStopping || target === this.#target) return;
    this.#log.info(`${this.#target} → ${target} workers`);
    const isMore = target > this.#target;
    this.#target = target;
    if (isMore) {
      void this.#restart();
      return;
    }
    const [oldest] = this.#ready().filter(({ isReplaced }) => !isReplaced);
    if (oldest !== undefined) this.#letGo(oldest);
  }

  #stopCode = 0;

  /** Stops to listen, lets all workers end their work, and ends. */
  async #stop(code: number): Promise<void> {
    this.#isStopping = true;
    this.#stopCode = code;
    this.#notification.stopping();
    await this.#giver.close();
    for (const worker of this.#workers) {
      if (worker.state === 'starting') worker.kill();
      else this.#release(worker);
    }
    if (this.#ready().length === 0) this.#giver.destroyWaiting();
    if (this.#workers.size === 0) this.#end(code);
  }

  #force(): void {
    if (this.#isForced) return;
    this.#isForced = true;
    this.#stopCode = EXIT.failed;
    for (const worker of this.#workers) worker.kill();
  }
}

/** The file of the worker, beside this one. Its extension is that of the sources or of the package. */
function workerUrl(): URL {
  return new URL(`worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
}
