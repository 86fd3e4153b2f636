/**
 * The headers that an application gives: checked and copied, each by the party that owns its name.
 *
 * Rule: the list is copied before anything is remembered of it; the caller may change its own afterwards (PEP 3333).
 */
import { ApplicationError } from '../errors.ts';
import type { HeaderList } from '../wsgi.ts';
import { describe } from './describe.ts';
import { isFieldValue, isHopByHop, isToken } from './headers.ts';
import { LastValue, NameMemory } from './name-memory.ts';

/** What a gateway does with a hop-by-hop field that an application sets. */
export type HopByHopPolicy = 'error' | 'drop';

/** Takes note of Content-Length. */
export interface LengthDeclaration {
  /** Octets; undefined if the application declares none. */
  declaredLength: number | undefined;
}

/**
 * Checks a list of headers and gives a copy of it.
 *
 * @param headers Anything that an application passed as headers
 * @param hopByHop What to do with a hop-by-hop field
 * @param declaration Gets the value of Content-Length
 * @throws {@link ApplicationError} if it is not a list of fields that the application may set
 */
export function takeHeaders(
  headers: unknown,
  hopByHop: HopByHopPolicy,
  declaration: LengthDeclaration,
): HeaderList {
  if (!Array.isArray(headers))
    throw new ApplicationError('WSGI_ERR_HEADERS_INVALID', describeHeaders(headers));
  // As long as the list: a push into an empty array makes room for 17 (V8).
  const copy = new Array<[string, string]>(headers.length);
  let count = 0;
  // By index and without destructuring, which would make two iterators for each field (V8 11).
  for (let index = 0; index < headers.length; index += 1) {
    const pair: unknown = headers[index];
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw new ApplicationError('WSGI_ERR_HEADERS_INVALID', `found ${describe(pair)}`);
    }
    const name: unknown = pair[0];
    const value: unknown = pair[1];
    if (typeof name !== 'string' || typeof value !== 'string') {
      const found = `found [${typeof name === 'string' ? JSON.stringify(name) : describe(name)}, ${describe(value)}]`;
      throw new ApplicationError('WSGI_ERR_HEADERS_INVALID', found);
    }
    const { owner, last } = nameFacts.get(name);
    switch (owner) {
      case 'gateway':
        if (hopByHop === 'drop') continue;
        throw new ApplicationError('WSGI_ERR_HEADER_HOP_BY_HOP', name);
      case 'nobody':
        throw new ApplicationError('WSGI_ERR_HEADER_NAME_INVALID', JSON.stringify(name));
      case 'cgi':
        throw new ApplicationError('WSGI_ERR_HEADER_STATUS');
      case 'framing':
        declareLength(declaration, value);
        break;
      case 'application':
    }
    if (value !== last.value) {
      if (!isFieldValue(value))
        throw new ApplicationError('WSGI_ERR_HEADER_VALUE_INVALID', `${name}${valueHint(value)}`);
      last.change(value);
    }
    copy[count] = [name, value];
    count += 1;
  }
  // Setting the length that the array already has is slow (V8 11).
  if (count < copy.length) copy.length = count;
  return copy;
}

/**
 * Checks headers that do not begin a response: early hints, interim responses, trailers.
 *
 * @throws {@link ApplicationError} as startResponse does, and for Content-Length, which only a response has
 */
export function takeExtraHeaders(headers: HeaderList): HeaderList {
  const declaration: LengthDeclaration = { declaredLength: undefined };
  const copy = takeHeaders(headers, 'error', declaration);
  if (declaration.declaredLength !== undefined) {
    throw new ApplicationError(
      'WSGI_ERR_CONTENT_LENGTH_INVALID',
      'it belongs to the head of the response and nowhere else',
    );
  }
  return copy;
}

/** Gives the headers without Content-Length. */
export function withoutLength(headers: HeaderList): HeaderList {
  return headers.filter(([name]) => nameFacts.get(name).owner !== 'framing');
}

/** The party that may set a field: `nobody` for a string that is not a field name. */
type Owner = 'application' | 'gateway' | 'cgi' | 'framing' | 'nobody';

interface NameFacts {
  readonly owner: Owner;
  /** The latest value that passed the check; most responses repeat it. */
  readonly last: LastValue;
}

const nameFacts = new NameMemory<NameFacts>((name) => ({ owner: findOwner(name), last: new LastValue() }));

function findOwner(name: string): Owner {
  if (!isToken(name)) return 'nobody';
  if (isHopByHop(name)) return 'gateway';
  const lowerCase = name.toLowerCase();
  if (lowerCase === 'status') return 'cgi';
  return lowerCase === 'content-length' ? 'framing' : 'application';
}

function declareLength(declaration: LengthDeclaration, value: string): void {
  if (declaration.declaredLength !== undefined) {
    throw new ApplicationError('WSGI_ERR_CONTENT_LENGTH_INVALID', 'it is repeated');
  }
  const length = parseLength(value);
  if (!Number.isSafeInteger(length)) {
    throw new ApplicationError('WSGI_ERR_CONTENT_LENGTH_INVALID', `${JSON.stringify(value)} is no number`);
  }
  declaration.declaredLength = length;
}

/** Content-Length = 1*DIGIT (RFC 9110 §8.6); NaN for anything else. A loop is faster than a pattern here. */
function parseLength(value: string): number {
  let length = value === '' ? Number.NaN : 0;
  for (let index = 0; index < value.length; index += 1) {
    const digit = value.charCodeAt(index) - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    length = length * 10 + digit;
  }
  return length;
}

const ZERO = 0x30;

function describeHeaders(headers: unknown): string {
  const found = `found ${describe(headers)}`;
  if (typeof headers !== 'object' || headers === null) return found;
  return `${found}; pass ${Symbol.iterator in headers ? '[...headers]' : 'Object.entries(headers)'}`;
}

function valueHint(value: string): string {
  return /[^\0-\xff]/.test(value) ? '; encodeNative makes such text a header value' : '';
}
