/**
 * Puts the settings of the command together: flags win over the environment, the environment over the config file, the file
 * over defaults.
 */
import { existsSync } from 'node:fs';
import net from 'node:net';
import { availableParallelism } from 'node:os';
import { isAbsolute, resolve } from 'node:path';
import { type OptionRow, type SettingsOf, settingsOf } from '../gateway/option-table.ts';
import { addressTest } from '../gateway/trusted-addresses.ts';
import type { ServerOptions } from '../server/index.ts';
import { type Address, DEFAULT_PORT, parseAddress, tcpAddress } from './address.ts';
import { type Arguments, readValue } from './arguments.ts';
import { COMMAND_OPTIONS } from './command-options.ts';
import type { ConfigFile } from './config-file.ts';
import { CommandError } from './exit-codes.ts';
import { FLAGS, FLAGS_OF_SERVER, flagOf } from './flags.ts';

/** The settings of one run. */
export interface Settings extends Omit<SettingsOf<typeof COMMAND_OPTIONS>, 'bind' | 'workers' | 'validate'> {
  /** The module of the application, and its export. */
  readonly app: string;
  /** The folder that paths are relative to. */
  readonly folder: string;
  readonly addresses: readonly Address[];
  readonly workers: number;
  readonly validate: boolean;
  /** Options of `createServer`. */
  readonly server: ServerOptions;
  /** The variables of environment files. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** The source of each option that is not its default: a flag, a variable, the file. */
  readonly sources: ReadonlyMap<string, string>;
  /** What may be meant otherwise, for the log. */
  readonly hints: readonly string[];
}

/** The places that settings come from. */
export interface Places {
  readonly arguments: Arguments;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The part of it that environment files give. */
  readonly variables?: Settings['variables'];
  readonly file: ConfigFile | undefined;
  readonly folder: string;
}

/**
 * Gives the settings.
 *
 * @throws {@link CommandError} if a variable is wrong, or options contradict each other
 */
export function resolveSettings(places: Places): Settings {
  const { file, folder } = places;
  const values: Record<string, unknown> = {};
  const sources = new Map<string, string>();
  const take = (found: Readonly<Record<string, unknown>>, sourceOf: (name: string) => string): void => {
    for (const [name, value] of Object.entries(found)) {
      if (value === undefined) continue;
      values[name] = value;
      sources.set(name, sourceOf(name));
    }
  };
  if (file !== undefined) take({ ...file.config }, () => file.path);
  take(fromEnvironment(places.environment), (name) => FLAGS[name]?.env ?? name);
  take(places.arguments.values, flagOf);

  // Each value was checked where it was read.
  const settings = settingsOf(COMMAND_OPTIONS, values as never);
  const given = typedServerOptions(values);
  const app = appOf(places, values);
  const isBoundByHost = sources.has('host') || sources.has('port');
  const isUnbound = settings.bind === undefined && !isBoundByHost;
  const passed = isUnbound ? passedBySystem(places.environment) : [];
  const addresses = passed.length > 0 ? passed : chooseAddresses(settings, { sources, isBoundByHost });
  const { cert, key } = settings;
  if ((cert === undefined) !== (key === undefined)) {
    throw new CommandError(
      'usage',
      `--${cert === undefined ? 'key' : 'cert'} needs --${cert === undefined ? 'cert' : 'key'} too`,
    );
  }
  for (const path of [cert, key]) {
    if (path !== undefined && !existsSync(resolve(folder, path)))
      throw new CommandError('usage', `File ${path} does not exist`);
  }
  if (settings.reusePort) checkReusePort(addresses);
  if (settings.rootPath !== undefined && !/^\/.*[^/]$/.test(settings.rootPath)) {
    throw new CommandError(
      'usage',
      `--root-path must be a path such as /shop, not ${JSON.stringify(settings.rootPath)}`,
    );
  }
  checkProxies(settings.forwardedAllowIps, sources);
  return {
    ...settings,
    app,
    folder,
    addresses,
    workers: settings.workers === 'auto' ? availableParallelism() : settings.workers,
    validate: settings.validate ?? settings.reload,
    // Who develops does not wait for a stream of events that never ends.
    gracefulTimeout:
      settings.reload && !sources.has('gracefulTimeout') ? RELOAD_TIMEOUT : settings.gracefulTimeout,
    server: { ...file?.config.server, ...given },
    variables: places.variables ?? {},
    sources,
    hints: places.arguments.hints ?? [],
  };
}

/** Node 20 has no such option, and each worker would get another free port. */
function checkReusePort(addresses: readonly Address[]): void {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 22 || (major === 22 && minor < 12) || (major === 23 && minor < 1))
    throw new CommandError(
      'usage',
      `--reuse-port needs Node 22.12 or later, and this is ${process.versions.node}`,
    );
  if (addresses.some((address) => address.kind !== 'tcp' || address.port === 0))
    throw new CommandError('usage', '--reuse-port needs a host and a port: every worker binds them');
}

/** The list of trusted proxies is checked here, where its source is known. */
function checkProxies(list: readonly string[] | undefined, sources: ReadonlyMap<string, string>): void {
  for (const entry of list ?? []) {
    try {
      if (entry !== '*') addressTest([entry], net);
    } catch {
      throw new CommandError(
        'usage',
        `${sources.get('forwardedAllowIps')} has ${JSON.stringify(entry)}, which is no address`,
        {
          cure: 'It takes addresses, subnets such as 10.0.0.0/8, loopback, linklocal, uniquelocal, unix, and * for everybody.',
        },
      );
    }
  }
}

/** Milliseconds for answers in flight with `--reload`. */
const RELOAD_TIMEOUT = 2_000;

/** Picks the options of the server. */
function typedServerOptions(values: Readonly<Record<string, unknown>>): ServerOptions {
  const names = Object.keys(FLAGS_OF_SERVER).filter((name) => values[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, values[name]]));
}

function appOf(
  { arguments: { positionals }, file, folder }: Places,
  values: Readonly<Record<string, unknown>>,
): string {
  const [named, ...more] = positionals;
  if (more.length > 0) {
    throw new CommandError(
      'usage',
      `One application is served, and ${positionals.length} are named: ${positionals.join(' ')}`,
      {
        cure: 'dispatch() of gatebridge/middleware serves several below their paths.',
      },
    );
  }
  if (named !== undefined) return named;
  // Checked with the file.
  if (typeof values.app === 'string') return values.app;
  const place = file === undefined ? 'a gatebridge.config.ts' : `app in ${file.path}`;
  throw new CommandError('usage', `No application is named in ${folder}`, {
    cure: `gatebridge app.ts:app, or ${place}; gatebridge --help says more.`,
  });
}

function fromEnvironment(environment: Places['environment']): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(FLAGS)) {
    const text = row.env === undefined ? undefined : environment[row.env];
    if (row.env === undefined || text === undefined || text === '') continue;
    values[name] = readValue(`The environment variable ${row.env}`, text, row);
  }
  return values;
}

interface Binding {
  readonly sources: ReadonlyMap<string, string>;
  readonly isBoundByHost: boolean;
}

/** Sockets that systemd has opened for this process (sd_listen_fds(3)). */
function passedBySystem({ LISTEN_PID, LISTEN_FDS }: Places['environment']): Address[] {
  if (LISTEN_PID !== String(process.pid)) return [];
  return Array.from({ length: Number(LISTEN_FDS) || 0 }, (_, index) => parseAddress(`fd:${index + 3}`));
}

/** `--bind` and `--host` with `--port` are two ways of one thing; the stronger source wins. */
function chooseAddresses(
  { bind, host, port }: Pick<SettingsOf<typeof COMMAND_OPTIONS>, 'bind' | 'host' | 'port'>,
  { sources, isBoundByHost }: Binding,
): readonly Address[] {
  const isFlag = (name: string): boolean => sources.get(name)?.startsWith('--') === true;
  if (isFlag('bind') && (isFlag('host') || isFlag('port'))) {
    throw new CommandError('usage', '--bind goes without --host and --port', {
      cure: 'Repeat --bind for several addresses.',
    });
  }
  const isHostStronger =
    isFlag('host') || isFlag('port') || (isBoundByHost && !isFlag('bind') && bind === undefined);
  const isVariableStronger =
    isBoundByHost && !isFlag('bind') && (sources.get('port') === 'PORT' || sources.get('host') === 'HOST');
  if (bind !== undefined && bind.length > 0 && !isHostStronger && !isVariableStronger)
    return bind.map(parseAddress);
  // Platforms that give PORT send their requests from outside.
  const usual = sources.get('port') === 'PORT' ? '0.0.0.0' : '127.0.0.1';
  return [tcpAddress(host ?? usual, Number(port ?? DEFAULT_PORT))];
}

/** Gives the absolute path of a file that settings name. */
export function pathOf({ folder }: Pick<Settings, 'folder'>, path: string): string {
  return isAbsolute(path) ? path : resolve(folder, path);
}

/** Lists options, values and sources for `--print-config`. */
export function describeSettings(settings: Settings): string {
  const rows: [name: string, value: unknown, source: string][] = [
    ['app', settings.app, settings.sources.get('app') ?? 'argument'],
    ['bind', settings.addresses.map(({ text }) => text), sourceOfAddress(settings.sources)],
  ];
  for (const [name, row] of Object.entries<OptionRow>({ ...COMMAND_OPTIONS, ...FLAGS_OF_SERVER })) {
    if (FLAGS[name]?.isFlagOnly || ['bind', 'host', 'port'].includes(name)) continue;
    const value: unknown = Object.hasOwn(settings, name)
      ? Reflect.get(settings, name)
      : Reflect.get(settings.server, name);
    rows.push([name, value ?? row.default, settings.sources.get(name) ?? 'default']);
  }
  const shown = rows.map(([name, value, source]) => [name, show(value), source] as const);
  const width = Math.max(...shown.map(([name]) => name.length));
  const wide = Math.min(40, Math.max(...shown.map(([, value]) => value.length)));
  return shown
    .map(([name, value, source]) => `${name.padEnd(width)}  ${value.padEnd(wide)}  ${source}`.trimEnd())
    .join('\n');
}

function sourceOfAddress(sources: ReadonlyMap<string, string>): string {
  return (
    ['bind', 'port', 'host'].map((name) => sources.get(name)).find((source) => source !== undefined) ??
    'default'
  );
}

function show(value: unknown): string {
  if (value === undefined) return '-';
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
}
