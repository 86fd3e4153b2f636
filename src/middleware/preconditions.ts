/** Conditional requests (RFC 9110 §13). */
import type { Environ } from '../wsgi.ts';

/** The validators of a selected representation. */
export interface Validators {
  readonly etag: string | undefined;
  /** Milliseconds, in whole seconds; NaN if it is not known. */
  readonly modified: number;
}

/**
 * Evaluates the preconditions of a GET or HEAD, in the order of RFC 9110 §13.2.2.
 *
 * @returns the status that the response must have; undefined for that which it would have without conditions
 */
export function evaluate(environ: Environ, validators: Validators): 304 | 412 | undefined {
  const { HTTP_IF_MATCH: ifMatch, HTTP_IF_UNMODIFIED_SINCE: ifUnmodifiedSince } = environ;
  if (ifMatch !== undefined) {
    if (!matchesTag(ifMatch, validators.etag, 'strong')) return 412;
  } else if (ifUnmodifiedSince !== undefined && validators.modified > parseDate(ifUnmodifiedSince)) {
    return 412;
  }
  return isUnchanged(environ, validators) ? 304 : undefined;
}

/** Tells if the client has the representation already (RFC 9110 §13.2.2, steps 3 and 4). */
export function isUnchanged(environ: Environ, { etag, modified }: Validators): boolean {
  const { HTTP_IF_NONE_MATCH: ifNoneMatch, HTTP_IF_MODIFIED_SINCE: ifModifiedSince } = environ;
  if (typeof ifNoneMatch === 'string') return matchesTag(ifNoneMatch, etag);
  return typeof ifModifiedSince === 'string' && modified <= parseDate(ifModifiedSince);
}

/** Tells if a range counts (RFC 9110 §13.1.5): the client's part is of this representation. */
export function isSameForRange(ifRange: string | undefined, { etag, modified }: Validators): boolean {
  if (ifRange === undefined) return true;
  const value = ifRange.trim();
  return value.startsWith('"') ? value === etag : parseDate(value) === modified;
}

/** entity-tag (RFC 9110 §8.8.3). */
const TAGS = /(?:^|,)[ \t]*((?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")(?=[ \t]*(?:,|$))/g;

/** Compares an ETag with a list (RFC 9110 §8.8.3.2). */
export function matchesTag(
  field: string,
  tag: string | undefined,
  comparison: 'weak' | 'strong' = 'weak',
): boolean {
  if (field.trim() === '*') return true;
  if (tag === undefined) return false;
  const tags = [...field.matchAll(TAGS)].map(([, one = '']) => one);
  if (comparison === 'strong') return tag.startsWith('"') && tags.includes(tag);
  return tags.some((one) => opaque(one) === opaque(tag));
}

function opaque(tag: string): string {
  return tag.replace(/^W\//, '');
}

const DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? [\w :-]+$/;

const FIRST_NUMBER = /[0-9]+/;

/** Parses a date in any of the three forms (RFC 9110 §5.6.7). Gives NaN for anything else, which is never less or greater. */
export function parseDate(text: string): number {
  if (!DATE.test(text)) return Number.NaN;
  // The form of asctime() has no zone; it is GMT too.
  const time = Date.parse(text.endsWith(' GMT') ? text : `${text} GMT`);
  // Date.parse takes 31 Feb for 3 Mar. In all forms the day is the first number.
  return new Date(time).getUTCDate() === Number(FIRST_NUMBER.exec(text)?.[0]) ? time : Number.NaN;
}
