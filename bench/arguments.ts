/** What `npm run bench` was told. */
import { parseArgs } from 'node:util';

export interface Settings {
  /** The version of Node that serves, as npm's package `node` counts; the one that runs this if there is none. */
  readonly node: string | undefined;
  /** The names of what is measured; all if there are none. */
  readonly only: readonly string[];
  readonly rounds: number;
  /** How long one server is measured in one round. */
  readonly seconds: number;
  /** How long it is loaded before. */
  readonly warmUp: number;
  /** `WORK` or `WORK/SERVER`, to show where the time goes instead of measuring. */
  readonly profile: string | undefined;
  /** The same for allocations. */
  readonly allocations: string | undefined;
  /** Whether the figures are put down: not those of a part, or of a glance. */
  readonly isWhole: boolean;
  readonly help: boolean;
}

export const USAGE = `npm run bench -- [options]
  --only NAME,NAME     only this work; --list tells the names
  --node VERSION       on another version of Node, from npm's package node
  --rounds N           rounds, each of all servers in turn (5)
  --seconds N          seconds that a server is measured in a round (3)
  --quick              3 rounds of 1 second; writes nothing
  --profile NAME       where the time of a server goes: WORK, or WORK/SERVER
  --allocations NAME   what it allocates, for each request
  --list               names of work and servers`;

/** @throws TypeError or RangeError if they make no sense */
export function readArguments(argv: readonly string[]): Settings & { readonly list: boolean } {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      node: { type: 'string' },
      only: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      profile: { type: 'string' },
      allocations: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const isQuick = values.quick;
  return {
    node: values.node,
    only: values.only?.split(',') ?? [],
    rounds: positive('rounds', values.rounds ?? (isQuick ? '3' : '5')),
    seconds: positive('seconds', values.seconds ?? (isQuick ? '1' : '3')),
    warmUp: isQuick ? 1 : 2,
    profile: values.profile,
    allocations: values.allocations,
    isWhole: values.only === undefined && !isQuick,
    list: values.list,
    help: values.help,
  };
}

function positive(name: string, value: string): number {
  const number = Number(value);
  if (!(number > 0)) throw new RangeError(`Option --${name} must be more than 0, not ${value}`);
  return number;
}
