/** Debian's Python with a package of Debian, and a server in front of an application. */
import { execFileSync } from 'node:child_process';
import type { TestContext } from 'vitest';
import { PYTHON } from '../../bridges/python/places.ts';

/** The folder of the sites. */
export const SITES: string = import.meta.dirname;

/**
 * Gives the interpreter if it has a module. Else the test fails in CI, whose script installs it, and is skipped elsewhere with
 * the reason printed.
 */
export function requirePython(context: TestContext, module: string): string {
  if (hasModule(module)) return PYTHON;
  const reason = `${PYTHON} has no module ${module}`;
  if (process.env.CI === 'true') throw new Error(`${reason}: add its package to .ci/run`);
  console.warn(`Skipped ${context.task.name}: ${reason}`);
  return context.skip(reason);
}

const known = new Map<string, boolean>();

/** Tells if an interpreter has a module. @param python By default Debian's, which has Debian's packages */
export function hasModule(module: string, python: string = PYTHON): boolean {
  const key = `${python} ${module}`;
  const found = known.get(key) ?? imports(module, python);
  known.set(key, found);
  return found;
}

function imports(module: string, python: string): boolean {
  try {
    execFileSync(python, [
      '-c',
      `import importlib.util, sys; sys.exit(importlib.util.find_spec("${module}") is None)`,
    ]);
    return true;
  } catch {
    return false;
  }
}
