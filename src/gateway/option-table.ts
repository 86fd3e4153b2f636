/**
 * Types of option tables. The row of an option gives its type, its default, its check and its documentation.
 *
 * A table is a constant beside the code that uses the options. `npm run docs` copies the comment on each row into the
 * pages.
 */

import type { Application } from '../wsgi.ts';
import type { EnvironOption } from './environ-pairs.ts';

/** The type of a value, by its name in a row. */
export interface OptionTypes {
  boolean: boolean;
  /** 0 or more. */
  milliseconds: number;
  /** 0 or more. */
  octets: number;
  /** 0 or more. */
  count: number;
  /** From 0 to 65535. A string of digits is one too, as environment variables are. */
  port: number | string;
  /** The number of something, or as many as fit. */
  'count or auto': number | 'auto';
  /** Permissions of a file, from 0 to 0o777. */
  mode: number;
  object: object;
  /** Keys of an environ, or a function of the environ that gives them. */
  'environ pairs': EnvironOption;
  /** A function or a class. */
  function: (...values: never[]) => unknown;
  names: readonly string[];
  /** Texts that may have commas in them. */
  lines: readonly string[];
  /** Status codes of HTTP. */
  statuses: readonly number[];
  text: string;
  /** A token (RFC 9110 §5.6.2). */
  'field name': string;
  /** False leaves the field out. */
  'field value or false': string | false;
  /** In any of its three forms. */
  application: Application;
  /** A server of node:http, or another emitter of its events. */
  server: EventServer;
  /** Text that may be sent as a field value (RFC 9110 §5.5). */
  'field value': string;
  /** Visible ASCII. */
  name: string;
}

/** The used part of a server of node:http. */
export interface EventServer {
  emit(event: string, ...values: never[]): boolean;
  listenerCount(event: string): number;
  listeners(event: string): readonly unknown[];
  // Newer versions of @types/node, such as 26, overload it with listeners of `any[]`, which never[] does not accept.
  on(event: string, listener: (...values: unknown[]) => void): unknown;
}

/** Tells if a value is a server, or another emitter of events. An Express app emits events too, and is a function. */
export function isEventServer(value: unknown): value is EventServer {
  if (typeof value !== 'object') return false;
  // Read as any caller in JavaScript may pass it.
  const { emit, listenerCount, listeners, on } = Object(value) as Partial<EventServer>;
  return [emit, listenerCount, listeners, on].every((method) => typeof method === 'function');
}

/** One option. */
export interface OptionRow {
  /** The name of a type, or a list of the allowed values. */
  readonly type: keyof OptionTypes | readonly (string | boolean)[];
  readonly default?: unknown;
  /** The default is Infinity, which is no literal and so cannot stand in a table whose type is inferred. */
  readonly isUnlimited?: true;
  /** A valid value, for the error about another. */
  readonly example?: string;
  /** The least allowed number. @default 0 */
  readonly least?: number;
  /** The greatest allowed number. @default Infinity */
  readonly most?: number;
}

/** Rows by option name. */
export type OptionTable = Readonly<Record<string, OptionRow>>;

type ValueOf<Row extends OptionRow> = Row['type'] extends keyof OptionTypes
  ? OptionTypes[Row['type']]
  : Row['type'] extends readonly (infer Value)[]
    ? Value
    : never;

/** The options of a table, all optional, as a deployer passes them. */
export type OptionsOf<Table extends OptionTable> = {
  readonly [Name in keyof Table]?: ValueOf<Table[Name]> | undefined;
};

type HasDefault = { readonly default: unknown } | { readonly isUnlimited: true };

/** The options of a table with their values. One without a default may be undefined. */
export type SettingsOf<Table extends OptionTable> = {
  -readonly [Name in keyof Table]:
    | ValueOf<Table[Name]>
    | (Table[Name] extends HasDefault ? never : undefined);
};

/**
 * Gives the value of each option of a table: the one that was passed, or the default if that is missing or undefined.
 *
 * @param options Checked options; those of other tables are left out
 */
export function settingsOf<Table extends OptionTable>(
  table: Table,
  options: OptionsOf<Table> = {},
): SettingsOf<Table> {
  const values = Object.entries(table).map(([name, row]) => [name, options[name] ?? defaultOf(row)]);
  // Each value is the checked one that was passed, or the default of the row.
  return Object.fromEntries(values) as SettingsOf<Table>;
}

function defaultOf(row: OptionRow): unknown {
  return row.isUnlimited ? Number.POSITIVE_INFINITY : row.default;
}
