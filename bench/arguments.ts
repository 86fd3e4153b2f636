/** Parses the arguments of `npm run bench`. */
import { parseArgs } from 'node:util';
import { findCheckout } from './checkouts.ts';
import type { WarmUp } from './load.ts';
import type { Work } from './work.ts';
import { OTHER_WORK, WORK } from './work-table.ts';

/** The work and the server to profile. */
export interface Target {
  readonly work: Work;
  /** The name of a server. */
  readonly server: string;
}

export interface Settings {
  /** Versions of Node for the servers, from npm's package `node`; empty for the running one. */
  readonly nodes: readonly string[];
  /** Names of the work to measure; empty for all. */
  readonly only: readonly string[];
  /** The folder of a checkout to measure beside this one. */
  readonly against: string | undefined;
  /** The file that collects the figures of several runs. */
  readonly into: string | undefined;
  readonly rounds: number;
  /** Seconds that a server is measured in a round. */
  readonly seconds: number;
  /** Connections of the load. */
  readonly connections: number;
  /** When servers are warm. */
  readonly warmUps: readonly WarmUp[];
  /** The target of a CPU profile. */
  readonly profile: Target | undefined;
  /** The target of an allocation profile. */
  readonly allocations: Target | undefined;
  /** All work is measured, beside the peers and not with --quick: only such figures are published. */
  readonly isWhole: boolean;
  readonly list: boolean;
  readonly help: boolean;
}

/** As most published benchmarks have it. */
const CONNECTIONS = 32;

export const USAGE = `npm run bench -- [options]
  --only NAME,NAME     only this; --list tells the names
  --node V,V           on other versions of Node, from npm's package node, one after another
  --rounds N           rounds, each of all work (5)
  --seconds N          seconds that a server is measured in a round (3)
  --connections N      connections of the load (32)
  --warm-up WAY        only after 3 seconds under load, or only after 60,000 requests (both; with --against requests)
  --into FILE          adds the figures to those in a file, and writes the pages once it has all work
  --quick              3 rounds of 1 second, 5 with --against; writes nothing
  --against FOLDER     beside another checkout of gatebridge; writes nothing
  --profile NAME       where the time of a server goes: WORK, or WORK/SERVER
  --allocations NAME   what it allocates, for each request
  --list               names of work and servers`;

/** @throws TypeError or RangeError if an argument is invalid */
export function readArguments(argv: readonly string[]): Settings {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      node: { type: 'string' },
      only: { type: 'string' },
      against: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      connections: { type: 'string', default: String(CONNECTIONS) },
      into: { type: 'string' },
      'warm-up': { type: 'string' },
      quick: { type: 'boolean', default: false },
      profile: { type: 'string' },
      allocations: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const isQuick = values.quick;
  const isContest = values.against !== undefined;
  const isUsual = !isQuick && !isContest && values.connections === String(CONNECTIONS);
  if (values.into !== undefined && !isUsual)
    throw new TypeError('Option --into takes no figures of --quick, --against and --connections');
  return {
    nodes: values.node?.split(',') ?? [],
    only: values.only?.split(',').map(isContest ? comparable : known) ?? [],
    against: values.against === undefined ? undefined : findCheckout(values.against),
    // A ratio of two checkouts is close to 1, where fewer rounds tell nothing.
    into: values.into,
    rounds: count('rounds', values.rounds ?? (isQuick && !isContest ? '3' : '5')),
    seconds: count('seconds', values.seconds ?? (isQuick ? '1' : '3')),
    connections: count('connections', values.connections),
    warmUps: warmUps(values['warm-up'], isContest),
    profile: values.profile === undefined ? undefined : target(values.profile),
    allocations: values.allocations === undefined ? undefined : target(values.allocations),
    isWhole: values.only === undefined && values['warm-up'] === undefined && isUsual,
    list: values.list,
    help: values.help,
  };
}

/** Two checkouts are compared after one of them: the other would tell the same. */
function warmUps(value: string | undefined, isContest: boolean): WarmUp[] {
  if (value === undefined) return isContest ? ['requests'] : ['seconds', 'requests'];
  if (value === 'seconds' || value === 'requests') return [value];
  throw new RangeError(`Option --warm-up must be seconds or requests, not ${JSON.stringify(value)}`);
}

function count(name: string, value: string): number {
  if (/^[1-9]\d{0,3}$/.test(value)) return Number(value);
  throw new RangeError(`Option --${name} must be a number from 1 to 9999, not ${JSON.stringify(value)}`);
}

function known(name: string): string {
  const names: readonly string[] = [...WORK.map((work) => work.name), ...OTHER_WORK];
  if (names.includes(name)) return name;
  throw new RangeError(`No work is called ${JSON.stringify(name)}; there is ${names.join(', ')}`);
}

/** Two checkouts are compared by CPU time only. */
function comparable(name: string): string {
  if (OTHER_WORK.some((other) => other === name))
    throw new RangeError(`${name} is not measured with --against`);
  return known(name);
}

/** Ours is the second server of each work. */
function target(text: string): Target {
  const [name, wanted] = text.split('/');
  const work = WORK.find((candidate) => candidate.name === name);
  if (work === undefined) {
    const names = WORK.map((candidate) => candidate.name);
    throw new RangeError(`No work is called ${JSON.stringify(name)}; there is ${names.join(', ')}`);
  }
  const server = wanted ?? work.servers[1] ?? '';
  if (work.servers.includes(server)) return { work, server };
  throw new RangeError(`${name} has no server ${JSON.stringify(server)}; it has ${work.servers.join(', ')}`);
}
