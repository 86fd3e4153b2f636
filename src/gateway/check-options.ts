/** Checks options at the call, before the first request. */
import { describe } from './describe.ts';
import { ENVIRON_OPTIONS } from './environ.ts';
import { isEnvironOption } from './environ-pairs.ts';
import { GATEWAY_OPTIONS } from './gateway-options.ts';
import { isFieldValue, isToken } from './headers.ts';
import { likelyName, type Synonyms } from './likely-name.ts';
import { isEventServer, type OptionRow, type OptionTypes } from './option-table.ts';

/** Rules by option name: a row of an option table, or a function that tells if a value is valid. */
export type OptionRules = Readonly<Record<string, OptionRow | ((value: unknown) => boolean)>>;

/**
 * Checks the options of a host: the options of `createEnviron` and `runApplication`, and the host's own.
 *
 * A missing or undefined option is valid.
 *
 * @param options The options that a deployer passed
 * @param own Rules for the host's own options
 * @param unknown Refuse or ignore an unknown option
 * @throws TypeError if a value has the wrong type, or if an option is unknown
 * @throws RangeError if a number is out of range
 * @example
 * checkGatewayOptions({ strict: true, greeting: 'Hello' }, { greeting: (value) => typeof value === 'string' });
 */
export function checkGatewayOptions(
  options: object,
  own: OptionRules = {},
  unknown: 'refuse' | 'ignore' = 'refuse',
): void {
  checkOptions(options, { ...own, ...ENVIRON_OPTIONS, ...GATEWAY_OPTIONS }, { unknown });
}

/** Options of `checkOptions`. */
export interface OptionCheck {
  /** Refuse or ignore an unknown option. @default 'refuse' */
  readonly unknown?: 'refuse' | 'ignore';
  /** The option that the error suggests if a number or a string was passed instead of options. */
  readonly likely?: string;
  /** The cure that the error tells if a function was passed instead of options. */
  readonly insteadOfFunction?: string;
  /** Names that people know from elsewhere, with the options that they mean. */
  readonly meant?: Synonyms;
}

/**
 * Checks options against rules.
 *
 * @throws TypeError if a value has the wrong type, or if an option is unknown
 * @throws RangeError if a number is out of range
 */
export function checkOptions(
  options: object,
  rules: OptionRules,
  { unknown = 'refuse', likely, insteadOfFunction, meant = {} }: OptionCheck = {},
): void {
  // Callers in JavaScript may pass anything.
  if (typeof options !== 'object' || options === null) throw noOptions(options, likely, insteadOfFunction);
  for (const [name, rule] of Object.entries(rules)) {
    // Inherited options count too: a deployer may pass an instance of a class.
    const value: unknown = Reflect.get(options, name);
    if (value !== undefined) checkOption(name, value, rule);
  }
  if (unknown === 'ignore') return;
  for (const name of unknownOptions(options, rules)) {
    const known = Object.keys(rules);
    const likelyOne = likelyName(name, known, meant);
    const hint = likelyOne === undefined ? '' : `; did you mean ${likelyOne}?`;
    throw wrong(
      'ERR_INVALID_ARG_VALUE',
      `Option ${name} is unknown here; known are ${known.join(', ')}${hint}`,
    );
  }
}

/** Gives the names of options for which there is no rule. A value of undefined is no option. */
export function unknownOptions(options: object, rules: Readonly<Record<string, unknown>>): string[] {
  const names = Object.entries(options).filter(([, value]) => value !== undefined);
  return names.map(([name]) => name).filter((name) => !Object.hasOwn(rules, name));
}

function noOptions(options: unknown, likely?: string, insteadOfFunction?: string): TypeError {
  const isValue = typeof options === 'number' || typeof options === 'string';
  if (isValue && likely !== undefined) {
    const example = `{ ${likely}: ${JSON.stringify(options)} }`;
    return wrong('ERR_INVALID_ARG_TYPE', `Options must be an object such as ${example}`);
  }
  const isFunction = typeof options === 'function';
  const cure = isFunction && insteadOfFunction !== undefined ? `; ${insteadOfFunction}` : '';
  return wrong(
    'ERR_INVALID_ARG_TYPE',
    `Options must be an object, not ${isFunction ? 'a function' : options}${cure}`,
  );
}

/**
 * Checks the value of one option. Errors have node's codes, by which programs tell them apart.
 *
 * @throws TypeError if the value has the wrong type
 * @throws RangeError if a number is out of range
 */
export function checkOption(name: string, value: unknown, rule: OptionRules[string]): void {
  if (typeof rule === 'function') {
    if (rule(value)) return;
    const message = `Option ${name} has a value that it cannot have: ${show(value)}`;
    throw wrong('ERR_INVALID_ARG_VALUE', message);
  }
  const { type, example, least = 0, most = type === 'port' ? MAX_PORT : Number.POSITIVE_INFINITY } = rule;
  if (typeof type !== 'string') {
    if (type.some((one) => one === value)) return;
    const message = `Option ${name} must be ${listValues(type)}, not ${show(value)}`;
    throw wrong('ERR_INVALID_ARG_VALUE', message);
  }
  const { isValid, expected } = CHECKS[type];
  if (!isValid(value)) {
    const wanted = example === undefined ? expected : `${expected} such as ${example}`;
    const odd =
      type === 'names' && Array.isArray(value) ? value.find((one) => typeof one !== 'string') : undefined;
    const found = odd === undefined ? show(value) : `a list with ${show(odd)}`;
    throw wrong('ERR_INVALID_ARG_TYPE', `Option ${name} must be ${wanted}, not ${found}`);
  }
  const number = type === 'port' ? Number(value) : value;
  if (typeof number === 'number' && !(number >= least && number <= most)) {
    const range = most === Number.POSITIVE_INFINITY ? `${least} or more` : `from ${least} to ${most}`;
    throw outOfRange(`Option ${name} must be ${range}, not ${value}`);
  }
}

const MAX_PORT = 65_535;

/** Makes the error of a number that an option cannot have. */
export function outOfRange(message: string): RangeError {
  return Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' });
}

function wrong(code: 'ERR_INVALID_ARG_TYPE' | 'ERR_INVALID_ARG_VALUE', message: string): TypeError {
  return Object.assign(new TypeError(message), { code });
}

interface Check {
  readonly expected: string;
  isValid(value: unknown): boolean;
}

const isNumber = (value: unknown): boolean => typeof value === 'number';

const isListOfTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.every((text) => typeof text === 'string');

const CHECKS: Readonly<Record<keyof OptionTypes, Check>> = {
  boolean: { expected: 'true or false', isValid: (value) => typeof value === 'boolean' },
  milliseconds: { expected: 'a number of milliseconds', isValid: isNumber },
  octets: { expected: 'a number of octets', isValid: isNumber },
  count: { expected: 'a number', isValid: isNumber },
  port: {
    expected: 'a port number from 0 to 65535',
    isValid: (value) => (typeof value === 'string' ? /^[0-9]+$/.test(value) : Number.isInteger(value)),
  },
  'count or auto': {
    expected: "a number or 'auto'",
    isValid: (value) => value === 'auto' || isNumber(value),
  },
  mode: {
    expected: 'permissions such as 0o660',
    isValid: (value) => Number.isInteger(value) && Number(value) <= 0o777,
  },
  object: {
    expected: 'an object',
    isValid: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  },
  'environ pairs': {
    expected: 'an object, or a function of the environ that gives one',
    isValid: isEnvironOption,
  },
  function: { expected: 'a function', isValid: (value) => typeof value === 'function' },
  names: { expected: 'a list of names', isValid: isListOfTexts },
  lines: { expected: 'a list of lines', isValid: isListOfTexts },
  statuses: {
    expected: 'a list of status codes',
    isValid: (value) =>
      Array.isArray(value) && value.every((code) => typeof code === 'number' && code >= 200 && code <= 999),
  },
  text: { expected: 'text', isValid: (value) => typeof value === 'string' },
  'field name': {
    expected: 'the name of a field',
    isValid: (value) => typeof value === 'string' && isToken(value),
  },
  'field value or false': {
    expected: 'false, or text without control characters and characters above U+00FF',
    isValid: (value) => value === false || (typeof value === 'string' && isFieldValue(value)),
  },
  server: { expected: 'a server of node:http', isValid: isEventServer },
  // `toApplication` says more.
  application: { expected: 'an application', isValid: (value) => Object(value) === value },
  'field value': {
    expected: 'text without control characters and characters above U+00FF',
    isValid: (value) => typeof value === 'string' && isFieldValue(value),
  },
  name: {
    expected: 'text of visible ASCII characters',
    isValid: (value) => typeof value === 'string' && /^[\x21-\x7e]+$/.test(value),
  },
};

function listValues(values: readonly unknown[]): string {
  const shown = values.map(show);
  return shown.length === 1 ? `${shown[0]}` : `${shown.slice(0, -1).join(', ')} or ${shown.at(-1)}`;
}

function show(value: unknown): string {
  if (typeof value === 'object' || typeof value === 'function') return describe(value);
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
