/**
 * The supervisor: listens, keeps workers, and obeys signals.
 *
 * Its connections go to the workers (connection-giver.ts); worker-pool.ts starts and replaces them.
 */
import cluster from 'node:cluster';
import { fileURLToPath } from 'node:url';
import { isError } from '../errors.ts';
import { settingsOf } from '../gateway/option-table.ts';
import { SERVER_OPTIONS } from '../server/options.ts';
import { formatBanner, urlOf } from './banner.ts';
import { Certificate } from './certificate.ts';
import { ConnectionGiver } from './connection-giver.ts';
import { EXIT } from './exit-codes.ts';
import { FolderWatch } from './folder-watch.ts';
import { isHangup } from './hangup.ts';
import { type Log, openLog, reopenLog } from './log.ts';
import { LogRelay } from './log-relay.ts';
import { type Monitored, startMonitor } from './monitor.ts';
import { writePidFile } from './pid-file.ts';
import { forgetVariables, readSettings } from './read-settings.ts';
import { pathOf, type Settings } from './settings.ts';
import { notifySystem, type SystemNotification } from './system-notification.ts';
import { type PoolOwner, WorkerPool } from './worker-pool.ts';
import type { WorkerProcess } from './worker-process.ts';

const STARTS_LATER = 'The application does not start; a change of its files starts it again';

/** Milliseconds for which SIGHUP waits for workers that still load; then they are given up. */
const START_PATIENCE = 10_000;

/** Serves an application by workers. */
export class Supervisor implements PoolOwner {
  settings: Settings;
  readonly log: Log;
  readonly #argv: readonly string[];
  readonly #pool: WorkerPool;
  readonly #giver: ConnectionGiver;
  readonly #certificate: Certificate;
  readonly #relay: LogRelay;
  readonly #urls: string[] = [];
  readonly #notification: SystemNotification;
  #hasGreeted = false;
  #isStopping = false;
  #exitCode: number = EXIT.clean;
  #reload: Promise<void> | undefined;
  #isReloadAsked = false;
  #end!: (code: number) => void;
  readonly #ended = new Promise<number>((resolve) => {
    this.#end = resolve;
  });

  /** @param argv The arguments, which every worker reads again */
  constructor(settings: Settings, argv: readonly string[]) {
    this.settings = settings;
    this.#argv = argv;
    this.log = openLog(settings.logFile && pathOf(settings, settings.logFile), settings.logLevel);
    forgetVariables(settings);
    this.#certificate = new Certificate(settings, this.log, {
      isShared: true,
      onChange: () => this.#pool.useSecrets(this.#certificate.secrets),
    });
    this.#relay = new LogRelay(settings, this.log);
    const { stdio } = this.#relay;
    cluster.setupPrimary({ exec: fileURLToPath(workerUrl()), args: [...argv], stdio });
    this.#pool = new WorkerPool(this);
    this.#giver = new ConnectionGiver(() => this.#pool.ready);
    this.#notification = notifySystem(this.log, () => this.#pool.isWell);
  }

  /**
   * Listens, starts the workers, and keeps them until a signal stops it.
   *
   * @returns the exit code
   * @throws {@link CommandError} if an address cannot be bound
   */
  async run(): Promise<number> {
    const { settings } = this;
    process.title = `gatebridge: ${settings.app}`;
    for (const hint of settings.hints) this.log.warn(hint);
    await this.#listen();
    const removePidFile = writePidFile(settings);
    const stopMonitor = await startMonitor(this.#monitored, settings, this.log);
    this.#certificate.watch();
    this.#obeySignals();
    const watch = settings.reload ? this.#watch() : undefined;
    void this.#startAll();
    const code = await this.#ended;
    watch?.close();
    this.#certificate.close();
    this.#notification.end();
    stopMonitor();
    removePidFile();
    return code;
  }

  get #monitored(): Monitored {
    const pool = this.#pool;
    const isServing = (): boolean => !this.#isStopping && pool.ready.length > 0;
    return {
      get isWell() {
        return isServing();
      },
      get memory() {
        return pool.memory;
      },
      metrics: () => pool.metrics(),
    };
  }

  async #listen(): Promise<void> {
    const { addresses, reusePort, server, cert } = this.settings;
    const scheme = cert === undefined && server.tls === undefined ? 'http' : 'https';
    const options = { ...settingsOf(SERVER_OPTIONS, server), ...this.settings };
    for (const address of addresses) {
      const bound = reusePort ? null : await this.#giver.listen(address, options);
      this.#urls.push(urlOf(address, bound, scheme));
    }
  }

  /** If one of the first workers cannot start, none serves; with `--reload` all wait for a change. */
  async #startAll(): Promise<void> {
    const failed = await this.#pool.startAll();
    if (this.#isStopping) return;
    if (failed === undefined) this.#greet();
    else if (this.settings.reload) this.log.error(STARTS_LATER);
    else {
      this.log.error(`A worker that should start ${failed.end}; gives up`);
      await this.#stop(failed.exitCode || EXIT.failed);
    }
  }

  /** Tells people and systemd that it serves. */
  #greet(): void {
    const [first] = this.#pool.ready;
    if (first === undefined) return;
    this.#notification.ready();
    if (this.#hasGreeted || this.settings.logLevel === 'silent') return;
    this.#hasGreeted = true;
    const { name, kind } = first;
    const { target: workers } = this.#pool;
    const isReloading = this.settings.reload;
    process.stderr.write(formatBanner({ name, kind, workers, isReloading, urls: this.#urls }));
  }

  onStart(worker: WorkerProcess): void {
    this.#relay.attach(worker.process);
  }

  onListening(worker: WorkerProcess): void {
    worker.send({ type: 'start', secrets: this.#certificate.secrets, relaysLogs: this.#relay.isNeeded });
  }

  onReady(): void {
    this.#giver.giveWaiting();
  }

  onLost(sockets: Parameters<PoolOwner['onLost']>[0]): void {
    for (const socket of sockets) this.#giver.give(socket);
  }

  onGivingUp(): void {
    void this.#stop(EXIT.failed);
  }

  onEmpty(): void {
    this.#giver.destroyWaiting();
    this.#end(this.#exitCode);
  }

  #watch(): FolderWatch {
    const { folder, reloadDir, envFile, sources } = this.settings;
    const named = [...(reloadDir ?? ['.']), ...(envFile ?? [])].map((name) => pathOf(this.settings, name));
    const config = [...sources.values()].filter((source) => source.startsWith('/'));
    return new FolderWatch([...new Set([...named, ...config])], (path) => {
      this.log.info(`${path.replace(`${folder}/`, '')} has changed`);
      // Who still loads has the old text.
      void this.reload(0);
    });
  }

  /**
   * Replaces all workers by new ones, which load the application anew. Calls that come meanwhile become one.
   *
   * @param patience Milliseconds after which workers that still load are given up
   */
  async reload(patience: number = START_PATIENCE): Promise<void> {
    this.#isReloadAsked = true;
    this.#pool.abandonStarts(patience);
    this.#reload ??= this.#reloadAll().finally(() => {
      this.#reload = undefined;
    });
    await this.#reload;
  }

  async #reloadAll(): Promise<void> {
    while (this.#isReloadAsked && !this.#isStopping) {
      this.#isReloadAsked = false;
      this.#notification.reloading();
      await this.#readSettings();
      const isDone = await this.#pool.renew();
      if (isDone) {
        const { target } = this.#pool;
        this.log.info(`Reloaded: ${target} new ${target === 1 ? 'worker' : 'workers'}`);
        this.#greet();
      } else if (!this.#isStopping && !this.#isReloadAsked) this.#tellFailedReload();
    }
  }

  #tellFailedReload(): void {
    const isServing = this.#pool.ready.length > 0;
    this.log.error(isServing ? 'The new code does not start; the old one goes on' : STARTS_LATER);
    if (isServing) this.#notification.ready();
  }

  /** Reads the config file again. Addresses stay as they are: what was bound cannot change without a gap. */
  async #readSettings(): Promise<void> {
    try {
      const settings = await readSettings(this.#argv);
      const { addresses, workers } = this.settings;
      if (textOf(settings.addresses) !== textOf(addresses))
        this.log.warn('Other addresses need a new start; the present ones stay');
      if (settings.workers !== workers) this.#pool.target = settings.workers;
      this.settings = { ...settings, addresses };
      this.#certificate.use(settings);
    } catch (error) {
      this.log.error(`The settings stay as they are: ${isError(error) ? error.message : error}`);
    }
  }

  #obeySignals(): void {
    const stop = (signal: NodeJS.Signals): void => {
      if (this.#isStopping) {
        this.log.warn(`${signal} again: stops without waiting`);
        this.#exitCode = EXIT.failed;
        this.#pool.freeze();
        this.#pool.killAll();
        return;
      }
      const seconds = this.settings.gracefulTimeout / 1_000;
      this.log.info(`${signal}: stops; answers in flight have ${seconds} s, a second signal forces`);
      void this.#stop(EXIT.clean);
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
    process.on('SIGHUP', () => {
      if (isHangup()) {
        stop('SIGHUP');
        return;
      }
      this.log.info('SIGHUP: reloads');
      void this.reload();
    });
    process.on('SIGUSR1', () => {
      reopenLog(this.log);
      this.#relay.reopen();
      this.#pool.reopenLogs();
    });
    // gunicorn's; its default would end the process.
    process.on('SIGUSR2', () => this.log.warn('SIGUSR2 does nothing; SIGHUP loads new code'));
    process.on('SIGTTIN', () => this.#pool.scale(this.#pool.target + 1));
    process.on('SIGTTOU', () => this.#pool.scale(this.#pool.target - 1));
    process.on('exit', () => this.#pool.killAll());
  }

  /** Serves on for `--drain-delay`, while health says 503. */
  async #beLame(): Promise<void> {
    this.#pool.announceEnd();
    const { drainDelay } = this.settings;
    if (drainDelay > 0) await new Promise((resolve) => setTimeout(resolve, drainDelay));
  }

  /** Stops to listen, lets all workers end their work, and ends. */
  async #stop(code: number): Promise<void> {
    this.#isStopping = true;
    this.#exitCode = code;
    this.#notification.stopping();
    if (code === EXIT.clean) await this.#beLame();
    this.#pool.freeze();
    await this.#giver.close();
    this.#pool.stop();
  }
}

function textOf(addresses: Settings['addresses']): string {
  return addresses.map(({ text }) => text).join(' ');
}

/** The file of the worker, beside this one. Its extension is that of the sources or of the package. */
function workerUrl(): URL {
  return new URL(`worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
}
