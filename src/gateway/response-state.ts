/**
 * The state of a response: its head as startResponse stored it, and how much content may still be sent.
 *
 * This file sends nothing: response-writer.ts does. The order of events is in run-application.ts.
 *
 * States: `idle` until startResponse is called, `started` until the head is sent, then `sent`, finally `ended`.
 * A call stores first and checks afterwards, as in the sample gateway of PEP 3333: after a failed call, the next one
 * needs excInfo, and the failed head cannot be sent.
 */
import { ApplicationError } from '../errors.ts';
import type { ResponseHead } from '../port.ts';
import type { HeaderList } from '../wsgi.ts';
import { describe } from './describe.ts';
import { ownCopy } from './name-memory.ts';
import {
  type HopByHopPolicy,
  type LengthDeclaration,
  takeHeaders,
  withoutLength,
} from './response-headers.ts';

/** Shared by all responses that have no headers yet; never changed. */
const NO_HEADERS: HeaderList = [];

/** The response to one request, as the application has described it so far. */
export class ResponseState implements LengthDeclaration {
  state: 'idle' | 'started' | 'sent' | 'ended' = 'idle';
  status = '';
  headers: HeaderList = NO_HEADERS;
  /** Octets that the application declared in Content-Length. */
  declaredLength: number | undefined;
  /** The reason why the response must fail: a failed startResponse, or an error that the application caught. */
  failure: { readonly error: unknown } | undefined;
  /** The head allows no content: it answers HEAD, or its status is 204 or 304. */
  isBodiless = false;
  /** The status may be 1xx. The response then consists of its head alone. */
  mayBeInterim = false;
  /** The application sent more than it declared. */
  hasExceeded = false;
  /** Octets of content that the head allows; Infinity if the length is unknown. */
  #length = Number.POSITIVE_INFINITY;
  /** Octets that may still be sent after the head; Infinity if the length is unknown. */
  #allowance = Number.POSITIVE_INFINITY;
  #parsed: ParsedStatus = lastStatus;
  readonly #isHead: boolean;
  readonly #hopByHop: HopByHopPolicy;

  constructor(isHead: boolean, hopByHop: HopByHopPolicy) {
    this.#isHead = isHead;
    this.#hopByHop = hopByHop;
  }

  /** PEP 3333's startResponse, without its return value. */
  start(status: string, headers: Readonly<HeaderList>, excInfo: unknown): void {
    const isReplacement = excInfo !== undefined && excInfo !== null;
    if (this.state === 'ended') {
      throw new ApplicationError(
        'WSGI_ERR_START_RESPONSE_LATE',
        '',
        isReplacement ? { cause: excInfo } : undefined,
      );
    }
    if (isReplacement) {
      if (this.state === 'sent') {
        // The response must fail even if the application catches this, because the head cannot be replaced any more.
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
      // The cached copy, because hosts compare it with the latest status.
      this.status = this.#parsed.status;
      this.headers = takeHeaders(headers, this.#hopByHop, this);
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }

  /**
   * Makes the head to send.
   *
   * @param computedLength Octets of content, if the gateway knows them
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
      // RFC 9110 §8.6: a 204 has no Content-Length. §15.3.6: a 205 has no content and must declare that.
      if (hasContentLengthField) {
        this.headers = withoutLength(this.headers);
        hasContentLengthField = false;
      }
      contentLength = statusCode === 204 ? undefined : 0;
    }
    this.#length = contentLength ?? Number.POSITIVE_INFINITY;
    this.#allowance = this.#length;
    this.state = 'sent';
    const { status, headers, isBodiless } = this;
    return { status, statusCode, reason, headers, contentLength, hasContentLengthField, isBodiless };
  }

  /** All declared content has been sent, so that the iteration can stop. */
  get isFull(): boolean {
    return this.state === 'sent' && (this.isBodiless || this.#allowance === 0);
  }

  /** Declared octets that have not been sent; 0 if the head declares no length. */
  get missing(): number {
    return this.isBodiless || this.#allowance === Number.POSITIVE_INFINITY ? 0 : this.#allowance;
  }

  /** Makes the fault of content beyond its length. A 205 has none at all (RFC 9110 §15.3.6). */
  surplus(): ApplicationError {
    return this.#parsed.statusCode === 205
      ? new ApplicationError('WSGI_ERR_CONTENT_FORBIDDEN', this.status)
      : new ApplicationError('WSGI_ERR_CONTENT_LENGTH_EXCEEDED', this.#length);
  }

  /** Counts a chunk, and cuts off the part that exceeds the declared length. */
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

/** "999 Reason"; the reason may be empty. Final responses only: 1xx is sent through extension keys. */
const STATUS = /^[2-9][0-9][0-9] [\t\x20-\x7e\x80-\xff]*$/;

/** An interim status, which programs for node:http may also send as a response. */
const INTERIM_STATUS = /^1[0-9][0-9] [\t\x20-\x7e\x80-\xff]*$/;

/** A parsed status. */
interface ParsedStatus {
  readonly status: string;
  readonly statusCode: number;
  /** The reason phrase; may be empty. */
  readonly reason: string;
}

/** The latest status. Most responses repeat it. */
let lastStatus: ParsedStatus = { status: '200 OK', statusCode: 200, reason: 'OK' };

/** Parsed statuses. Their number is limited, because an application may generate reason phrases. */
const statuses = new Map<string, ParsedStatus>();
const MAX_STATUSES = 64;
/** Characters. */
const MAX_STATUS_LENGTH = 64;

function parseStatus(status: unknown, mayBeInterim: boolean): ParsedStatus {
  if (status === lastStatus.status) return lastStatus;
  if (typeof status !== 'string')
    throw new ApplicationError('WSGI_ERR_STATUS_INVALID', `found ${describe(status)}`);
  const known = statuses.get(status);
  if (known !== undefined) {
    lastStatus = known;
    return known;
  }
  const isFinal = STATUS.test(status);
  if (!isFinal && !(mayBeInterim && INTERIM_STATUS.test(status))) {
    throw new ApplicationError('WSGI_ERR_STATUS_INVALID', `found ${JSON.stringify(status)}`);
  }
  const own = ownCopy(status);
  const parsed = { status: own, statusCode: Number(own.slice(0, 3)), reason: own.slice(4) };
  if (isFinal && own.length <= MAX_STATUS_LENGTH) {
    lastStatus = parsed;
    if (statuses.size < MAX_STATUSES) statuses.set(own, parsed);
  }
  return parsed;
}
