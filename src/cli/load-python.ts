/** Loads a WSGI application in Python: `app.py:app`, `shop.wsgi:application`. */
import { existsSync } from 'node:fs';
import { extname, join } from 'node:path';
import { isError } from '../errors.ts';
import { CommandError } from './exit-codes.ts';
import type { LoadedApplication, LoadSettings } from './loaded-application.ts';

/** Milliseconds for the end of the Python process, which has no requests any more. */
const SHUTDOWN_TIMEOUT = 4_000;

/** Tells if a file, or a module by its dotted name, is one of Python. */
export function isPython(file: string, folder: string): boolean {
  if (extname(file) === '.py') return true;
  return (
    /^\w+(\.\w+)*$/.test(file) &&
    existsSync(join(folder, `${file.replaceAll('.', '/')}.py`)) &&
    !existsSync(join(folder, file))
  );
}

/**
 * Starts a Python process, and waits until it has imported the application.
 *
 * @param file The file or the module
 * @param path The attribute
 * @throws {@link CommandError} that shows the Python traceback
 */
export async function loadPython(
  { folder, factory, python, threads, log }: LoadSettings,
  file: string,
  path: string | undefined,
): Promise<LoadedApplication> {
  const name = path === undefined ? file : `${file}:${path}`;
  // By the name of the package, as users load it.
  const { fromPython } = await import('gatebridge/python');
  try {
    const application = fromPython({
      application: name,
      folder,
      factory,
      python,
      threads,
      workers: 1,
      eager: true,
      shutdownTimeout: SHUTDOWN_TIMEOUT,
      log,
    });
    await application.ready();
    return { name, kind: 'python', application, upgrade: undefined, close: () => application.close() };
  } catch (error) {
    if (!isError(error)) throw error;
    const { cause } = error;
    throw new CommandError('application', error.message.replace(/^Program [^:]*: /, ''), {
      ...(isError(cause) && { place: cause.stack }),
      cure: cureOf(error.message),
    });
  }
}

function cureOf(message: string): string | undefined {
  if (/No module named/.test(message))
    return 'Install it for the interpreter that runs: --python venv/bin/python names another one.';
  if (/no interpreter/.test(message))
    return 'Install Python 3, or name an interpreter: --python /usr/bin/python3';
  if (/has no (attribute|application)/.test(message))
    return 'Name it behind a colon; --factory calls a function that makes it.';
  return undefined;
}
