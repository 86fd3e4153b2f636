/** Options of `fromPython`. */
import type { OptionsOf } from '../../src/gateway/index.ts';

/** Options of `fromPython`. */
export const PYTHON_OPTIONS = {
  /**
   * The application: `module:attribute`, such as `'shop.wsgi:application'`, or a file, such as `'app.py:app'`. Without an attribute it is
   * `application` or `app`. Required.
   */
  application: { type: 'text', example: "'shop.wsgi:application'" },
  /** The attribute is a function that gives the application, such as Flask's `create_app`. */
  factory: { type: 'boolean', default: false },
  /** The folder in which the application runs and from which it imports. The default is the current one. */
  folder: { type: 'text' },
  /** The interpreter. The default is that of `virtualenv`, else that of a folder `.venv` or `venv` in `folder`, else `python3`. */
  python: { type: 'text' },
  /** The folder of a virtual environment. */
  virtualenv: { type: 'text' },
  /** Environment variables of the workers, besides those of this process. A value of `undefined` removes one. */
  env: { type: 'object' },
  /** Worker processes at most. */
  workers: { type: 'count', default: 2, least: 1 },
  /** Requests that one worker serves at the same time, each in a thread of its own. With 1 the application needs not be thread-safe. */
  threads: { type: 'count', default: 1, least: 1, most: 256 },
  /** All workers start at once, and stay. Without this option the first request starts the first one, and more come as they are needed. */
  eager: { type: 'boolean', default: false },
  /** A worker is replaced after so many requests; 0 means never. The next one is ready before the old one stops. */
  maxRequests: { type: 'count', default: 0 },
  /** A random number up to this is added to `maxRequests` for each worker, so that they are not replaced together. */
  maxRequestsJitter: { type: 'count', default: 0 },
  /** A worker may be silent for so long while it answers. Then the request gets 504, and the worker is replaced; 0 means no limit. */
  timeout: { type: 'milliseconds', default: 60_000 },
  /** A worker must have imported the application in this time. */
  startTimeout: { type: 'milliseconds', default: 60_000 },
  /** Requests that may wait for a worker. Others get 503 with `Retry-After`, and so do those that have waited for `timeout`. */
  maxQueue: { type: 'count', default: 1_000 },
  /** `close()` waits so long for requests in flight, and for the workers to end. */
  shutdownTimeout: { type: 'milliseconds', default: 30_000 },
  /** A change of a file that the application has imported replaces the workers. For development. */
  reload: { type: 'boolean', default: false },
  /**
   * These keys are added to every environ. A function gives those of each request: `(environ) => ({ REMOTE_USER: environ['express.req'].user?.name })`.
   * Values are native strings; a value of `undefined` leaves the key out.
   */
  environ: { type: 'environ pairs' },
  /** Takes each line about the workers: crashes, replacements. The default writes it to standard error. */
  log: { type: 'function' },
} as const;

/** Options of `fromPython`. */
export interface PythonOptions extends OptionsOf<typeof PYTHON_OPTIONS> {
  /** The application: `module:attribute`, or `path/file.py:attribute`. */
  readonly application: string;
  /** Environment variables of the workers, besides those of this process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Takes each line about the workers. */
  readonly log?: ((line: string) => void) | undefined;
}
