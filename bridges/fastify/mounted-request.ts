/**
 * The requests of a wrapped instance that is mounted below a path.
 *
 * Fastify routes by `req.url`, which lacks the mount; `req.originalUrl` has it. But @fastify/middie and @fastify/express
 * write `req.url` to `req.originalUrl`, and middie takes it back from there after each middleware. Middleware such as
 * serve-static would redirect to URLs without the mount. So here what they write is shown with the mount, and what is
 * taken back is put into `req.url` without it.
 *
 * Rule: a request costs no more unless a plugin writes to `originalUrl`.
 */
import { IncomingMessage } from 'node:http';
import { withMount } from '../_node/routing.ts';

const FULL = Symbol('gatebridge.originalUrl');

interface MountedRequest extends IncomingMessage {
  /** The whole target, once it is known. */
  [FULL]?: unknown;
  readonly baseUrl?: string;
}

/** The prototype of such requests. */
export const MOUNTED_REQUEST: object = Object.create(IncomingMessage.prototype, {
  originalUrl: {
    configurable: true,
    get(this: MountedRequest): unknown {
      return this[FULL];
    },
    set(this: MountedRequest, value: unknown) {
      // The first value is that of the mount itself.
      if (this[FULL] === undefined) this[FULL] = value;
      else if (this[FULL] !== value) keepMount(this, this[FULL], value);
    },
  },
});

/**
 * Replaces both properties by accessors of the request's own: Express exchanges the prototype.
 *
 * @param received The whole target
 * @param written What a plugin has written in its place
 */
function keepMount(request: MountedRequest, received: unknown, written: unknown): void {
  const mount = request.baseUrl ?? '';
  let { url } = request;
  /** The value that a plugin has saved; `full` is the same with the mount. */
  let inner: unknown;
  let full: unknown = received;
  const save = (value: unknown): void => {
    if (value === full) return;
    inner = value;
    const isRest = typeof value === 'string' && (value === url || withMount(value, mount) === received);
    full = isRest ? withMount(value, mount) : value;
  };
  save(written);
  Object.defineProperties(request, {
    originalUrl: { configurable: true, enumerable: true, get: () => full, set: save },
    url: {
      configurable: true,
      enumerable: true,
      get: () => url,
      set(value: string) {
        // Whatever else middleware writes is a target below the mount.
        url = value === full && typeof inner === 'string' ? inner : value;
      },
    },
  });
}
