/**
 * Types of option tables. The row of an option gives its type, its default, its check and its documentation.
 *
 * A table is a constant beside the code that uses the options. `npm run docs` copies the comment on each row into the
 * pages.
 */

/** The type of a value, by its name in a row. */
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
  /** The name of a type, or a list of the allowed values. */
  readonly type: keyof OptionTypes | readonly (string | boolean)[];
  readonly default?: unknown;
  /** The default is Infinity, which is no literal and so cannot stand in a table whose type is inferred. */
  readonly isUnlimited?: true;
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

/** The options of a table, all with values. */
export type SettingsOf<Table extends OptionTable> = {
  -readonly [Name in keyof Table]: ValueOf<Table[Name]>;
};

/** Gives the defaults of a table. */
export function defaultsOf<Table extends OptionTable>(table: Table): SettingsOf<Table> {
  const defaults = Object.entries(table).map(([name, row]) => [
    name,
    row.isUnlimited ? Number.POSITIVE_INFINITY : row.default,
  ]);
  // In a table of settings each row has a default of its own type.
  return Object.fromEntries(defaults) as SettingsOf<Table>;
}
