/**
 * Errors as classes: who is to blame. What happened, by which rule, and what the client is told is error-table.ts's.
 *
 * Rule 1: the class says who is to blame, the code says what happened, the message is for people.
 *         Codes are part of the interface; messages may change in any release.
 * Rule 2: nothing in a message reaches a client; a client sees the reason phrase of the status.
 * Rule 3: what a programmer passes wrongly is a TypeError or RangeError at the call, and not in the table.
 *
 * Across realms and copies of the package compare `error.code`, not `instanceof`.
 */
import { ERRORS, type ErrorCode, type ErrorEntry } from './error-table.ts';

export { ERRORS, type ErrorCode } from './error-table.ts';

type CodeOf<Party extends ErrorEntry['party']> = {
  [Code in ErrorCode]: (typeof ERRORS)[Code]['party'] extends Party ? Code : never;
}[ErrorCode];

/** What all errors of the table have in common; not exported, because nobody should catch it whole. */
abstract class GatewayError<Party extends ErrorEntry['party']> extends Error {
  /** The code of the table; compare this, not the message. */
  readonly code: CodeOf<Party>;
  /** The status that a gateway answers with while the head has not left. */
  readonly statusCode: number;

  constructor(code: CodeOf<Party>, detail: unknown = '', options?: ErrorOptions) {
    const entry: ErrorEntry = ERRORS[code];
    super(
      entry.message.replace('{detail}', () => String(detail)),
      options,
    );
    this.code = code;
    this.statusCode = entry.statusCode;
  }

  /** The rule that was broken: an RFC or PEP section. */
  get source(): string {
    return ERRORS[this.code].source;
  }
}

/** The client broke RFC 9110 or 9112: it gets `statusCode` and the connection is closed. */
export class ProtocolError extends GatewayError<'client'> {
  override readonly name = 'ProtocolError';
}

/** The application broke PEP 3333: 500 before the head, a cut connection after it. */
export class ApplicationError extends GatewayError<'application'> {
  override readonly name = 'ApplicationError';
}

/** The client left before the exchange was complete: `close()` runs, and nothing is logged as an error. */
export class DisconnectError extends GatewayError<'nobody'> {
  override readonly name = 'DisconnectError';
}

/**
 * Makes the error of a client that left.
 *
 * @param part The message that is not complete
 * @param cause The error that told of it
 */
export function disconnection(part: 'request' | 'response', cause?: unknown): DisconnectError {
  return new DisconnectError('WSGI_ERR_DISCONNECTED', part, cause === undefined ? undefined : { cause });
}
