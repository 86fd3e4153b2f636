/**
 * Checks and copies the headers that an application passes. The owner of a field name decides how it is treated.
 *
 * Rule: keep only the copy. The application may change its own list afterwards (PEP 3333).
 */
import { ApplicationError } from '../errors.ts';
import type { HeaderList } from '../wsgi.ts';
import { describe } from './describe.ts';
import type { GatewayOptions } from './gateway-options.ts';
import { isFieldValue, isHopByHop, isToken } from './headers.ts';
import { LastValue, NameMemory } from './name-memory.ts';

/** Treatment of a hop-by-hop field that an application sets: an error, or left out. */
export type HopByHopPolicy = NonNullable<GatewayOptions['hopByHop']>;

/** Receives the declared Content-Length. */
export interface LengthDeclaration {
  /** Octets; undefined if the application declares none. */
  declaredLength: number | undefined;
}

/**
 * Checks a list of headers and gives a copy of it.
 *
 * @param headers The headers that an application passed, of any type
 * @param hopByHop Treatment of a hop-by-hop field
 * @param declaration Receives the value of Content-Length
 * @throws {@link ApplicationError} if it is not a list of fields that the application may set
 */
export function takeHeaders(
  headers: unknown,
  hopByHop: HopByHopPolicy,
  declaration: LengthDeclaration,
): HeaderList {
  if (!Array.isArray(headers))
    throw new ApplicationError('WSGI_ERR_HEADERS_INVALID', describeHeaders(headers));
  // Allocated with its length: the first push into an empty array reserves space for 17 elements (V8).
  const copy = new Array<[string, string]>(headers.length);
  let count = 0;
  // By index and without destructuring, which would create two iterators for each field (V8 11).
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
  // Setting the length is slow, even to the same length (V8 11).
  if (count < copy.length) copy.length = count;
  return copy;
}

/**
 * Checks headers of early hints, interim responses and trailers.
 *
 * @throws {@link ApplicationError} as startResponse does, and for Content-Length
 */
export function takeExtraHeaders(headers: Readonly<HeaderList>): HeaderList {
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

/** The party that may set a field; `nobody` if the name is not a valid field name. */
type Owner = 'application' | 'gateway' | 'cgi' | 'framing' | 'nobody';

interface NameFacts {
  readonly owner: Owner;
  /** The latest valid value. Most responses repeat it, so that it need not be checked again. */
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

/** Parses Content-Length = 1*DIGIT (RFC 9110 §8.6); NaN for anything else. A loop is faster than a pattern. */
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
