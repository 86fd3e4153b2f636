/**
 * Writes to `wsgi.errors`, for the operator.
 *
 * Each entry is one call of `write`, so that a stream may pass it to a logger. It begins with the time, and with the method
 * and the target of the request.
 */
import type { Environ, ErrorStream } from '../wsgi.ts';
import { showError } from './show-error.ts';

/** The log of one request. */
export interface RequestLog {
  /** `wsgi.errors` as the host has made it, whatever an application puts in its place. */
  readonly errors: ErrorStream;
  readonly method?: string | undefined;
  readonly target?: string | undefined;
  /** Gives an error to a host that keeps errors itself. Returns false if the host does not. */
  pass?(error: unknown): boolean;
}

/** Gives the log of the request that an environ belongs to. */
export function logOf(environ: Environ): RequestLog {
  return { errors: environ['wsgi.errors'], method: environ.REQUEST_METHOD, target: environ.REQUEST_URI };
}

/** Logs an error with its stack, or gives it to the host. Never throws. */
export function logError(log: RequestLog, error: unknown): void {
  if (log.pass?.(error) === true) return;
  logLine(log, showError(error));
}

/** Logs a text of one or more lines. Never throws, though a stream or a getter may. */
export function logLine(log: RequestLog, text: string): void {
  try {
    log.errors.write(`${new Date().toISOString()} ${nameRequest(log)}${text}\n`);
  } catch {
    // No other log is left.
  }
}

function nameRequest({ method, target }: RequestLog): string {
  return [method, target].map((part) => (part === undefined ? '' : `${visible(part)} `)).join('');
}

/** A request must not forge entries: hosts other than our server may let control characters pass. */
function visible(text: string): string {
  return `${text}`.replace(/[^\x21-\x7e]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
