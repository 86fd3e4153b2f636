/**
 * Error classes. The codes, with statuses, sources and messages, are in error-table.ts.
 *
 * Rule 1: the class says who is to blame, the code says what happened, the message is for people.
 *         Codes are part of the interface; messages may change in any release.
 * Rule 2: the gateway sends a client the reason phrase of the status, and the message only with `exposeErrors`.
 * Rule 3: a wrong argument is a TypeError or RangeError at the call and has no code in the table.
 *
 * Compare `error.code`; `instanceof` fails across realms and copies of the package.
 */
import { ERRORS, type ErrorCode, type ErrorEntry } from './error-table.ts';

export { ERRORS, type ErrorCode } from './error-table.ts';

type CodeOf<Party extends ErrorEntry['party']> = {
  [Code in ErrorCode]: (typeof ERRORS)[Code]['party'] extends Party ? Code : never;
}[ErrorCode];

/** Base of the error classes. It is not exported, so that code catches one class at a time. */
abstract class GatewayError<Party extends ErrorEntry['party']> extends Error {
  /** The code in the table. Compare this, not the message. */
  readonly code: CodeOf<Party>;
  /** The status of the response, if the head has not been sent yet. */
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

  /** The broken rule: an RFC or PEP section. */
  get source(): string {
    return ERRORS[this.code].source;
  }
}

/** The client broke RFC 9110 or 9112. It gets `statusCode`, and the connection is closed. */
export class ProtocolError extends GatewayError<'client'> {
  override readonly name = 'ProtocolError';
}

/** The application broke PEP 3333. The response is a 500, or is cut off if its head has been sent. */
export class ApplicationError extends GatewayError<'application'> {
  override readonly name = 'ApplicationError';
}

/** Details of an {@link UpstreamError}. */
export interface UpstreamErrorOptions extends ErrorOptions {
  /** Fields of the response to it, such as `Retry-After`. Express and Fastify send them too. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * The program behind a from-bridge failed. The response is a 502, 503 or 504, or is cut off if its head has been sent.
 *
 * It has no stack, because the place in our code tells nothing about the program.
 */
export class UpstreamError extends GatewayError<'upstream'> {
  override readonly name = 'UpstreamError';
  /** Fields of the response. Express and Fastify read them under this name. */
  readonly headers: Readonly<Record<string, string>> | undefined;

  constructor(code: CodeOf<'upstream'>, detail: string, options: UpstreamErrorOptions = {}) {
    super(code, detail, options);
    this.headers = options.headers;
    Object.defineProperty(this, 'stack', { value: `${this.name}: ${this.message}` });
  }
}

/** The client left before the exchange was complete. `close()` runs, and the error is not logged. */
export class DisconnectError extends GatewayError<'nobody'> {
  override readonly name = 'DisconnectError';
}

/**
 * Creates the error for a client that left.
 *
 * @param part The incomplete message
 * @param cause The error that reported it
 */
export function disconnection(part: 'request' | 'response', cause?: unknown): DisconnectError {
  return new DisconnectError('WSGI_ERR_DISCONNECTED', part, cause === undefined ? undefined : { cause });
}

/**
 * Tells if a thrown value is an error, of this realm or another. Never throws.
 *
 * Code under Jest, and in any context of `vm`, has an Error of its own; those of node's modules are no instances of it.
 */
export function isError(value: unknown): value is Error {
  try {
    if (value instanceof Error) return true;
    if (typeof value !== 'object' || value === null || !('stack' in value && 'message' in value))
      return false;
    return typeof value.stack === 'string' && typeof value.message === 'string';
  } catch {
    // A proxy may throw when it is inspected.
    return false;
  }
}

/** Tells if a thrown value is a {@link ProtocolError}, of any copy of this package. Never throws. */
export function isProtocolError(value: unknown): value is ProtocolError {
  return partyOf(value) === 'client';
}

/** Tells if a thrown value is an {@link UpstreamError}, of any copy of this package. Never throws. */
export function isUpstreamError(value: unknown): value is UpstreamError {
  return partyOf(value) === 'upstream';
}

/** Tells if a thrown value is a {@link DisconnectError}, of any copy of this package. Never throws. */
export function isDisconnection(value: unknown): value is DisconnectError {
  return partyOf(value) === 'nobody';
}

/**
 * Creates the error by which a wrapped program cuts off its own client. That is no failure, and is not logged.
 *
 * @param cause The error with which the program destroyed the connection
 */
export function cutByProgram(cause?: unknown): DisconnectError {
  return Object.defineProperty(disconnection('response', cause), CUT, { value: true });
}

/** Tells if a thrown value is that of {@link cutByProgram}. Never throws. */
export function isCutByProgram(value: unknown): boolean {
  return isDisconnection(value) && CUT in value;
}

const CUT = Symbol.for('gatebridge.cut');

/**
 * Finds out who is to blame, by code and status: `instanceof` fails across copies of the package. A later version may
 * have other codes.
 */
function partyOf(value: unknown): ErrorEntry['party'] | undefined {
  try {
    if (!(typeof value === 'object' && value !== null && 'code' in value && 'statusCode' in value))
      return undefined;
    const { code, statusCode } = value;
    if (typeof code !== 'string' || !code.startsWith('WSGI_ERR_')) return undefined;
    // The line itself checks that the table has the code.
    const entry: ErrorEntry | undefined = Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode] : undefined;
    if (entry !== undefined) return entry.statusCode === statusCode ? entry.party : undefined;
    return Number(statusCode) >= 400 && Number(statusCode) < 499 ? 'client' : undefined;
  } catch {
    // A proxy may throw when it is inspected.
    return undefined;
  }
}
