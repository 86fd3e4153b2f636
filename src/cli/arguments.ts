/** Reads the arguments of the command. */
import { parseArgs } from 'node:util';
import { likelyName } from '../gateway/likely-name.ts';
import type { FlagRow } from './command-options.ts';
import { CommandError } from './exit-codes.ts';
import { FLAGS, flagOf } from './flags.ts';
import { MEANT } from './flags-elsewhere.ts';
import { parseCount, parseMode, parseSize, parseTime } from './units.ts';

/** The read arguments. */
export interface Arguments {
  readonly positionals: readonly string[];
  /** Values by the names of options. */
  readonly values: Readonly<Record<string, unknown>>;
  /** What may be meant otherwise. */
  readonly hints?: readonly string[] | undefined;
}

/**
 * Reads arguments with the flags of a table.
 *
 * @param argv Without node and the script
 * @throws {@link CommandError} for an unknown flag, or a value that a flag cannot have
 */
export function parseArguments(
  argv: readonly string[],
  rows: Readonly<Record<string, FlagRow>> = FLAGS,
): Arguments {
  const names = new Map(Object.keys(rows).map((name) => [flagOf(name).slice(2), name]));
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      Object.entries(rows).map(([name, row]) => [flagOf(name).slice(2), settingOf(row)]),
    ),
    allowPositionals: true,
    // Its own errors cannot say what was meant.
    strict: false,
    tokens: true,
  });
  const positionals: string[] = [];
  const values: Record<string, unknown> = {};
  const hints: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const flag = token.rawName;
    const isNegated = token.name.startsWith('no-') && !names.has(token.name);
    const name = names.get(isNegated ? token.name.slice(3) : token.name);
    const row = name === undefined ? undefined : rows[name];
    if (name === undefined || row === undefined || (isNegated && row.type !== 'boolean'))
      throw unknownFlag(flag, rows);
    if (row.type === 'boolean') {
      if (token.value !== undefined)
        throw new CommandError('usage', `${flag} takes no value, and has ${quote(token.value)}`);
      values[name] = !isNegated;
      continue;
    }
    if (token.value === undefined || token.value === '')
      throw new CommandError('usage', `${flag} needs a value: ${flag} ${row.value ?? 'VALUE'}`);
    const value = readValue(flag, token.value, row);
    // Repeated flags add to a list; of others the last one counts, as everywhere.
    values[name] = Array.isArray(value) ? [...listOf(values[name]), ...value] : value;
    if (row.type === 'milliseconds' && mayBeSeconds(token.value, row))
      hints.push(
        `${flag} ${token.value} is ${token.value} milliseconds; for seconds write ${flag} ${token.value}s`,
      );
  }
  return { positionals, values, hints: hints.length > 0 ? hints : undefined };
}

/** The flags of gunicorn and uvicorn take seconds. */
function mayBeSeconds(text: string, { default: usual }: FlagRow): boolean {
  const isLong = typeof usual === 'number' && usual >= 1_000;
  return /^\d+$/.test(text) && Number(text) > 0 && Number(text) < (isLong ? 1_000 : 100);
}

function settingOf(row: FlagRow): { type: 'boolean' | 'string'; short?: string } {
  return {
    type: row.type === 'boolean' ? 'boolean' : 'string',
    ...(row.short !== undefined && { short: row.short }),
  };
}

/**
 * Reads the value of an option from text.
 *
 * @param source The flag or variable, for the error
 * @throws {@link CommandError} if the option cannot have it
 */
export function readValue(source: string, text: string, row: FlagRow): unknown {
  const { type } = row;
  if (typeof type !== 'string') {
    if (type.includes(text)) return text;
    const known = type.map(String);
    const near = known.find((value) => value.startsWith(text)) ?? likelyName(text, known, {});
    const cure = near === undefined ? undefined : `Did you mean ${near}?`;
    throw new CommandError('usage', `${source} must be one of ${type.join(', ')}, not ${quote(text)}`, {
      cure,
    });
  }
  const reader = READERS[type];
  if (reader === undefined) return text;
  const value = reader.read(text);
  if (value === undefined)
    throw new CommandError('usage', `${source} must be ${reader.expected}, not ${quote(text)}`);
  const { least = 0 } = row;
  if (typeof value === 'number' && value < least)
    throw new CommandError('usage', `${source} must be ${least} or more, not ${quote(text)}`);
  return value;
}

interface Reader {
  readonly expected: string;
  read(text: string): unknown;
}

const READERS: Readonly<Record<string, Reader>> = {
  boolean: { expected: '1 or 0', read: (text) => SWITCHES[text.toLowerCase()] },
  milliseconds: { expected: 'a time such as 30s, 500ms or 5m', read: parseTime },
  octets: { expected: 'a size such as 16k, 1m or 1g', read: parseSize },
  count: { expected: 'a number', read: parseCount },
  'count or auto': {
    expected: 'a number or auto',
    read: (text) => (text === 'auto' ? text : /^\d+$/.test(text) ? Number(text) : undefined),
  },
  port: {
    expected: 'a port from 0 to 65535',
    read: (text) => (/^\d+$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined),
  },
  lines: { expected: 'text', read: (text) => [text] },
  mode: { expected: 'three octal digits such as 660', read: parseMode },
  names: {
    expected: 'a list',
    read: (text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter(Boolean),
  },
};

const SWITCHES: Readonly<Record<string, boolean>> = { 1: true, true: true, 0: false, false: false };

function unknownFlag(flag: string, rows: Readonly<Record<string, FlagRow>>): CommandError {
  const known = Object.keys(rows).map(flagOf);
  const meant = likelyName(flag, known, MEANT);
  const cure = meant === undefined ? 'gatebridge --help lists the flags.' : `Did you mean ${meant}?`;
  return new CommandError('usage', `Unknown flag ${flag}`, { cure });
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function quote(text: string): string {
  return JSON.stringify(text);
}
