/**
 * Makes errors with node's codes and messages (checked on Node 20 to 26), for programs that look at them. They are
 * not errors of this package.
 */

/** Makes an Error with a code and a message of node's. */
export function nodeError(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}

/** Makes the error of a request whose connection was lost. */
export function connectionReset(): NodeJS.ErrnoException {
  return nodeError('ECONNRESET', 'aborted');
}

/** Makes the error that a write gets when the response is gone. */
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

/** Describes a value of the wrong type in node's words. */
function receivedValue(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value === 'object') return `an instance of ${value.constructor?.name ?? 'Object'}`;
  return `type ${typeof value} (${typeof value === 'string' ? `'${value}'` : String(value)})`;
}
