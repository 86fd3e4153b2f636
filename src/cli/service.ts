/** A loaded application with its layers and its servers, in the one process or in a worker. */
import { isError } from '../errors.ts';
import { pairsOf } from '../gateway/environ-pairs.ts';
import {
  createServer,
  type Server,
  type ServerMetrics,
  type ServerOptions,
  sumMetrics,
  warnOfSlowness,
} from '../server/index.ts';
import type { ApplicationFunction, Environ } from '../wsgi.ts';
import { type Secrets, tlsOptions } from './certificate.ts';
import { CommandError } from './exit-codes.ts';
import { addLayers } from './layers.ts';
import { loadApplication } from './load-application.ts';
import type { LoadedApplication } from './loaded-application.ts';
import { type Log, LogFile, reopenLog, type Sink, standardSink } from './log.ts';
import { applyVariables } from './read-settings.ts';
import { pathOf, type Settings } from './settings.ts';
import { userStack } from './user-stack.ts';

/** Milliseconds that the shutdown hooks of an application may take beyond the time for answers. */
const HOOKS_TIMEOUT = 5_000;

/** What a process gives to its service. */
export interface ServiceHooks {
  /** Called for requests that have ended. */
  readonly onRequest?: (() => void) | undefined;
  /** A descriptor that leads to the file of the access log. */
  readonly accessLogDescriptor?: number | undefined;
}

/** One application, ready to serve. */
export class Service {
  readonly name: string;
  readonly kind: LoadedApplication['kind'];
  /** Health says 503: the process is about to stop. */
  isLame = false;
  readonly #settings: Settings;
  readonly #log: Log;
  readonly #loaded: LoadedApplication;
  readonly #application: ApplicationFunction;
  readonly #accessLog: Sink;
  readonly #servers: Server[] = [];
  #secrets: Secrets = {};

  private constructor(loaded: LoadedApplication, settings: Settings, log: Log, hooks: ServiceHooks) {
    this.name = loaded.name;
    this.kind = loaded.kind;
    this.#settings = settings;
    this.#log = log;
    this.#loaded = loaded;
    const { accessLogFile } = settings;
    this.#accessLog =
      accessLogFile === undefined || accessLogFile === '-'
        ? standardSink(process.stdout)
        : new LogFile(pathOf(settings, accessLogFile), hooks.accessLogDescriptor);
    this.#application = addLayers(loaded.application, settings, {
      log: (line) => this.#accessLog.write(`${line}\n`),
      onRequest: hooks.onRequest,
      isLame: () => this.isLame,
    });
    const { slowRequest, eventLoopDelay } = settings;
    if (slowRequest > 0 || eventLoopDelay > 0) warnOfSlowness({ slowRequest, eventLoopDelay });
  }

  /**
   * Loads the application.
   *
   * @throws {@link CommandError} if it cannot be loaded
   */
  static async load(settings: Settings, log: Log, hooks: ServiceHooks = {}): Promise<Service> {
    applyVariables(settings);
    const loaded = await loadApplication({ ...settings, log: (line) => log.sink.write(`${line}\n`) });
    return new Service(loaded, settings, log, hooks);
  }

  /**
   * Makes a server for the application.
   *
   * @throws {@link CommandError} if an option of the server or the certificate is wrong
   */
  createServer(): Server {
    try {
      const server: Server = createServer(this.#application, this.#serverOptions());
      if (this.#loaded.upgrade !== undefined) server.on('upgrade', this.#loaded.upgrade);
      this.#servers.push(server);
      return server;
    } catch (error) {
      throw new CommandError(
        'usage',
        `The server cannot be made: ${isError(error) ? error.message : String(error)}`,
      );
    }
  }

  #serverOptions(): ServerOptions {
    const { server, logFile } = this.#settings;
    const { sink } = this.#log;
    const errors = {
      write: (text: string) => sink.write(text),
      writelines: (lines: Iterable<string>) => sink.write([...lines].join('')),
      flush: () => undefined,
    };
    return {
      ...server,
      ...(this.#isSecure && { tls: { ...server.tls, ...tlsOptions(this.#secrets) } }),
      ...(logFile !== undefined && {
        environ: (environ: Environ) => ({ 'wsgi.errors': errors, ...pairsOf(server.environ ?? {}, environ) }),
      }),
    };
  }

  get #isSecure(): boolean {
    return this.#settings.server.tls !== undefined || this.#secrets.cert !== undefined;
  }

  /** Takes certificate, key and ticket keys, also for servers that run. */
  useSecrets(secrets: Secrets): void {
    this.#secrets = secrets;
    const context = { ...this.#settings.server.tls, ...tlsOptions(secrets) };
    for (const server of this.#servers)
      if ('setSecureContext' in server) Reflect.apply(Object(server).setSecureContext, server, [context]);
  }

  /** Shortens a patient drain that is under way. */
  hurry(): void {
    void this.#shutDown(false);
  }

  async #shutDown(isPatient: boolean): Promise<void> {
    const { gracefulTimeout: timeout, drainGrace } = this.#settings;
    const ends = this.#servers.map((server) => {
      const { keepAliveTimeout, keepAliveTimeoutBuffer } = server;
      const idleGrace = isPatient
        ? Math.max(drainGrace, keepAliveTimeout + keepAliveTimeoutBuffer)
        : drainGrace;
      return server.shutdown({ timeout, idleGrace });
    });
    await Promise.all(ends);
  }

  /** The sum of what the servers count. */
  metrics(): ServerMetrics {
    return sumMetrics(this.#servers.map((server) => server.metrics()));
  }

  /** Opens log files anew, after they were moved away. */
  reopenLogs(): void {
    for (const sink of [this.#accessLog, this.#log.sink]) reopenLog(this.#log, sink);
  }

  /**
   * Serves what is in flight to its end, then runs the shutdown hooks of the application. Never rejects.
   *
   * @param isPatient Nobody waits for the end, as in a reload: idle connections live as long as their clients were told
   */
  async drain(isPatient = false): Promise<void> {
    await this.#shutDown(isPatient);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), HOOKS_TIMEOUT);
    });
    try {
      const ended = await Promise.race([this.#loaded.close(), late]);
      if (ended === 'late')
        this.#log.warn(`The shutdown hook of ${this.name} has not ended in ${HOOKS_TIMEOUT / 1_000} s`);
    } catch (error) {
      this.#log.error(`The shutdown hook of ${this.name} failed: ${userStack(error)}`);
    } finally {
      clearTimeout(timer);
    }
  }
}
