/** The front door of Python. */
export { fromPython, type PythonApplication } from './from-python.ts';
export type { PythonOptions } from './options.ts';
