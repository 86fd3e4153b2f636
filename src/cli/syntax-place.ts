/** Finds the place of a syntax error, which node keeps to itself. */
import { spawnSync } from 'node:child_process';

/** Milliseconds that the second try may take. */
const LIMIT = 5_000;

/**
 * Gives file, line and code of a syntax error in an ES module. An error of `import()` does not tell them, and node prints them
 * only when it ends by the error; so another node does. A module with such an error runs no code.
 *
 * @param url The module that was imported
 */
export function placeOfSyntaxError(url: string): string | undefined {
  const { stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', `await import(${JSON.stringify(url)})`],
    { encoding: 'utf8', timeout: LIMIT, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const [place] = /^(?:file:\/\/)?\/.*:\d+\n(?:.*\n)*?(?=\w*Error\b)/m.exec(stderr) ?? [];
  return place?.trimEnd();
}
