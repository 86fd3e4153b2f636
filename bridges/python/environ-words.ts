/** The environ as a worker gets it: names and values in turn. Only text can leave the process. */
import { pairsOf } from '../../src/gateway/index.ts';
import type { Environ, EnvironOption } from '../../src/index.ts';
import { contentLength } from '../_cgi/input-pieces.ts';
import { REQUEST_FLAGS } from './frames.ts';

/**
 * Gives the names and the values of an environ that are text, in turn.
 *
 * @throws TypeError if the option gives anything else, or if text is no native string
 */
export function environWords(environ: Environ, option: EnvironOption | undefined): string[] {
  const words: string[] = [];
  const source = option === undefined ? environ : withPairs(environ, option);
  for (const name in source) {
    const value = source[name];
    if (typeof value === 'string') words.push(name, value);
  }
  // One look at all of them costs less than one at each.
  if (WIDE.test(words.join(''))) {
    const wrong = words.find((word) => WIDE.test(word)) ?? '';
    const name = words[words.indexOf(wrong) & ~1];
    throw new TypeError(
      `${name} of the environ is no native string: use encodeNative(${JSON.stringify(wrong)})`,
    );
  }
  return words;
}

const WIDE = /[^\0-\xff]/;

function withPairs(environ: Environ, option: EnvironOption): Environ {
  const pairs = pairsOf(option, environ);
  for (const [name, value] of Object.entries(pairs)) {
    if (value !== undefined && typeof value !== 'string')
      throw new TypeError(`Option environ gives ${name} a value that is no text, and Python gets only text`);
  }
  // The caller's own is left as it is.
  return Object.assign({ ...environ }, pairs);
}

/** Gives the flags of a request. */
export function requestFlags(environ: Environ, hasManyWorkers: boolean): number {
  let flags = contentLength(environ) > 0 ? REQUEST_FLAGS.hasContent : 0;
  if (hasManyWorkers || environ['wsgi.multiprocess']) flags += REQUEST_FLAGS.isMultiprocess;
  if (environ['wsgi.run_once']) flags += REQUEST_FLAGS.isRunOnce;
  return flags;
}
