/** The default `wsgi.errors`: the standard error of the process. */
import type { ErrorStream } from '../wsgi.ts';
import { writeStandardError } from './platform.ts';

/** Writes to the standard error of the process. */
export const standardErrors: ErrorStream = {
  write(text: string): void {
    writeStandardError(text);
  },
  writelines(lines: Iterable<string>): void {
    for (const line of lines) writeStandardError(line);
  },
  flush(): void {},
};
