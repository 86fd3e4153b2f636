/** Errors from Python: what a worker tells of an exception, and what becomes of a request then. */
import { UpstreamError } from '../../src/index.ts';

/** An exception as a worker tells it. */
interface PythonFacts {
  readonly name: string;
  readonly message: string;
  readonly traceback: string;
}

/**
 * Makes an error of an exception of the application. Its name is that of the Python class, its stack the traceback.
 *
 * @param payload JSON from the worker
 */
export function pythonError(payload: Buffer): Error {
  // The worker is ours.
  const { name, message, traceback } = JSON.parse(payload.toString()) as PythonFacts;
  const error = new Error(message);
  error.name = name;
  return Object.defineProperty(error, 'stack', { value: traceback.trimEnd() });
}

/** Makes the error of an application that cannot be loaded. */
export function loadFailure(payload: Buffer, application: string): UpstreamError {
  const cause = pythonError(payload);
  // The worker's own exception says everything in its message.
  if (cause.name === 'LoadError') return new UpstreamError('WSGI_ERR_UPSTREAM_UNAVAILABLE', cause.message);
  const line = cause.message.split('\n')[0] ?? '';
  const detail = `${application} could not be loaded: ${cause.name}${line && `: ${line}`}`;
  return new UpstreamError('WSGI_ERR_UPSTREAM_UNAVAILABLE', detail, { cause });
}

/** Makes the error of a request for which there is no place. */
export function busy(detail: string): UpstreamError {
  return new UpstreamError('WSGI_ERR_UPSTREAM_BUSY', detail, { headers: { 'Retry-After': '1' } });
}
