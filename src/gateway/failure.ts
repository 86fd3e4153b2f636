/**
 * Makes the response to a failure, and logs the failure for the operator.
 *
 * The client gets only the reason phrase, unless the deployer sets the option `exposeErrors`.
 */
import { ApplicationError, type DisconnectError, isProtocolError } from '../errors.ts';
import type { ResponseHead, ResponseSink } from '../port.ts';
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
  const statusCode = isProtocolError(error) ? error.statusCode : 500;
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

/** The setting of a response to a failure. */
export interface FailureSetting {
  readonly errors: ErrorStream;
  /** The request is a HEAD request. */
  readonly isHead: boolean;
  /** The content is the stack. */
  readonly exposeErrors: boolean;
}

/** Answers a failure before the head, and logs it unless the client is to blame. */
export function answerFailure(
  sink: ResponseSink,
  error: unknown,
  { errors, isHead, exposeErrors }: FailureSetting,
): void {
  const isFaultOfClient = isProtocolError(error);
  if (!isFaultOfClient) logError(errors, error);
  const { head, content } = failureResponse(error, isHead, exposeErrors);
  // After malformed content the start of the next request is uncertain.
  if (isFaultOfClient) sink.direct?.({ close: true });
  sink.writeHead(head);
  (head.isBodiless ? sink.end() : sink.end(content))?.catch(() => {});
}

/** Aborts after the sink threw while it handled a failure, so that the client does not wait for ever. Never throws. */
export function giveUp(sink: ResponseSink, error: unknown, errors: ErrorStream): void {
  try {
    sink.abort(error);
  } catch (inner) {
    logError(errors, inner);
  }
}

/** Makes a failure of the error of another client, because hosts take a DisconnectError for their own client's departure. */
export function departureOfAnother(cause: DisconnectError): ApplicationError {
  const detail = `a DisconnectError of another client (${cause.message})`;
  return new ApplicationError('WSGI_ERR_THROWN_VALUE', detail, { cause });
}

/** Writes an error with its stack to `wsgi.errors`. Never throws. */
export function logError(errors: ErrorStream, error: unknown): void {
  logLine(errors, showError(error));
}

/** Writes one line to `wsgi.errors`. Never throws, though an application may have replaced the stream. */
export function logLine(errors: ErrorStream, line: string): void {
  try {
    errors.write(`${line}\n`);
  } catch {
    // No other log is left.
  }
}

/** Gives the cause of an error. Never throws, though a proxy may. */
export function causeOf(error: unknown): unknown {
  try {
    return error instanceof Error ? error.cause : undefined;
  } catch {
    return undefined;
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
