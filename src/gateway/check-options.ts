/**
 * The check of what a deployer passes to a host: a wrong value throws where it is passed, and not with the first
 * request, or never.
 *
 * What every host can be told stands here once; what only one can be told, that one brings as rules.
 */

/** What values options may have, by name. An option that is left out, or undefined, is right. */
export type OptionRules = Readonly<Record<string, (value: unknown) => boolean>>;

/**
 * Checks the options of a host: those of `createEnviron` and `runApplication`, and its own.
 *
 * @param options What the deployer passed
 * @param own The rules of the host for options of its own
 * @param unknown What becomes of options that neither knows
 * @throws TypeError if a value is none that the option can have, or if an option is unknown
 * @throws RangeError if a number of milliseconds is negative or not a number
 * @example
 * checkGatewayOptions({ strict: true, greeting: 'Hello' }, { greeting: (value) => typeof value === 'string' });
 */
export function checkGatewayOptions(
  options: object,
  own: OptionRules = {},
  unknown: 'refuse' | 'ignore' = 'refuse',
): void {
  // JavaScript passes anything, whatever the type says.
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`Options must be an object, not ${options}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const isValid = RULES.get(name) ?? (Object.hasOwn(own, name) ? own[name] : undefined);
    if (isValid === undefined) {
      if (unknown === 'ignore') continue;
      throw new TypeError(
        `Option ${name} is unknown here; known are ${[...RULES.keys(), ...Object.keys(own)].join(', ')}`,
      );
    }
    if (!isValid(value)) {
      throw new TypeError(`Option ${name} has a value that it cannot have: ${JSON.stringify(value)}`);
    }
    if (name === 'closeTimeout' && !(Number(value) >= 0)) {
      throw new RangeError(`Option closeTimeout must be 0 or more, not ${value}`);
    }
  }
}

/** What {@link EnvironOptions} and {@link GatewayOptions} can be. */
const RULES: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ['environ', (value) => typeof value === 'object' && value !== null && !Array.isArray(value)],
  ['underscoreHeaders', (value) => value === 'drop' || value === 'refuse' || value === 'allow'],
  ['hopByHop', (value) => value === 'error' || value === 'drop'],
  ['closeTimeout', (value) => typeof value === 'number'],
  ['strict', (value) => typeof value === 'boolean'],
  ['exposeErrors', (value) => typeof value === 'boolean'],
]);
