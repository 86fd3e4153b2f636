/**
 * Checks the private methods that src/messages needs, when the first program is wrapped: without them none can be.
 * Node has had all of them since 0.10.
 */
import { IncomingMessage, OutgoingMessage } from 'node:http';

const REQUEST_METHODS = ['_addHeaderLines', '_dump'] as const;
const RESPONSE_METHODS = ['_storeHeader', '_send', '_writeRaw', '_finish'] as const;

let areChecked = false;

/**
 * Checks that this Node has the methods.
 *
 * @throws Error that names the version of Node and the missing methods
 */
export function checkMessageMethods(): void {
  if (areChecked) return;
  const missing = [
    ...REQUEST_METHODS.filter((name) => !hasMethod(IncomingMessage.prototype, name)),
    ...RESPONSE_METHODS.filter((name) => !hasMethod(OutgoingMessage.prototype, name)),
  ];
  if (missing.length > 0) {
    throw new Error(
      `gatebridge cannot wrap programs on Node ${process.version}: its messages have no ${missing.join(', ')}`,
    );
  }
  areChecked = true;
}

function hasMethod(prototype: object, name: string): boolean {
  return typeof Reflect.get(prototype, name) === 'function';
}
