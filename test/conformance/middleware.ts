/** The middleware under audit. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { AuditLayer, AuditMiddleware } from '../../src/conformance/index.ts';
import { toApplication } from '../../src/index.ts';
import {
  accessLog,
  allowedHosts,
  bufferInput,
  cascade,
  changeHead,
  compose,
  compress,
  conditional,
  cors,
  dispatch,
  errorPage,
  head,
  holdHead,
  limitBody,
  mapPath,
  methodOverride,
  requestId,
  securityHeaders,
  staticFiles,
  timeout,
  trustedProxy,
  withContext,
  wrapBody,
} from '../../src/middleware/index.ts';
import { validate } from '../../src/validate/index.ts';
import type { Application, ApplicationFunction, Chunk } from '../../src/wsgi.ts';

const notFound: Application = (_environ, startResponse) => {
  startResponse('404 Not Found', [['Content-Type', 'text/plain']]);
  return [Buffer.from('no')];
};

/** Makes a layer of a function that takes the function form. */
function layerOf(wrap: (inner: ApplicationFunction) => ApplicationFunction): AuditLayer {
  return (application) => wrap(toApplication(application));
}

/** Doubles each chunk, with the parts that the package gives to authors of middleware. */
const doubling: AuditLayer = layerOf((inner) => (environ, startResponse) => {
  const held = holdHead(startResponse, {
    onHead: ({ headers }) => headers.delete('Content-Length'),
    onChunk: twice,
  });
  return held.body(inner(environ, held.startResponse));
});

/** Drops each chunk but its first octet. */
const shortening: AuditLayer = layerOf((inner) => (environ, startResponse) => {
  const held = holdHead(startResponse, {
    onHead: ({ headers }) => headers.delete('Content-Length'),
    onChunk: (chunk) => Buffer.from(chunk).subarray(0, 1),
  });
  return held.body(inner(environ, held.startResponse));
});

function twice(chunk: Chunk): Chunk {
  const octets = Buffer.from(chunk);
  return Buffer.concat([octets, octets]);
}

const stack = compose(
  trustedProxy(),
  requestId(),
  accessLog({ log: () => {} }),
  errorPage({ show: false }),
  securityHeaders(),
  timeout({ chunk: 5000 }),
  limitBody(),
  conditional(),
);

/** The middleware of the package, and two that are made of its parts. */
export const MIDDLEWARE: AuditMiddleware = {
  transparent: {
    accessLog: accessLog({ log: () => {} }),
    allowedHosts: allowedHosts(['audit.test']),
    bufferInput: bufferInput(),
    cascade: (application) => cascade([notFound, application]),
    changeHead: layerOf(
      (inner) => (environ, startResponse) =>
        inner(
          environ,
          changeHead(startResponse, () => {}),
        ),
    ),
    compress: compress(),
    conditional: conditional(),
    cors: cors({ origins: ['https://a.test'] }),
    dispatch: (application) => dispatch({ '/': application }),
    errorPage: errorPage({ show: false }),
    head: head(),
    limitBody: limitBody(),
    mapPath: mapPath('/other', notFound),
    methodOverride: methodOverride(),
    requestId: requestId(),
    securityHeaders: securityHeaders(),
    // Passes on all that names no file.
    staticFiles: staticFiles(import.meta.dirname),
    timeout: timeout({ chunk: 5000 }),
    trustedProxy: trustedProxy(),
    validate,
    withContext: withContext(new AsyncLocalStorage()),
    wrapBody: layerOf((inner) => (environ, startResponse) => wrapBody(inner(environ, startResponse))),
    'a stack': stack,
  },
  changing: { doubling, shortening },
  dispatch: (mounts, rest) => dispatch(mounts, { default: rest }),
  trustedProxy: (proxies) => trustedProxy({ for: proxies, proto: proxies, host: proxies }),
};
