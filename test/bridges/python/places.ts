/** Where the Python applications of the tests are, and what runs them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The folder of the applications. */
export const APPS: string = join(import.meta.dirname, 'apps');

/** Debian's Python, which has Debian's packages, if there is one. */
export const PYTHON: string = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
