/** The middleware under audit. */
import type { AuditMiddleware } from '../../src/conformance/index.ts';
import { dispatch, holdHead, type Middleware, trustedProxy } from '../../src/middleware/index.ts';
import { validate } from '../../src/validate/index.ts';
import type { Chunk } from '../../src/wsgi.ts';
import { LAYERS, layerOf } from '../middleware/layers.ts';

/** Changes each chunk, with the parts that the package gives to authors of middleware. */
function changing(onChunk: (chunk: Buffer) => Chunk): Middleware {
  return layerOf((inner) => (environ, startResponse) => {
    const held = holdHead(startResponse, {
      onHead: ({ headers }) => headers.delete('Content-Length'),
      onChunk: (chunk) => onChunk(Buffer.from(chunk)),
    });
    return held.body(inner(environ, held.startResponse));
  });
}

/** The middleware of the package, and two that are made of its parts. */
export const MIDDLEWARE: AuditMiddleware = {
  transparent: { ...LAYERS, validate },
  changing: {
    doubling: changing((chunk) => Buffer.concat([chunk, chunk])),
    shortening: changing((chunk) => chunk.subarray(0, 1)),
  },
  dispatch: (mounts, rest) => dispatch(mounts, { default: rest }),
  trustedProxy: (proxies) => trustedProxy({ for: proxies, proto: proxies, host: proxies }),
};
