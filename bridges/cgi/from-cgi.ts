/**
 * CGI → gateway: makes an application of a program that speaks CGI/1.1 (RFC 3875), started for each request.
 *
 * program.ts knows how to start the program, cgi-process.ts runs it. What FastCGI does alike is in bridges/_cgi, the order of
 * events in answer-by-program.ts there.
 */
import { resolve } from 'node:path';
import {
  checkOptions,
  isError,
  type OptionsOf,
  pairsOf,
  refuseOnWorkers,
  type SettingsOf,
  settingsOf,
} from '../../src/gateway/index.ts';
import { type ApplicationFunction, type Environ, encodeNative, toApplication } from '../../src/index.ts';
import { answerByProgram, type ProgramRunner, programLog } from '../_cgi/answer-by-program.ts';
import { addVariables, type MetaVariables, metaVariables } from '../_cgi/meta-variables.ts';
import { openContent, type RequestContent } from '../_cgi/request-content.ts';
import { type Release, Slots } from '../_process/slots.ts';
import { CgiProcess } from './cgi-process.ts';
import { type CgiProgram, type Command, checkProgram, invoke, startFailure, toCommand } from './program.ts';

export type { CgiProgram } from './program.ts';

/** The options of `fromCgi`. */
export const CGI_PROGRAM_OPTIONS = {
  /**
   * Pairs of the environ for this program alone, or a function of the environ that gives them: `(environ) => ({ REMOTE_USER:
   * environ['app.user'] })`. They become variables of the program, over those of the request. `wsgi.errors` takes what it writes to standard error.
   */
  environ: { type: 'environ pairs' },
  /** The environment of the program besides the variables of the request. Of the environment of this process it gets only PATH, unless this has another. */
  env: { type: 'object' },
  /** The folder to run the program in. By default that of the program. */
  cwd: { type: 'text' },
  /** The folder that becomes DOCUMENT_ROOT, and with the rest of the path PATH_TRANSLATED. */
  documentRoot: { type: 'text' },
  /** The program gets the field Authorization, because it authenticates users itself. */
  authorization: { type: 'boolean', default: false },
  /**
   * CGI needs the length of content. Content of unknown length, as in the chunked coding, is taken in first (`'buffer'`), or reaches the
   * program as it comes and without CONTENT_LENGTH (`'stream'`), for programs that read to the end, such as git-http-backend.
   */
  unknownLength: { type: ['buffer', 'stream'], default: 'buffer' },
  /** Octets of content that are taken in, in a temporary file if they are many. More gets a 413. */
  maxBufferedContent: { type: 'octets', default: 268_435_456 },
  /** Octets of the head of a response. */
  maxHeadSize: { type: 'octets', default: 65_536 },
  /** The program may give no sign of life for this many milliseconds; then it is ended, and the client gets a 504. 0 means any time. */
  timeout: { type: 'milliseconds', default: 60_000 },
  /** A program that must end gets SIGTERM, with all that it has started, and after this many milliseconds SIGKILL. */
  killTimeout: { type: 'milliseconds', default: 5_000 },
  /** At most this many processes run at the same time. */
  maxProcesses: { type: 'count', default: 16, least: 1 },
  /** At most this many requests wait for a process. Others get a 503 with `Retry-After`. */
  maxQueued: { type: 'count', default: 128 },
  /** A request waits this many milliseconds for a process, then it gets a 503 with `Retry-After`. */
  queueTimeout: { type: 'milliseconds', default: 10_000 },
  /** The application that answers local redirects (RFC 3875 §6.2.2) to paths outside of the mount. By default the client is redirected. */
  localRedirect: { type: 'application' },
} as const;

/** Options of {@link fromCgi}. */
export interface FromCgiOptions extends OptionsOf<typeof CGI_PROGRAM_OPTIONS> {
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

type Settings = SettingsOf<typeof CGI_PROGRAM_OPTIONS>;

/**
 * Makes an application of a CGI program: each request starts it.
 *
 * Errors of the program are an `UpstreamError`: 502 if it does not start, or its response is no CGI; 504 if it does not
 * answer in time; 503 if too many requests wait for it.
 *
 * @param program A path or a `file:` URL; with arguments a list
 * @param options Options of the program
 * @returns the application
 * @throws TypeError or RangeError if the program or an option is invalid
 * @example
 * const git = fromCgi('/usr/lib/git-core/git-http-backend', {
 *   env: { GIT_PROJECT_ROOT: '/srv/git', GIT_HTTP_EXPORT_ALL: '' },
 *   environ: (environ) => ({ REMOTE_USER: environ['app.user'] }),
 * });
 * express().use('/git', toExpress(git)).listen(8124);
 */
export function fromCgi(program: CgiProgram, options: FromCgiOptions = {}): ApplicationFunction {
  checkOptions(options, CGI_PROGRAM_OPTIONS);
  refuseOnWorkers('fromCgi cannot start processes');
  const settings = settingsOf(CGI_PROGRAM_OPTIONS, options);
  const runner = new Runner(toCommand(program, settings.cwd), settings, environmentOf(options.env));
  return (environ, startResponse) => answerByProgram(runner, environ, startResponse);
}

/** Apache's default, for a process without one. */
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';

/** Variables without which no program starts. */
const OF_WINDOWS = ['SystemRoot', 'ComSpec', 'PATHEXT', 'windir'];

function environmentOf(own: FromCgiOptions['env'] = {}): Record<string, string> {
  const kept = process.platform === 'win32' ? OF_WINDOWS : [];
  const inherited = Object.fromEntries(kept.map((name) => [name, process.env[name]]));
  const all: [string, unknown][] = Object.entries({
    PATH: process.env.PATH ?? DEFAULT_PATH,
    ...inherited,
    ...own,
  });
  const env: Record<string, string> = {};
  for (const [name, value] of all) {
    if (value === undefined) continue;
    if (typeof value !== 'string' || `${name}${value}`.includes('\0'))
      throw new TypeError(`Option env must have strings without NUL; ${name} is none`);
    env[name] = value;
  }
  return env;
}

/** Runs one program for many requests. */
class Runner implements ProgramRunner {
  readonly command: Command;
  readonly settings: Settings;
  readonly maxHeadSize: number;
  readonly elsewhere: ApplicationFunction | undefined;
  readonly #env: Readonly<Record<string, string>>;
  readonly #slots: Slots;
  #isChecked = false;

  constructor(command: Command, settings: Settings, env: Readonly<Record<string, string>>) {
    this.command = command;
    this.settings = settings;
    this.#env = env;
    const { localRedirect, maxProcesses, maxQueued, queueTimeout } = settings;
    this.maxHeadSize = settings.maxHeadSize;
    this.elsewhere = localRedirect === undefined ? undefined : toApplication(localRedirect);
    this.#slots = new Slots({
      program: command.name,
      most: maxProcesses,
      mostWaiting: maxQueued,
      patience: queueTimeout,
    });
  }

  async start(environ: Environ): Promise<CgiProcess> {
    const { settings, command } = this;
    const signal = environ['gateway.signal']?.();
    const pairs = settings.environ === undefined ? {} : pairsOf(settings.environ, environ);
    const variables = metaVariables(environ, settings);
    this.#addPlaces(variables);
    this.#slots.assertRoom();
    const content = await openContent(environ, {
      isStreamed: settings.unknownLength === 'stream',
      maxBuffered: settings.maxBufferedContent,
    });
    let release: Release | undefined;
    try {
      if (content.length) variables.set('CONTENT_LENGTH', `${content.length}`);
      addVariables(variables, pairs);
      release = await this.#slots.take(signal);
      if (!this.#isChecked) await checkProgram(command);
      this.#isChecked = true;
      signal?.throwIfAborted();
      const run = this.#spawn(variables, content, programLog(environ, pairs, command.name));
      const leave = (): void => run.abort(signal?.reason);
      signal?.addEventListener('abort', leave, { once: true });
      void run.ended.then(release).then(() => signal?.removeEventListener('abort', leave));
      return run;
    } catch (error) {
      release?.();
      await content.close();
      throw isSystemError(error) ? await startFailure(command, error) : error;
    }
  }

  #spawn(variables: MetaVariables, content: RequestContent, log: (line: string) => void): CgiProcess {
    const { command, settings } = this;
    const invocation = invoke(command, this.#env, variables);
    const { timeout, killTimeout } = settings;
    return new CgiProcess({ command, invocation, content, timeout, killTimeout, log });
  }

  /** Adds where script and path are in the file system, as far as that is known. */
  #addPlaces(variables: MetaVariables): void {
    const { documentRoot } = this.settings;
    if (this.command.script !== undefined)
      variables.set('SCRIPT_FILENAME', encodeNative(this.command.script));
    if (documentRoot === undefined) return;
    const root = encodeNative(resolve(documentRoot));
    variables.set('DOCUMENT_ROOT', root);
    const path = variables.get('PATH_INFO') ?? '';
    // A path that climbs is no place below the root.
    if (path !== '' && !path.split('/').includes('..')) variables.set('PATH_TRANSLATED', `${root}${path}`);
  }
}

/** The system could not start a process: too large an environment, too many processes. */
function isSystemError(error: unknown): boolean {
  return isError(error) && 'syscall' in error && `${error.syscall}`.startsWith('spawn');
}
