/**
 * The errors that node makes, for programs that were written for node:http and look at them.
 *
 * They are no errors of this package: code and message are node's (checked on Node 20 to 26).
 */

/**
 * Makes an error as node:http does: an Error with a code.
 *
 * @param code Node's code
 * @param message Node's message
 */
export function nodeError(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}

/** The error of a request whose connection was lost. */
export function connectionReset(): NodeJS.ErrnoException {
  return nodeError('ECONNRESET', 'aborted');
}

/** The error that a write gets when the response is gone. */
export function streamDestroyed(): NodeJS.ErrnoException {
  return nodeError('ERR_STREAM_DESTROYED', 'Cannot call write after a stream was destroyed');
}

/**
 * Checks the milliseconds of a time-out as net.Socket does.
 *
 * @throws TypeError or RangeError with node's codes
 */
export function checkDuration(milliseconds: unknown): void {
  if (typeof milliseconds !== 'number') {
    const message = `The "msecs" argument must be of type number. Received ${receivedValue(milliseconds)}`;
    throw Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  if (milliseconds >= 0 && milliseconds < Number.POSITIVE_INFINITY) return;
  const message = `The value of "msecs" is out of range. It must be a non-negative finite number. Received ${milliseconds}`;
  throw Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' });
}

/** Node's words for a value of the wrong type. */
function receivedValue(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value === 'object') return `an instance of ${value.constructor?.name ?? 'Object'}`;
  return `type ${typeof value} (${typeof value === 'string' ? `'${value}'` : String(value)})`;
}
