/**
 * Makes the response to a failure, and has the failure logged.
 *
 * The client gets only the reason phrase, unless the deployer sets the option `exposeErrors`.
 */
import {
  ApplicationError,
  type DisconnectError,
  isError,
  isProtocolError,
  isUpstreamError,
} from '../errors.ts';
import type { ResponseHead, ResponseSink } from '../port.ts';
import { logError, type RequestLog } from './failure-log.ts';
import { encodeUtf8 } from './platform.ts';
import { reasonPhrase } from './reason-phrase.ts';
import { showError } from './show-error.ts';

/** The response to a failure before the head was sent. */
export interface FailureResponse {
  readonly head: ResponseHead;
  readonly content: Uint8Array;
}

/**
 * Makes the response to a failure: 500, or the status of a {@link ProtocolError} or an {@link UpstreamError} that the
 * application did not catch.
 *
 * @param error The thrown value
 * @param isHead The request is a HEAD request
 * @param exposeErrors The content is the stack
 */
export function failureResponse(error: unknown, isHead: boolean, exposeErrors: boolean): FailureResponse {
  const isUpstream = isUpstreamError(error);
  const statusCode = isUpstream || isProtocolError(error) ? error.statusCode : 500;
  const further = isUpstream ? Object.entries(error.headers ?? {}) : [];
  const reason = reasonPhrase(statusCode);
  const content = encodeUtf8(`${exposeErrors ? showError(error) : reason}\n`);
  return {
    head: {
      status: `${statusCode} ${reason}`,
      statusCode,
      reason,
      headers: [['Content-Type', 'text/plain; charset=utf-8'], ...further],
      contentLength: content.length,
      hasContentLengthField: false,
      isBodiless: isHead,
    },
    content,
  };
}

/** The setting of a response to a failure. */
export interface FailureSetting {
  readonly log: RequestLog;
  /** The content is the stack. */
  readonly exposeErrors: boolean;
}

/** Answers a failure before the head, and logs it unless the client is to blame. */
export function answerFailure(
  sink: ResponseSink,
  error: unknown,
  { log, exposeErrors }: FailureSetting,
): void {
  const isFaultOfClient = isProtocolError(error);
  if (!isFaultOfClient) logError(log, error);
  const { head, content } = failureResponse(error, log.method === 'HEAD', exposeErrors);
  // After malformed content the start of the next request is uncertain.
  if (isFaultOfClient) sink.direct?.({ close: true });
  sink.writeHead(head);
  (head.isBodiless ? sink.end() : sink.end(content))?.catch(() => {});
}

/** Aborts after the sink threw while it handled a failure, so that the client does not wait for ever. Never throws. */
export function giveUp(sink: ResponseSink, error: unknown, log: RequestLog): void {
  try {
    sink.abort(error);
  } catch (inner) {
    logError(log, inner);
  }
}

/** Makes a failure of the error of another client, because hosts take a DisconnectError for their own client's departure. */
export function departureOfAnother(cause: DisconnectError): ApplicationError {
  const detail = `a DisconnectError of another client (${cause.message})`;
  return new ApplicationError('WSGI_ERR_THROWN_VALUE', detail, { cause });
}

/** Gives the cause of an error. Never throws, though a proxy may. */
export function causeOf(error: unknown): unknown {
  try {
    return isError(error) ? error.cause : undefined;
  } catch {
    return undefined;
  }
}

/** Codes of the errors of a stream of node that was destroyed before its end. */
const DESTROYED: ReadonlySet<unknown> = new Set(['ABORT_ERR', 'ERR_STREAM_PREMATURE_CLOSE']);

/** Tells if a stream of node says with an error that it was destroyed before its end. Never throws. */
export function isEndOfStream(error: unknown): boolean {
  try {
    return isError(error) && DESTROYED.has(Reflect.get(error, 'code'));
  } catch {
    return false;
  }
}
