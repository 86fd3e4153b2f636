/** `wsgi.errors` of Lambda: the console, by which the runtime makes one entry of the log with the id of the request. */
import type { ErrorStream } from '../../src/index.ts';

/** Writes to the log of the function. Standard error would make an entry of each line of a stack. */
export const lambdaErrors: ErrorStream = {
  write(text: string): void {
    console.error(text.replace(/\n$/, ''));
  },
  writelines(lines: Iterable<string>): void {
    lambdaErrors.write([...lines].join(''));
  },
  flush(): void {},
};
