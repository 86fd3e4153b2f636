/**
 * Shows tools the content that a gateway application reads in the place of a program.
 *
 * Sentry patches `on` of a request, to see what listeners for 'data' get. The application reads `wsgi.input` instead,
 * so the request emits the pieces as they are read, and its end. Nobody can read from it.
 */
import { closeQuietly, type RequestMessage } from '../../node-internals/index.ts';
import type { Environ } from '../../wsgi.ts';
import { contentLength } from './content-feed.ts';

/** The gateway's own `wsgi.input`. */
interface ObservedInput {
  observe(observer: (piece: Uint8Array | null) => void): void;
}

/** Shows the content, if a tool has patched the request. */
export function showContent(environ: Environ, request: RequestMessage): void {
  if (request.complete || !Object.hasOwn(request, 'on')) return;
  const input: object = environ['wsgi.input'];
  if (!('observe' in input && typeof input.observe === 'function')) return;
  // Paused, so that the listener asks for nothing.
  request.pause();
  request.on('data', ignore);
  let left = contentLength(environ, request);
  // The check before says so.
  (input as ObservedInput).observe((piece) => {
    if (request.complete) return;
    left -= piece?.length ?? 0;
    try {
      if (piece !== null) request.emit('data', Buffer.from(piece));
      if (piece === null || left <= 0) showEnd(request);
    } catch (error) {
      // As on node, an error of a listener is uncaught; it is not the application's.
      process.nextTick(rethrow, error);
    }
  });
}

function showEnd(request: RequestMessage): void {
  request.complete = true;
  request.emit('end');
  if (closeQuietly(request)) process.nextTick(emitClose, request);
}

function emitClose(request: RequestMessage): void {
  request.emit('close');
}

function ignore(): void {}

function rethrow(error: unknown): never {
  throw error;
}
