/**
 * Makes the response to a failure, and logs the failure for the operator.
 *
 * The client gets only the reason phrase, unless the deployer sets the option `exposeErrors`.
 */
import { ProtocolError } from '../errors.ts';
import type { ResponseHead } from '../port.ts';
import type { ErrorStream } from '../wsgi.ts';
import { encodeUtf8 } from './platform.ts';
import { reasonPhrase } from './reason-phrase.ts';

/** The response to a failure before the head was sent. */
export interface FailureResponse {
  readonly head: ResponseHead;
  readonly content: Uint8Array;
}

/**
 * Makes the response to a failure: 500, or the status of a {@link ProtocolError} that the application did not catch.
 *
 * @param error The thrown value
 * @param isHead The request is a HEAD request
 * @param exposeErrors The content is the stack
 */
export function failureResponse(error: unknown, isHead: boolean, exposeErrors: boolean): FailureResponse {
  const statusCode = isInstance(error, ProtocolError) ? error.statusCode : 500;
  const reason = reasonPhrase(statusCode);
  const content = encodeUtf8(`${exposeErrors ? showError(error) : reason}\n`);
  return {
    head: {
      status: `${statusCode} ${reason}`,
      statusCode,
      reason,
      headers: [['Content-Type', 'text/plain; charset=utf-8']],
      contentLength: content.length,
      hasContentLengthField: false,
      isBodiless: isHead,
    },
    content,
  };
}

/** Writes an error with its stack to `wsgi.errors`. Never throws. */
export function logError(errors: ErrorStream, error: unknown): void {
  logLine(errors, showError(error));
}

/** `instanceof` for thrown values. Never throws, though a proxy may throw when it is inspected. */
export function isInstance<Type>(
  value: unknown,
  type: abstract new (...args: never[]) => Type,
): value is Type {
  try {
    return value instanceof type;
  } catch {
    return false;
  }
}

/** Writes one line to `wsgi.errors`. Never throws, though an application may have replaced the stream. */
export function logLine(errors: ErrorStream, line: string): void {
  try {
    errors.write(`${line}\n`);
  } catch {
    // No other log is left.
  }
}

/** Causes to show at most: an error may be its own cause. */
const MAX_CAUSES = 8;

/** Formats a thrown value. Never throws, though a getter or a proxy may. */
function showError(error: unknown): string {
  try {
    return formatError(error, MAX_CAUSES);
  } catch {
    return 'Thrown value cannot be shown';
  }
}

/** Gives the stacks of an error and its causes. */
function formatError(error: unknown, causes: number): string {
  if (!(error instanceof Error)) return `Thrown value is not an Error: ${formatValue(error)}`;
  const stack = stackWithCode(error);
  const hasCause = error.cause !== undefined && causes > 0;
  return hasCause ? `${stack}\nCaused by: ${formatError(error.cause, causes - 1)}` : stack;
}

/** Gives the stack with the code after the name, as in node's own errors, so that readers can look the code up. */
function stackWithCode(error: Error): string {
  const { name } = error;
  const stack = `${error.stack ?? `${name}: ${error.message}`}`;
  const code = 'code' in error ? error.code : undefined;
  if (typeof code !== 'string' || !stack.startsWith(`${name}: `) || stack.includes(code)) return stack;
  return `${name} [${code}]${stack.slice(name.length)}`;
}

function formatValue(value: unknown): string {
  try {
    return String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
