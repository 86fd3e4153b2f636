/**
 * What a gateway says when an application fails: the answer to the client, and the line to the operator.
 *
 * The client learns the reason phrase and nothing else, unless the deployer asks for more (`exposeErrors`).
 */
import { ProtocolError } from '../errors.ts';
import type { ResponseHead } from '../port.ts';
import type { ErrorStream } from '../wsgi.ts';
import { encodeUtf8 } from './platform.ts';
import { reasonPhrase } from './reason-phrase.ts';

/** The answer to a failure before the head. */
export interface FailureResponse {
  readonly head: ResponseHead;
  readonly content: Uint8Array;
}

/**
 * Makes the answer to a failure: 500, or the status of the {@link ProtocolError} that the application let through.
 *
 * @param error What was thrown
 * @param isHead Whether the request was HEAD
 * @param exposeErrors Whether the stack is shown
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

/** Writes an error with its stack to `wsgi.errors`, whatever that does. */
export function logError(errors: ErrorStream, error: unknown): void {
  logLine(errors, showError(error));
}

/** `instanceof` for values that were thrown: a proxy may throw when it is asked. */
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

/** Writes one line to `wsgi.errors`. An application may have put anything there: it must not stop the gateway. */
export function logLine(errors: ErrorStream, line: string): void {
  try {
    errors.write(`${line}\n`);
  } catch {
    // There is nobody left to tell.
  }
}

/** Causes that are shown: an error may be among its own. */
const MAX_CAUSES = 8;

/** Shows what was thrown, which may be made so that it cannot be looked at. */
function showError(error: unknown): string {
  try {
    return formatError(error, MAX_CAUSES);
  } catch {
    return 'Thrown value cannot be shown';
  }
}

/** The stack of an error and of its causes. */
function formatError(error: unknown, causes: number): string {
  if (!(error instanceof Error)) return `Thrown value is not an Error: ${formatValue(error)}`;
  const stack = stackWithCode(error);
  const hasCause = error.cause !== undefined && causes > 0;
  return hasCause ? `${stack}\nCaused by: ${formatError(error.cause, causes - 1)}` : stack;
}

/** Puts the code after the name, as node does with its own errors: by it the pages explain what to do. */
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
