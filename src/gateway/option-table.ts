/**
 * Options as tables: one row for each option, from which its type, its default, its check and its documentation follow.
 *
 * A table is a constant beside the code that uses the options. The comment on a row is what editors show and what
 * `npm run docs` puts into the pages.
 */

/** Values of options, by the name that a row gives their type. */
export interface OptionTypes {
  boolean: boolean;
  /** 0 or more. */
  milliseconds: number;
  /** 0 or more. */
  octets: number;
  /** 0 or more. */
  count: number;
  object: object;
  /** Text that may be sent as a field value (RFC 9110 §5.5). */
  'field value': string;
  /** Visible ASCII. */
  name: string;
}

/** One option. */
export interface OptionRow {
  /** The name of a type, or all values that the option can have. */
  readonly type: keyof OptionTypes | readonly (string | boolean)[];
  readonly default?: unknown;
  /** The least number that is allowed, if not 0. */
  readonly least?: number;
  /** The greatest number that is allowed, if there is one. */
  readonly most?: number;
}

/** Options by name. */
export type OptionTable = Readonly<Record<string, OptionRow>>;

type ValueOf<Row extends OptionRow> = Row['type'] extends keyof OptionTypes
  ? OptionTypes[Row['type']]
  : Row['type'] extends readonly (infer Value)[]
    ? Value
    : never;

/** The options of a table as a deployer passes them. */
export type OptionsOf<Table extends OptionTable> = {
  readonly [Name in keyof Table]?: ValueOf<Table[Name]> | undefined;
};

/** The options of a table with all their values. */
export type SettingsOf<Table extends OptionTable> = {
  -readonly [Name in keyof Table]: ValueOf<Table[Name]>;
};

/** Gives the defaults of a table. */
export function defaultsOf<Table extends OptionTable>(table: Table): SettingsOf<Table> {
  const defaults = Object.entries(table).map(([name, row]) => [name, row.default]);
  // The rows of a table of settings have defaults of their types.
  return Object.fromEntries(defaults) as SettingsOf<Table>;
}
