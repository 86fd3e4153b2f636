/** All middleware of the package, each as a layer that leaves the status and the content of a response alone. */
import { AsyncLocalStorage } from 'node:async_hooks';
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
  type Middleware,
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
import type { Application, ApplicationFunction } from '../../src/wsgi.ts';

/** Answers 404. */
export const notFound: Application = (_environ, startResponse) => {
  startResponse('404 Not Found', [['Content-Type', 'text/plain']]);
  return [Buffer.from('no')];
};

const lateNotFound: Application = async function* (_environ, startResponse) {
  startResponse('404 Not Found', [['Content-Type', 'text/plain']]);
  yield Buffer.from('no');
};

/** Makes a layer of a function that takes the function form. */
export function layerOf(wrap: (inner: ApplicationFunction) => ApplicationFunction): Middleware {
  return (application) => wrap(toApplication(application));
}

const SINGLE = {
  accessLog: accessLog({ log: () => {} }),
  allowedHosts: allowedHosts(['localhost', 'audit.test']),
  bufferInput: bufferInput(),
  cascade: (application) => cascade([validate(notFound), validate(lateNotFound), application]),
  changeHead: layerOf(
    (inner) => (environ, startResponse) =>
      inner(
        environ,
        changeHead(startResponse, () => {}),
      ),
  ),
  compress: compress({ threshold: 0 }),
  conditional: conditional(),
  cors: cors({ origins: ['https://a.test'] }),
  dispatch: (application) => dispatch({ '/': application }),
  errorPage: errorPage({ show: true }),
  head: head(),
  holdHead: layerOf((inner) => (environ, startResponse) => {
    const held = holdHead(startResponse, () => {});
    return held.body(inner(environ, held.startResponse));
  }),
  limitBody: limitBody(),
  mapPath: mapPath('/other', notFound),
  methodOverride: methodOverride(),
  requestId: requestId(),
  securityHeaders: securityHeaders(),
  // Passes on all that names no file.
  staticFiles: staticFiles('nowhere'),
  timeout: timeout({ chunk: 5000 }),
  trustedProxy: trustedProxy(),
  withContext: withContext(new AsyncLocalStorage()),
  wrapBody: layerOf(
    (inner) => (environ, startResponse) =>
      wrapBody(
        inner(environ, startResponse),
        (chunk) => chunk,
        () => {},
      ),
  ),
} satisfies Record<string, Middleware>;

/** The layers by name; the last one is made of all others. */
export const LAYERS: Readonly<Record<string, Middleware>> = {
  ...SINGLE,
  'all of them': compose(
    SINGLE.trustedProxy,
    SINGLE.requestId,
    SINGLE.accessLog,
    SINGLE.errorPage,
    SINGLE.allowedHosts,
    SINGLE.securityHeaders,
    SINGLE.cors,
    SINGLE.timeout,
    SINGLE.withContext,
    SINGLE.methodOverride,
    SINGLE.head,
    SINGLE.limitBody,
    SINGLE.bufferInput,
    SINGLE.compress,
    SINGLE.conditional,
    SINGLE.staticFiles,
    SINGLE.dispatch,
    SINGLE.mapPath,
    SINGLE.cascade,
    SINGLE.changeHead,
    SINGLE.holdHead,
    SINGLE.wrapBody,
  ),
};
