/** Gives a `Response` to a gateway. It may be of any class that has the members. */
import { ApplicationError, type Body, type Environ, type StartResponse } from '../../src/index.ts';
import { partsOf } from './light-response.ts';
import { readContent } from './response-body.ts';
import { headersOf, statusOf, withoutCoding } from './response-head.ts';

/** The members of a `Response` that count. */
export interface ResponseLike {
  readonly status: number;
  readonly statusText?: string | undefined;
  /** `default` if a program has made it, something else if it comes from `fetch`. */
  readonly type?: string | undefined;
  readonly headers: Iterable<readonly [name: string, value: string]> & { get?(name: string): string | null };
  readonly body: ReadableStream<unknown> | null;
  readonly bodyUsed?: boolean | undefined;
}

/** Tells if a value is a response, of this runtime or of a library. */
export function isResponse(value: unknown): value is ResponseLike {
  return (
    typeof value === 'object' &&
    value !== null &&
    'status' in value &&
    typeof value.status === 'number' &&
    'headers' in value &&
    'body' in value
  );
}

/**
 * Gives a response to a gateway.
 *
 * @returns the body: an array if all content is there
 * @throws {@link ApplicationError} if it cannot be sent
 */
export function respond(
  response: ResponseLike,
  environ: Environ,
  startResponse: StartResponse,
): Body | Promise<Body> {
  const parts = partsOf(response);
  if (parts !== undefined) {
    startResponse(statusOf(parts.status, ''), headersOf(parts.fields));
    return parts.octets === undefined ? [] : [parts.octets];
  }
  const { status, statusText, body } = response;
  if (!(status >= 200))
    throw invalid(`its status is ${status}${status === 0 ? ', as of Response.error()' : ''}`);
  if (body !== null) assertReadable(response, body);
  const write = startResponse(statusOf(status, statusText), fieldsOf(response));
  if (body === null) return [];
  if (environ.REQUEST_METHOD !== 'HEAD') return readContent(body, write);
  body.cancel().catch(ignore);
  return [];
}

function assertReadable(response: ResponseLike, body: ReadableStream<unknown>): void {
  if (typeof body?.getReader !== 'function') throw invalid('its body is no ReadableStream');
  if (response.bodyUsed === true)
    throw invalid('its body has been read; return response.clone() to read one too');
  if (body.locked) throw invalid('its body is locked by a reader');
}

function fieldsOf({ headers, type, body }: ResponseLike): ReturnType<typeof headersOf> {
  const fields = headersOf(headers);
  if (type === undefined || type === 'default' || body === null) return fields;
  const codings = headers.get?.('content-encoding') ?? '';
  return codings === '' ? fields : withoutCoding(fields, codings);
}

function invalid(what: string): ApplicationError {
  return new ApplicationError('WSGI_ERR_RESPONSE_INVALID', what);
}

function ignore(): void {}
