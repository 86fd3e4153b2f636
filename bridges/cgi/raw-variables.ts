/** Reads the environment as octets, where the system shows it. */
import { readFileSync } from 'node:fs';
import { decodeNative } from '../../src/index.ts';

/**
 * Reads the environment that the process was started with, its values as native strings.
 *
 * @returns an empty map on systems without /proc
 */
export function readRawVariables(): Map<string, string> {
  const variables = new Map<string, string>();
  for (const entry of readEnvironmentFile().split('\0')) {
    const end = entry.indexOf('=');
    // The first of two variables with one name counts, as for getenv().
    const name = decodeNative(entry.slice(0, Math.max(end, 0)));
    if (end > 0 && !variables.has(name)) variables.set(name, entry.slice(end + 1));
  }
  return variables;
}

function readEnvironmentFile(): string {
  try {
    return readFileSync('/proc/self/environ', 'latin1');
  } catch {
    return '';
  }
}
