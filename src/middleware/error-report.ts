/**
 * Reports an error to a developer: its causes, the frames with their source, and the environ without its secrets.
 *
 * This file gathers; error-page.ts formats.
 */
import { isError } from '../errors.ts';
import { describe } from '../gateway/describe.ts';
import type { Environ } from '../wsgi.ts';

/** One error of a chain of causes. */
export interface ErrorReport {
  /** Name and message. */
  readonly title: string;
  readonly frames: readonly Frame[];
}

/** One line of a stack. */
export interface Frame {
  /** The line as V8 wrote it, without `at`. */
  readonly text: string;
  /** The lines around it, if the file can be read and belongs to the user. */
  readonly source: readonly SourceLine[];
}

/** One line of a file. */
export interface SourceLine {
  readonly number: number;
  readonly text: string;
  /** The line of the frame. */
  readonly isCurrent: boolean;
}

/** Reads a file as text; throws if it cannot. */
export type ReadFile = (path: string) => string;

/** Causes to show at most: an error may be its own cause. */
const MAX_CAUSES = 8;

/** Gathers an error and its causes, outermost first. Never throws. */
export function reportError(error: unknown, context: number, readFile: ReadFile): ErrorReport[] {
  const reports: ErrorReport[] = [];
  const seen = new Set<unknown>();
  for (let cause = error; cause !== undefined && reports.length < MAX_CAUSES && !seen.has(cause); ) {
    seen.add(cause);
    try {
      const { title, stack, place, next } = inspectError(cause);
      const frames = framesOf(stack.slice(Math.max(place, 0)));
      const toSource = (text: string) => (place === -1 ? [] : sourceOf(text, context, readFile));
      reports.push({ title, frames: frames.map((text) => ({ text, source: toSource(text) })) });
      cause = next;
    } catch {
      // A getter or a proxy may throw.
      reports.push({ title: 'Thrown value cannot be shown', frames: [] });
      break;
    }
  }
  return reports;
}

interface InspectedError {
  readonly title: string;
  readonly stack: string;
  /** Where the frames begin in the stack; -1 if that is uncertain, because the message was changed. */
  readonly place: number;
  readonly next: unknown;
}

function inspectError(error: unknown): InspectedError {
  if (!isError(error)) {
    return { title: `Thrown value is not an Error: ${String(error)}`, stack: '', place: 0, next: undefined };
  }
  const { name, cause } = error;
  const message = `${error.message}`;
  const stack = `${error.stack ?? ''}`;
  return { title: `${name}: ${message}`, stack, place: endOfMessage(stack, message), next: cause };
}

/** A message may have lines that look like frames: of a client, who must not choose which files are shown. */
function endOfMessage(stack: string, message: string): number {
  if (message === '') return /^[^\n:]*\n/.test(stack) ? 0 : -1;
  const start = stack.indexOf(message);
  return start === -1 ? -1 : start + message.length;
}

function framesOf(stack: string): string[] {
  return [...stack.matchAll(/^ +at (.+)$/gm)].map(([, text = '']) => text);
}

/** A place in a file: `file:///a/b.js:1:2` or `/a/b.js:1:2`, perhaps in parentheses. */
const PLACE = /(?:^|\(|\s)(file:\/\/[^\s()]+|\/[^()]+|[A-Za-z]:\\[^()]+):(\d+):\d+\)?$/;

function sourceOf(frame: string, context: number, readFile: ReadFile): SourceLine[] {
  const [, place, line] = PLACE.exec(frame) ?? [];
  if (place === undefined || /[\\/]node_modules[\\/]/.test(place)) return [];
  try {
    const lines = readFile(place).split('\n');
    const current = Number(line);
    const first = Math.max(current - context, 1);
    return lines.slice(first - 1, current + context).map((text, index) => {
      return { number: first + index, text, isCurrent: first + index === current };
    });
  } catch {
    // Not a file, or not one that can be read.
    return [];
  }
}

/** Names whose values stay secret, of environ keys and of parameters in URLs. */
const SECRET =
  /auth|cookie|credential|csrf|jwt|key|nonce|pass(?:word|wd|phrase)?|private|secret|session|signature|token|xsrf/i;

const HIDDEN = '(hidden)';

/** Gives the keys and values of an environ, sorted, without secrets. */
export function reportEnviron(environ: Readonly<Environ>): [key: string, value: string][] {
  return Object.keys(environ)
    .sort()
    .map((key) => [key, isSecret(key) ? HIDDEN : showValue(environ[key])]);
}

function isSecret(key: string): boolean {
  return SECRET.test(key) && !/^(?:wsgi|gateway)\./.test(key);
}

function showValue(value: unknown): string {
  if (typeof value === 'string') return hideParameters(value);
  if (typeof value === 'object' && value !== null) return describe(value);
  return typeof value === 'function' ? 'a function' : String(value);
}

/** Hides the values of parameters with such a name, and userinfo, in URLs and queries. */
function hideParameters(text: string): string {
  return text
    .replace(/(^|[?&;])([^=&;?#]*)=([^&;#]*)/g, (pair, start: string, name: string) => {
      return SECRET.test(decodeLoosely(name)) ? `${start}${name}=${HIDDEN}` : pair;
    })
    .replace(/:\/\/[^/?#\s@]+@/g, `://${HIDDEN}@`);
}

function decodeLoosely(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
