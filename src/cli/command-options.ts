/**
 * The options of the command itself, as one table.
 *
 * A key is the flag in camel case: `maxRequests` is `--max-requests`.
 */
import type { OptionRow } from '../gateway/option-table.ts';

/** The groups of `--help`, in its order. */
export const GROUPS = {
  address: 'Where to listen',
  application: 'The application',
  workers: 'Workers',
  log: 'Logs',
  monitor: 'Monitoring',
  proxy: 'Behind a proxy',
  development: 'Development',
  command: 'The command',
  limits: 'Limits and time-outs of the server',
} as const;

/** One option of the command. */
export interface FlagRow extends OptionRow {
  readonly group: keyof typeof GROUPS;
  /** One line for `--help`. */
  readonly help: string;
  /** The name of the value in `--help`. */
  readonly value?: string;
  readonly short?: string;
  /** The environment variable that sets it. */
  readonly env?: string;
  /** `--help` leaves it to `--help-all`. */
  readonly isRare?: true;
  /** It is a flag only, and no key of the config file. */
  readonly isFlagOnly?: true;
}

/** The options of the command itself. */
export const COMMAND_OPTIONS = {
  bind: {
    type: 'names',
    group: 'address',
    short: 'b',
    value: 'ADDRESS',
    help: 'host:port, :port, unix:/path, fd:N; repeatable [127.0.0.1:8124]',
  },
  host: { type: 'name', group: 'address', value: 'HOST', env: 'HOST', help: 'the address alone [127.0.0.1]' },
  port: {
    type: 'port',
    group: 'address',
    short: 'p',
    value: 'PORT',
    env: 'PORT',
    help: 'the port alone; 0 is a free one [8124]',
  },
  cert: { type: 'text', group: 'address', value: 'FILE', help: 'serve HTTPS with this certificate (PEM)' },
  key: {
    type: 'text',
    group: 'address',
    value: 'FILE',
    help: 'and its private key; both are read anew when they change',
  },
  backlog: {
    type: 'count',
    default: 511,
    group: 'address',
    value: 'N',
    help: 'connections that may wait to be accepted',
    isRare: true,
  },
  socketMode: {
    type: 'mode',
    group: 'address',
    value: 'MODE',
    help: 'permissions of unix sockets, such as 660',
    isRare: true,
  },
  reusePort: {
    type: 'boolean',
    default: false,
    group: 'address',
    help: 'each worker listens for itself (SO_REUSEPORT); a reload may then lose connections',
    isRare: true,
  },

  interface: {
    type: ['auto', 'gateway', 'express', 'fastify', 'fetch', 'node'],
    default: 'auto',
    group: 'application',
    value: 'KIND',
    help: 'gateway, express, fastify, fetch or node [auto: it is recognised]',
  },
  factory: {
    type: 'boolean',
    default: false,
    group: 'application',
    help: 'call the export, async too, to get the application',
  },
  import: {
    type: 'names',
    group: 'application',
    value: 'MODULE',
    help: 'load a module first; repeatable',
  },
  envFile: {
    type: 'names',
    group: 'application',
    value: 'FILE',
    help: 'set environment variables from a file; repeatable',
  },
  python: {
    type: 'text',
    group: 'application',
    value: 'PATH',
    help: 'the interpreter of app.py:app [.venv/bin/python, venv/bin/python, python3]',
    isRare: true,
  },
  threads: {
    type: 'count',
    default: 4,
    least: 1,
    most: 256,
    group: 'application',
    value: 'N',
    help: 'requests that a Python application serves at once in each worker [4]',
    isRare: true,
  },
  rootPath: {
    type: 'text',
    group: 'application',
    value: '/PATH',
    help: 'the path below which the application is mounted',
  },

  workers: {
    type: 'count or auto',
    default: 1,
    least: 1,
    group: 'workers',
    short: 'w',
    value: 'N|auto',
    env: 'WEB_CONCURRENCY',
    help: 'processes; auto is one for each processor [1]',
  },
  gracefulTimeout: {
    type: 'milliseconds',
    default: 30_000,
    group: 'workers',
    value: 'TIME',
    help: 'time for answers in flight when it stops or reloads [30s]',
  },
  drainGrace: {
    type: 'milliseconds',
    default: 2_000,
    group: 'workers',
    value: 'TIME',
    help: 'time that idle connections are kept for a last request',
    isRare: true,
  },
  workerTimeout: {
    type: 'milliseconds',
    default: 30_000,
    group: 'workers',
    value: 'TIME',
    help: 'a worker that is stuck for so long is replaced',
    isRare: true,
  },
  maxRequests: {
    type: 'count',
    default: 0,
    group: 'workers',
    value: 'N',
    help: 'replace a worker after so many requests [0: never]',
  },
  maxRequestsJitter: {
    type: 'count',
    default: 0,
    group: 'workers',
    value: 'N',
    help: 'and up to so many more, by chance',
    isRare: true,
  },
  maxMemory: {
    type: 'octets',
    default: 0,
    group: 'workers',
    value: 'SIZE',
    help: 'replace a worker that holds more memory [0: never]',
    isRare: true,
  },
  maxCrashes: {
    type: 'count',
    default: 10,
    group: 'workers',
    value: 'N',
    help: 'give up after so many crashes in a row; 0 is never',
    isRare: true,
  },
  limitConcurrency: {
    type: 'count',
    default: 0,
    group: 'workers',
    value: 'N',
    help: 'answer 503 above so many requests at once [0: no limit]',
    isRare: true,
  },
  pid: {
    type: 'text',
    group: 'workers',
    value: 'FILE',
    help: 'write the process id to a file',
    isRare: true,
  },
  user: {
    type: 'text',
    group: 'workers',
    value: 'USER',
    help: 'run workers as this user, by name or number',
    isRare: true,
  },
  group: { type: 'text', group: 'workers', value: 'GROUP', help: 'run workers as this group', isRare: true },
  umask: {
    type: 'mode',
    group: 'workers',
    value: 'MASK',
    help: 'the mask of new files, such as 027',
    isRare: true,
  },

  accessLog: {
    type: 'boolean',
    default: true,
    group: 'log',
    help: 'a line for each request, to stdout [on]',
  },
  accessLogFormat: {
    type: ['common', 'combined', 'json'],
    default: 'common',
    group: 'log',
    value: 'FORMAT',
    help: 'common, combined or json [common]',
  },
  accessLogFile: {
    type: 'text',
    group: 'log',
    value: 'FILE',
    help: 'and to a file instead; USR1 opens it anew',
    isRare: true,
  },
  logLevel: {
    type: ['debug', 'info', 'warning', 'error', 'silent'],
    default: 'info',
    group: 'log',
    value: 'LEVEL',
    help: 'debug, info, warning, error or silent [info]',
  },
  logFile: {
    type: 'text',
    group: 'log',
    value: 'FILE',
    help: 'the log of the command goes to a file, not to stderr',
    isRare: true,
  },

  metricsBind: {
    type: 'text',
    group: 'monitor',
    value: 'ADDRESS',
    help: 'serve /metrics and /health here: host:port or unix:/path',
  },
  healthPath: {
    type: 'text',
    group: 'monitor',
    value: '/PATH',
    help: 'answer 200 at this path of the application, and 503 once it stops',
    isRare: true,
  },
  drainDelay: {
    type: 'milliseconds',
    default: 0,
    group: 'monitor',
    value: 'TIME',
    help: 'accept connections for so long after TERM, while health says 503',
    isRare: true,
  },
  slowRequest: {
    type: 'milliseconds',
    default: 0,
    group: 'monitor',
    value: 'TIME',
    help: 'tell of a request whose response takes so long to begin [0: never]',
    isRare: true,
  },
  eventLoopDelay: {
    type: 'milliseconds',
    default: 0,
    group: 'monitor',
    value: 'TIME',
    help: 'tell of an event loop that was held up so long [0: never]',
    isRare: true,
  },

  forwardedAllowIps: {
    type: 'names',
    group: 'proxy',
    value: 'LIST',
    env: 'FORWARDED_ALLOW_IPS',
    help: 'believe X-Forwarded-* of these: 10.0.0.0/8, loopback, unix, *',
  },

  reload: { type: 'boolean', default: false, group: 'development', help: 'start anew when a file changes' },
  reloadDir: {
    type: 'names',
    group: 'development',
    value: 'FOLDER',
    help: 'watch this folder instead of the current one; repeatable',
    isRare: true,
  },
  validate: { type: 'boolean', group: 'development', help: 'tell what breaks PEP 3333 [on with --reload]' },

  config: {
    type: 'text',
    group: 'command',
    short: 'c',
    value: 'FILE',
    help: 'the config file [gatebridge.config.ts, .js, .json]',
    isFlagOnly: true,
  },
  check: {
    type: 'boolean',
    default: false,
    group: 'command',
    help: 'load everything, serve nothing',
    isFlagOnly: true,
  },
  printConfig: {
    type: 'boolean',
    default: false,
    group: 'command',
    help: 'print every option and where it comes from',
    isFlagOnly: true,
  },
  help: {
    type: 'boolean',
    default: false,
    group: 'command',
    short: 'h',
    help: 'this page',
    isFlagOnly: true,
  },
  helpAll: {
    type: 'boolean',
    default: false,
    group: 'command',
    help: 'with rare flags, and all limits of the server',
    isFlagOnly: true,
  },
  version: {
    type: 'boolean',
    default: false,
    group: 'command',
    short: 'v',
    help: 'print the version',
    isFlagOnly: true,
  },
} as const;
