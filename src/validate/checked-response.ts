/**
 * The response of an application as the validator sees it: startResponse and write, checked, and the count of its content.
 *
 * It passes everything on, so that the response is the same with and without the validator.
 */
import { isError } from '../errors.ts';
import { describe } from '../gateway/describe.ts';
import { mistakenChunk } from '../gateway/mistaken-body.ts';
import { LONE_SURROGATE } from '../gateway/native-string.ts';
import { isOctets } from '../gateway/octets.ts';
import { isPromise, toPromise } from '../gateway/promise.ts';
import type { Chunk, StartResponse, Write } from '../wsgi.ts';
import { type CheckedHead, checkHead, isContentless } from './check-head.ts';
import { LentChunk } from './lent-chunk.ts';
import type { Reporter } from './reporter.ts';
import { currentPlace } from './validation-error.ts';

/** Encodes strings where there is no Buffer. */
const utf8 = new TextEncoder();

/** The checks of one response. */
export class CheckedResponse {
  readonly reporter: Reporter;
  /** A wrapped program has said that its status may be 1xx. */
  mayBeInterim = false;
  /** startResponse was called, also if that failed. */
  isStarted = false;
  /** The application has the socket. */
  isHandedOver = false;
  /** The server iterates the body, or has the array. */
  isIterated = false;
  /** The body has ended by itself, and the server did not fail. */
  isComplete = false;
  /** The body is a file; Content-Length may cover a part of it (PEP 3333, Optional Platform-Specific File Handling). */
  isFile = false;
  readonly #startResponse: StartResponse;
  readonly #isHead: boolean;
  #head: CheckedHead = { statusCode: undefined, hasContentType: true, contentLength: undefined };
  /** The server has sent the head, so that excInfo must be thrown. */
  #isHeadSent = false;
  /** Octets that were written and yielded. */
  #length = 0;

  constructor(startResponse: StartResponse, isHead: boolean, reporter: Reporter) {
    this.reporter = reporter;
    this.#startResponse = startResponse;
    this.#isHead = isHead;
  }

  /** The startResponse of the application. */
  readonly startResponse: StartResponse = (...values) => {
    const { reporter } = this;
    const [status, headers, excInfo] = values;
    reporter.origin = currentPlace();
    if (values.length < 2 || values.length > 3)
      reporter.caller('start-response-57-arguments', `found ${values.length} arguments`);
    const isReplacement = excInfo !== undefined && excInfo !== null;
    if (this.isHandedOver) reporter.caller('upgrade-254-no-response', 'startResponse was called');
    else if (this.isComplete)
      reporter.caller('start-response-89-after-the-end', `found status ${JSON.stringify(status)}`);
    if (this.isStarted && !isReplacement)
      reporter.caller('start-response-72-second-call', `found status ${JSON.stringify(status)}`);
    // A failed call counts as a call (PEP 3333).
    this.isStarted = true;
    if (isReplacement) this.#checkExcInfo(excInfo);
    const isDue = isReplacement && this.#isHeadSent;
    if (!isDue && values.length > 1)
      this.#head = checkHead(status, headers, { reporter, mayBeInterim: this.mayBeInterim });
    const write: unknown = isDue
      ? this.#reraise(values)
      : Reflect.apply(this.#startResponse, undefined, values);
    if (typeof write !== 'function') {
      reporter.caller('start-response-80-write', `found ${describe(write)}`);
      // Passed on as the server gave it.
      return write as Write;
    }
    // A server of any kind has given it: the result is checked.
    return this.#checkedWrite(write as (data: Chunk) => unknown);
  };

  #checkExcInfo(excInfo: unknown): void {
    const isTuple = Array.isArray(excInfo) && excInfo.length === 3;
    if (!isTuple && !isError(excInfo))
      this.reporter.caller('start-response-78-exc-info', `found ${describe(excInfo)}`);
  }

  /** The server must throw the very value. */
  #reraise(values: Parameters<StartResponse>): unknown {
    const rule = 'start-response-76-reraise';
    let write: unknown;
    try {
      write = Reflect.apply(this.#startResponse, undefined, values);
    } catch (error) {
      if (error !== values[2]) this.reporter.caller(rule, `found ${describe(error)}`);
      throw error;
    }
    this.reporter.caller(rule, 'nothing was thrown');
    return write;
  }

  #checkedWrite(write: (data: Chunk) => unknown): Write {
    return (...values) => {
      const { reporter } = this;
      if (values.length !== 1) reporter.caller('write-95-arguments', `found ${values.length} arguments`);
      const [data] = values;
      const isEmpty = (typeof data === 'string' || isOctets(data)) && data.length === 0;
      if (this.isHandedOver) reporter.caller('upgrade-254-no-response', 'write was called');
      else if (this.isComplete) reporter.caller('write-90-after-the-end', `found ${describe(data)}`);
      else if (this.isIterated && !isEmpty)
        reporter.caller('write-92-while-iterating', `found ${describe(data)}`);
      this.checkChunk(data, 'caller');
      const lent = isOctets(data) && !isEmpty ? new LentChunk(data) : undefined;
      const result = write(lent?.given ?? data);
      if (!isPromise(result)) {
        reporter.caller('write-94-promise', `found ${describe(result)}`);
        // Passed on as the server gave it.
        return result as Promise<void>;
      }
      return this.#settled(toPromise(result), lent);
    };
  }

  #settled(taken: Promise<unknown>, lent: LentChunk | undefined): Promise<void> {
    const settled = taken.then(
      () => {
        this.#isHeadSent = true;
        lent?.takeBack(this.reporter, 'late');
      },
      (error: unknown) => {
        lent?.takeBack(this.reporter, 'late');
        throw error;
      },
    );
    // The application may ignore the promise, as on a host.
    settled.catch(() => {});
    return settled;
  }

  /**
   * Checks a chunk, and counts it.
   *
   * @param chunk What the application wrote or yielded, of any type
   * @param how The way to report it
   */
  checkChunk(chunk: unknown, how: 'caller' | 'result'): void {
    const { reporter } = this;
    if (this.isHandedOver) reporter[how]('upgrade-254-no-response', `found ${describe(chunk)}`);
    else if (!this.isStarted) reporter[how]('body-102-start-response-first', `found ${describe(chunk)}`);
    if (isOctets(chunk)) {
      this.#count(chunk.length, how);
    } else if (typeof chunk === 'string' && !LONE_SURROGATE.test(chunk)) {
      reporter[how]('body-101-strings', `found ${shown(chunk)}; pass Buffer.from(text)`);
      this.#count(utf8.encode(chunk).length, how);
    } else {
      const found = typeof chunk === 'string' ? 'a string with a lone surrogate' : mistakenChunk(chunk);
      reporter[how]('body-101-octets', `found ${found}`);
    }
  }

  #count(length: number, how: 'caller' | 'result'): void {
    if (length === 0) return;
    const { reporter } = this;
    const { statusCode, hasContentType, contentLength } = this.#head;
    this.#length += length;
    if (isContentless(statusCode)) {
      reporter[how]('body-114-no-content', `found ${length} octets with a status of ${statusCode}`);
    } else if (this.#isHead) {
      reporter[how]('body-139-head', `found ${length} octets`);
    } else {
      if (!hasContentType)
        reporter[how]('start-response-70-content-type', `found ${length} octets without one`);
      if (contentLength !== undefined && this.#length > contentLength && !this.isFile)
        reporter[how](
          'body-139-too-long',
          `found ${this.#length} octets or more, declared were ${contentLength}`,
        );
    }
  }

  /** The server asks for what comes after a chunk, so that it has sent that, and the head. */
  noteSent(): void {
    if (this.#length > 0) this.#isHeadSent = true;
  }

  /** Checks the response at the end of its body. */
  checkEnd(): void {
    const { reporter } = this;
    if (this.isHandedOver) return;
    if (!this.isStarted) reporter.result('start-response-84-called', 'it was never called');
    const { statusCode, contentLength } = this.#head;
    const isExempt = this.#isHead || isContentless(statusCode) || contentLength === undefined;
    if (!isExempt && this.#length < contentLength)
      reporter.result('body-139-too-short', `found ${this.#length} octets, declared were ${contentLength}`);
  }
}

/** Characters of a string to show. */
const SHOWN = 20;

function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
}
