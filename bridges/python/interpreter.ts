/** Finds the Python interpreter. */
import { existsSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';

/** Where a person may have said what to use. */
export interface InterpreterChoice {
  readonly python?: string | undefined;
  readonly virtualenv?: string | undefined;
  readonly folder: string;
}

/** Usual names of a virtual environment beside an application. */
const USUAL = ['.venv', 'venv'];

/**
 * Gives the interpreter: a path, or a name for the search path.
 *
 * @throws TypeError if what was named does not exist
 */
export function findInterpreter({ python, virtualenv, folder }: InterpreterChoice): string {
  if (python !== undefined) {
    if (!python.includes('/')) return python;
    const path = isAbsolute(python) ? python : resolve(folder, python);
    return existing(path, 'python', folder);
  }
  if (virtualenv !== undefined) {
    const path = resolve(folder, virtualenv, 'bin/python');
    return existing(path, 'virtualenv', folder);
  }
  const found = USUAL.map((name) => join(folder, name, 'bin/python')).find((path) => existsSync(path));
  return found ?? 'python3';
}

function existing(path: string, option: string, folder: string): string {
  if (existsSync(path)) return path;
  // A relative path begins there.
  const isLost = path.startsWith(`${folder}/`) && !existsSync(folder);
  const fault = isLost ? `folder: there is no folder ${folder}` : `${option}: there is no file ${path}`;
  throw Object.assign(new TypeError(`Option ${fault}`), {
    code: 'ERR_INVALID_ARG_VALUE',
  });
}
