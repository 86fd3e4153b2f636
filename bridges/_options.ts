/**
 * The check of what a deployer passes to the bridges that mount an application: a wrong value throws where it is
 * passed, and not with the first request, or never.
 */
import type { MountOptions } from './_serve.ts';

/**
 * Checks the options that all of these bridges have.
 *
 * @throws TypeError if a value is none that the option can have
 * @throws RangeError if a number of milliseconds is negative or not a number
 */
export function checkMountOptions(options: MountOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`Options must be an object, not ${options}`);
  }
  const { environ, underscoreHeaders, hopByHop, closeTimeout } = options;
  checkOption('environ', environ, typeof environ === 'object' && environ !== null && !Array.isArray(environ));
  const isKnown = underscoreHeaders === 'drop' || underscoreHeaders === 'refuse';
  checkOption('underscoreHeaders', underscoreHeaders, isKnown || underscoreHeaders === 'allow');
  checkOption('hopByHop', hopByHop, hopByHop === 'error' || hopByHop === 'drop');
  checkOption('closeTimeout', closeTimeout, typeof closeTimeout === 'number');
  if (closeTimeout !== undefined && !(closeTimeout >= 0)) {
    throw new RangeError(`Option closeTimeout must be 0 or more, not ${closeTimeout}`);
  }
  for (const name of ['strict', 'exposeErrors'] as const) {
    checkOption(name, options[name], typeof options[name] === 'boolean');
  }
}

/**
 * Checks one option; one that is left out is right.
 *
 * @throws TypeError unless it is valid
 */
export function checkOption(name: string, value: unknown, isValid: boolean): void {
  if (value !== undefined && !isValid) {
    throw new TypeError(`Option ${name} has a value that it cannot have: ${JSON.stringify(value)}`);
  }
}
