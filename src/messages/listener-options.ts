/**
 * The check of what a deployer passes to the bridges that make an application of a program for node:http.
 */
import type { ListenerOptions } from './serve-listener.ts';

/**
 * Checks the options.
 *
 * @throws TypeError if an option is unknown or has a value that it cannot have
 */
export function checkListenerOptions(options: ListenerOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`Options must be an object, not ${options}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (name !== 'joinDuplicateHeaders')
      throw new TypeError(`Option ${name} is unknown here; known is joinDuplicateHeaders`);
    if (typeof value !== 'boolean') {
      throw new TypeError(`Option ${name} has a value that it cannot have: ${JSON.stringify(value)}`);
    }
  }
}
