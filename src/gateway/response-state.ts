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

/** The response of one request, as far as the application has made it known. */
export class ResponseState implements LengthDeclaration {
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
      // The copy that is remembered: hosts remember the latest status too.
      this.status = this.#parsed.status;
      this.headers = takeHeaders(headers, this.#hopByHop, this);
    } catch (error) {
      this.failure = { error };
      throw error;
    }
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
        this.headers = withoutLength(this.headers);
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

/** The latest status; most responses have the same one. */
let lastStatus: ParsedStatus = { status: '200 OK', statusCode: 200, reason: 'OK' };

/** Parsed statuses. An application uses few of them, but may make any number of reason phrases. */
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
  if (isFinal && statuses.size < MAX_STATUSES && own.length <= MAX_STATUS_LENGTH) statuses.set(own, parsed);
  return parsed;
}
