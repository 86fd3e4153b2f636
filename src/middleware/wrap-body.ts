/** Wraps the body that an inner application gives. */
import { isPromise, toPromise } from '../gateway/promise.ts';
import type { Body } from '../wsgi.ts';
import { type BodyHooks, wrapWith } from './wrapped-body.ts';

type OnChunk = BodyHooks['onChunk'];

/**
 * Wraps a body: sees or changes its chunks, and is told when it is closed.
 *
 * Closing, early returns and `Symbol.asyncDispose` reach the inner body once, as the gateway would close it. A synchronous
 * iterable stays synchronous. An array stays an array, so that the gateway can send it with its length: `onChunk` then sees
 * all chunks, and `onClose` runs, before this function returns. The chunks that an inner application sends by `write` are
 * no part of its body: see {@link holdHead}.
 *
 * @param body The body of the inner application, or the promise of an async one
 * @param onChunk Called with each chunk. Gives the chunk to send instead; an empty one if there is nothing to send yet
 *   (PEP 3333, Middleware Handling of Block Boundaries), undefined to leave it as it is, {@link END_OF_BODY} to end the
 *   content before it. If it changes the length of the content, Content-Length must be changed too
 * @param onClose Called once, after the inner body was closed: also if the promise rejects, or gives no body. The gateway
 *   waits for a promise that it returns
 * @returns the wrapped body, or a promise of it if `body` is one
 * @throws {@link ApplicationError} if the value is no body
 * @example
 * return wrapBody(application(environ, startResponse), undefined, () => connection.release());
 */
export function wrapBody(body: Body, onChunk?: OnChunk, onClose?: () => unknown): Body;
export function wrapBody(
  body: Body | Promise<Body>,
  onChunk?: OnChunk,
  onClose?: () => unknown,
): Body | Promise<Body>;
export function wrapBody(
  body: Body | Promise<Body>,
  onChunk?: OnChunk,
  onClose?: () => unknown,
): Body | Promise<Body> {
  const hooks = { onChunk, onClose };
  if (!isPromise(body)) return wrapWith(body, hooks);
  const fail = async (error: unknown): Promise<never> => {
    try {
      await onClose?.();
    } catch {
      // The failure of the application counts more.
    }
    throw error;
  };
  return toPromise(body).then((given) => wrapWith(given, hooks), fail);
}
