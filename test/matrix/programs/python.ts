/** A Flask app. */
import { fromPython, type PythonApplication } from '../../../bridges/python/index.ts';
import type { Peers } from '../matrix.ts';

/** Makes an application of it. */
export function create({ folder, python }: Peers): PythonApplication {
  if (python === undefined) throw new TypeError('Flask must be installed');
  return fromPython({
    application: 'flask_site:app',
    folder,
    python,
    workers: 1,
    shutdownTimeout: 2_000,
    log: () => {},
  });
}
