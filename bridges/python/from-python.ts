/**
 * Python → gateway: makes an application of a WSGI application that runs in worker processes.
 *
 * `worker-pool.ts` keeps the workers, `exchange.ts` is one request, `frames.ts` describes what is sent.
 */
import { resolve } from 'node:path';
import { checkOptions, refuseCall, refuseOnWorkers, settingsOf } from '../../src/gateway/index.ts';
import type { Body, Environ, StartResponse } from '../../src/index.ts';
import { environWords, requestFlags } from './environ-words.ts';
import { Exchange } from './exchange.ts';
import { encodeRequest } from './frames.ts';
import { findInterpreter } from './interpreter.ts';
import { PYTHON_OPTIONS, type PythonOptions } from './options.ts';
import { WorkerPool } from './worker-pool.ts';

/** The application that `fromPython` returns. */
export interface PythonApplication extends AsyncDisposable {
  (environ: Environ, startResponse: StartResponse): Body | Promise<Body>;
  /**
   * Starts the workers, and waits until one has imported the application. Nobody has to call it.
   *
   * @throws UpstreamError if the application cannot be loaded. Its `cause` has the Python traceback as its stack
   */
  ready(): Promise<void>;
  /** Serves the requests under way to their ends, then ends the workers. Later requests get 502. Never rejects. */
  close(): Promise<void>;
  /** The process ids of the workers. */
  readonly pids: readonly number[];
}

/**
 * Makes a gateway application of a WSGI application in Python, such as one of Flask or Django.
 *
 * It runs in worker processes, which start with the first request and end with this process.
 *
 * @param options The application, its interpreter and its workers
 * @returns the application
 * @throws TypeError or RangeError if an option is unknown or wrong
 * @example
 * const shop = fromPython({ application: 'shop.wsgi:application', virtualenv: '.venv', workers: 4 });
 * app.use('/shop', toExpress(shop));
 */
export function fromPython(options: PythonOptions): PythonApplication {
  checkOptions(options, PYTHON_OPTIONS, { likely: 'application', meant: SYNONYMS });
  if (options.application === undefined || options.application === '') {
    throw new TypeError("Option application must be text such as 'shop.wsgi:application'");
  }
  refuseOnWorkers('fromPython cannot start processes');
  if (process.platform === 'win32')
    throw new Error('fromPython needs a system with unix sockets, and Windows is none');
  const settings = settingsOf(PYTHON_OPTIONS, options);
  const folder = resolve(options.folder ?? '.');
  const python = findInterpreter({ ...options, folder });
  const { application, env, environ: pairs, log = writeLine } = options;
  const { factory, threads, reload, workers } = settings;
  const pool = new WorkerPool(
    { application, factory, folder, python, env: { ...process.env, ...env }, threads, reload },
    { ...settings, log },
  );
  const answer = (environ: Environ, startResponse: StartResponse): Promise<Body> => {
    if (typeof startResponse !== 'function') return refuseCall(MISTAKEN_CALL, environ);
    const words = environWords(environ, pairs);
    return new Promise<Body>((resolveBody, reject) => {
      const request = encodeRequest(words, requestFlags(environ, workers > 1));
      pool.submit(new Exchange({ environ, startResponse }, request, { resolve: resolveBody, reject }));
    });
  };
  const close = (): Promise<void> => pool.close();
  const members = { ready: () => pool.ready(), close, [Symbol.asyncDispose]: close, pids: [] };
  return Object.defineProperty(Object.assign(answer, members), 'pids', { get: () => pool.pids });
}

const MISTAKEN_CALL =
  'Application was called without startResponse: mount it by toExpress(application), toFastify(application) or ' +
  'toNode(application), or serve it';

/** Names that other servers have for the options. */
const SYNONYMS = {
  app: 'application',
  module: 'application',
  wsgi: 'application',
  cwd: 'folder',
  chdir: 'folder',
  venv: 'virtualenv',
  virtualEnvironment: 'virtualenv',
  interpreter: 'python',
  processes: 'workers',
  preload: 'eager',
} as const;

function writeLine(line: string): void {
  process.stderr.write(`${line}\n`);
}
