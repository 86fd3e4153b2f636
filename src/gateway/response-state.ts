/**
 * `start_response` as a state machine, and the ledger that holds the content against its declared length.
 *
 * What lives here decides and remembers; it sends nothing. The order of events is gateway.ts's.
 *
 * A response is `idle` until startResponse is called, `started` until its head has left, then `sent`, and in the
 * end `ended`. A call stores first and checks afterwards, as the sample gateway of PEP 3333 does: a call that fails
 * has been a call, so that the next one needs excInfo, and what it stored cannot be sent.
 */
import { ApplicationError } from '../errors.ts';
import type { ResponseHead } from '../port.ts';
import type { HeaderList } from '../wsgi.ts';
import { isFieldValue, isHopByHop, isToken } from './headers.ts';
import { inOnePiece, LastValue } from './name-memory.ts';

/** What a gateway does with a hop-by-hop field that an application sets. */
export type HopByHopPolicy = 'error' | 'drop';

/** What nobody is shown before there are others. */
const NO_HEADERS: HeaderList = [];

/** The response of one request, as far as the application has made it known. */
export class ResponseState {
  state: 'idle' | 'started' | 'sent' | 'ended' = 'idle';
  status = '';
  headers: HeaderList = NO_HEADERS;
  /** The Content-Length that the application declared. */
  declaredLength: number | undefined;
  /** Why the response cannot be sent as it is: a startResponse that failed, or an error the application swallowed. */
  failure: { readonly error: unknown } | undefined;
  /** Whether the head says that there is no content: to HEAD, or 204, or 304. */
  isBodiless = false;
  /** Whether the status may be 1xx, which then is all there is of the response. */
  mayBeInterim = false;
  /** Whether the application sent more than it declared. */
  hasExceeded = false;
  /** The octets that may still be sent, once the head has left; infinite where no length is known. */
  #allowance = Number.POSITIVE_INFINITY;
  #parsed: ParsedStatus = lastStatus;
  readonly #isHead: boolean;
  readonly #hopByHop: HopByHopPolicy;

  constructor(isHead: boolean, hopByHop: HopByHopPolicy) {
    this.#isHead = isHead;
    this.#hopByHop = hopByHop;
  }

  /** PEP 3333's startResponse, but for what it returns. */
  start(status: string, headers: HeaderList, excInfo: unknown): void {
    if (this.state === 'ended') throw new ApplicationError('WSGI_ERR_START_RESPONSE_LATE');
    if (excInfo !== undefined && excInfo !== null) {
      if (this.state === 'sent') {
        // Even if the application swallows it: what was sent cannot be taken back, so it must not end well.
        this.failure = { error: excInfo };
        throw excInfo;
      }
    } else if (this.state !== 'idle') {
      throw new ApplicationError('WSGI_ERR_START_RESPONSE_REPEATED');
    }
    this.state = 'started';
    this.failure = undefined;
    this.declaredLength = undefined;
    try {
      this.#parsed = parseStatus(status, this.mayBeInterim);
      this.status = status;
      this.headers = this.#takeHeaders(headers);
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }

  /** Copies and checks the list: the caller may change its own afterwards. */
  #takeHeaders(headers: unknown): HeaderList {
    if (!Array.isArray(headers))
      throw new ApplicationError('WSGI_ERR_HEADERS_INVALID', describeHeaders(headers));
    // As long as the list: a push into an empty one makes room for 17 (V8).
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
      const known = knownName(name);
      switch (known.owner) {
        case 'gateway':
          if (this.#hopByHop === 'drop') continue;
          throw new ApplicationError('WSGI_ERR_HEADER_HOP_BY_HOP', name);
        case 'nobody':
          throw new ApplicationError('WSGI_ERR_HEADER_NAME_INVALID', JSON.stringify(name));
        case 'cgi':
          throw new ApplicationError('WSGI_ERR_HEADER_STATUS');
        case 'framing':
          this.#declareLength(value);
          break;
        case 'application':
      }
      if (value !== known.last.value) {
        if (!isFieldValue(value))
          throw new ApplicationError('WSGI_ERR_HEADER_VALUE_INVALID', `${name}${hintFor(value)}`);
        known.last.change(value);
      }
      copy[count] = [name, value];
      count += 1;
    }
    // To set a length that it has already takes 30 ns (V8 11).
    if (count < copy.length) copy.length = count;
    return copy;
  }

  #declareLength(value: string): void {
    if (this.declaredLength !== undefined) {
      throw new ApplicationError('WSGI_ERR_CONTENT_LENGTH_INVALID', 'it is repeated');
    }
    const length = parseLength(value);
    if (!Number.isSafeInteger(length)) {
      throw new ApplicationError('WSGI_ERR_CONTENT_LENGTH_INVALID', `${JSON.stringify(value)} is no number`);
    }
    this.declaredLength = length;
  }

  /**
   * Makes the head that is to be sent now.
   *
   * @param computedLength The length of the content, where the gateway knows it
   */
  takeHead(computedLength: number | undefined): ResponseHead {
    if (this.failure !== undefined) throw this.failure.error;
    if (this.state === 'idle') {
      throw new ApplicationError('WSGI_ERR_START_RESPONSE_MISSING', 'its response was due');
    }
    const { statusCode, reason } = this.#parsed;
    const isEmptyStatus = statusCode === 204 || statusCode === 304 || statusCode < 200;
    this.isBodiless = this.#isHead || isEmptyStatus;
    let contentLength = this.declaredLength;
    if (contentLength === undefined && !isEmptyStatus && !(this.#isHead && computedLength === 0)) {
      contentLength = computedLength;
    }
    let hasContentLengthField = this.declaredLength !== undefined;
    if (statusCode === 204 || (statusCode === 205 && contentLength !== 0)) {
      // RFC 9110 §8.6: no Content-Length in a 204. §15.3.6: a 205 has no content, and must say so.
      if (hasContentLengthField) {
        this.headers = this.headers.filter(([name]) => ownerOf(name) !== 'framing');
        hasContentLengthField = false;
      }
      contentLength = statusCode === 204 ? undefined : 0;
    }
    this.#allowance = contentLength ?? Number.POSITIVE_INFINITY;
    this.state = 'sent';
    const { status, headers, isBodiless } = this;
    return { status, statusCode, reason, headers, contentLength, hasContentLengthField, isBodiless };
  }

  /** Whether everything that the head announced has been sent, so that nothing more is asked for. */
  get isFull(): boolean {
    return this.state === 'sent' && (this.isBodiless || this.#allowance === 0);
  }

  /** The octets that the head announced and that have not been sent; 0 where it announced no number. */
  get missing(): number {
    return this.isBodiless || this.#allowance === Number.POSITIVE_INFINITY ? 0 : this.#allowance;
  }

  /** Enters a chunk in the ledger and cuts off what the declared length does not cover. */
  clamp(chunk: Uint8Array): Uint8Array {
    if (chunk.length <= this.#allowance) {
      this.#allowance -= chunk.length;
      return chunk;
    }
    const allowed = chunk.subarray(0, this.#allowance);
    this.#allowance = 0;
    this.hasExceeded = true;
    return allowed;
  }
}

/** Content-Length = 1*DIGIT (RFC 9110 §8.6); NaN for anything else. A loop: a pattern takes five times as long. */
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

/** "999 Reason", where the reason may be empty. A final response only: 1xx has ways of its own. */
const STATUS = /^[2-9][0-9][0-9] [\t\x20-\x7e\x80-\xff]*$/;

/** What programs for node:http may have besides. */
const INTERIM_STATUS = /^1[0-9][0-9] [\t\x20-\x7e\x80-\xff]*$/;

/** A status, taken apart. */
interface ParsedStatus {
  readonly status: string;
  readonly statusCode: number;
  /** What follows the space; may be empty. */
  readonly reason: string;
}

/** The status that was parsed last, since most responses have the same: 60 ns of a hello request (Node 20). */
let lastStatus: ParsedStatus = { status: '200 OK', statusCode: 200, reason: 'OK' };

function parseStatus(status: unknown, mayBeInterim: boolean): ParsedStatus {
  if (status === lastStatus.status) return lastStatus;
  if (typeof status !== 'string')
    throw new ApplicationError('WSGI_ERR_STATUS_INVALID', `found ${describe(status)}`);
  const parsed = { status, statusCode: Number(status.slice(0, 3)), reason: status.slice(4) };
  if (STATUS.test(status)) lastStatus = parsed;
  else if (!mayBeInterim || !INTERIM_STATUS.test(status)) {
    throw new ApplicationError('WSGI_ERR_STATUS_INVALID', `found ${JSON.stringify(status)}`);
  }
  return parsed;
}

type Owner = 'application' | 'gateway' | 'cgi' | 'framing' | 'nobody';

/** What is known of a field name. */
interface KnownName {
  readonly owner: Owner;
  /** The value that was found valid last, which most responses repeat; nothing, which is valid too, at first. */
  readonly last: LastValue;
}

/** Applications use few names again and again; what is remembered of them is bounded. */
const MAX_NAMES = 1024;
const MAX_NAME_LENGTH = 64;
const knownNames = new Map<string, KnownName>();

function knownName(name: string): KnownName {
  return knownNames.get(name) ?? learnName(name);
}

function learnName(name: string): KnownName {
  const known = { owner: findOwner(name), last: new LastValue() };
  // Of what is no name nothing is remembered: it may be no native string either.
  const mayRepeat = known.owner !== 'nobody' && name.length <= MAX_NAME_LENGTH;
  if (mayRepeat && knownNames.size < MAX_NAMES) knownNames.set(inOnePiece(name), known);
  return known;
}

/** Tells who may set a header; `nobody` for what is no field name. */
function ownerOf(name: string): Owner {
  return knownName(name).owner;
}

function findOwner(name: string): Owner {
  if (!isToken(name)) return 'nobody';
  if (isHopByHop(name)) return 'gateway';
  const lowerCase = name.toLowerCase();
  if (lowerCase === 'status') return 'cgi';
  return lowerCase === 'content-length' ? 'framing' : 'application';
}

/**
 * Checks headers that do not begin a response: early hints, interim responses, trailers.
 *
 * @throws {@link ApplicationError} as startResponse does, and for Content-Length, which only a response has
 */
export function checkExtraHeaders(headers: HeaderList): HeaderList {
  const state = new ResponseState(false, 'error');
  state.start('200 OK', headers, undefined);
  if (state.declaredLength !== undefined) {
    throw new ApplicationError(
      'WSGI_ERR_CONTENT_LENGTH_INVALID',
      'it belongs to the head of the response and nowhere else',
    );
  }
  return state.headers;
}

function describeHeaders(headers: unknown): string {
  const found = `found ${describe(headers)}`;
  if (typeof headers !== 'object' || headers === null) return found;
  return `${found}; pass ${Symbol.iterator in headers ? '[...headers]' : 'Object.entries(headers)'}`;
}

function hintFor(value: string): string {
  return /[^\0-\xff]/.test(value) ? '; encodeNative makes such text a header value' : '';
}

/** Names a value's type for an error message. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value;
  if (value instanceof Promise) return 'a promise: await it';
  const { name } = value.constructor ?? {};
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : 'an object';
}
