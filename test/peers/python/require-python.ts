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

/** Tells if the interpreter has a module. */
export function hasModule(module: string): boolean {
  const found = known.get(module) ?? imports(module);
  known.set(module, found);
  return found;
}

function imports(module: string): boolean {
  try {
    execFileSync(PYTHON, [
      '-c',
      `import importlib.util, sys; sys.exit(importlib.util.find_spec("${module}") is None)`,
    ]);
    return true;
  } catch {
    return false;
  }
}
