/** The stack of an error, as the author of an application wants to see it. */
import { fileURLToPath } from 'node:url';
import { isError } from '../errors.ts';

/** Keeps the lines of a stack that are in the user's own files. */
export function userStack(error: unknown): string {
  if (!isError(error)) return String(error);
  const lines = (error.stack ?? `${error.name}: ${error.message}`).split('\n');
  const own = fileURLToPath(new URL('../../', import.meta.url));
  const kept = lines.filter(
    (line) => !/^\s+at /.test(line) || !(line.includes('node:internal/') || line.includes(own)),
  );
  const cause: unknown = error.cause;
  return cause === undefined ? kept.join('\n') : `${kept.join('\n')}\nCaused by: ${userStack(cause)}`;
}
