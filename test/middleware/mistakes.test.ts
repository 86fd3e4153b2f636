/** What people who know WSGI, Express or Rack pass by mistake is told with the cure, and nothing is lost in silence. */
import { describe, expect, it } from 'vitest';
import * as middleware from '../../src/middleware/index.ts';
import { createClient } from '../../src/testing/index.ts';
import type { Application, ApplicationFunction } from '../../src/wsgi.ts';

const hello: ApplicationFunction = (_environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [Buffer.from('hello')];
};

/** The types forbid all of it. */
const {
  accessLog,
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
  methodOverride,
  requestId,
  securityHeaders,
  staticFiles,
  timeout,
  trustedProxy,
  withContext,
} = middleware as unknown as Readonly<Record<string, (...parameters: unknown[]) => Application>>;

const SECOND_CALL = 'the application belongs into a second call, as in compress()(application)';

describe('when it is made', () => {
  it.each(
    Object.entries({
      accessLog,
      bufferInput,
      compress,
      conditional,
      cors,
      errorPage,
      limitBody,
      methodOverride,
      requestId,
      securityHeaders,
      timeout,
      trustedProxy,
    }),
  )('%s(application) is told', (_name, layer) => {
    expect(() => layer?.(hello)).toThrow(SECOND_CALL);
  });

  it.each<[what: string, make: () => unknown, message: string]>([
    ['a factory in compose', () => Object(compose?.(requestId, head))(hello), SECOND_CALL],
    ['layers in a list', () => compose?.([requestId?.()]), 'pass each by itself, as in compose(...layers)'],
    ['a number of ms', () => timeout?.(1000), 'Options must be an object such as { response: 1000 }'],
    ['a format', () => accessLog?.('json'), 'Options must be an object such as { format: "json" }'],
    ['a number of proxies', () => trustedProxy?.(1), 'Options must be an object such as { for: 1 }'],
    ['x_for', () => trustedProxy?.({ x_for: 1 }), 'did you mean for?'],
    ['hsts', () => securityHeaders?.({ hsts: false }), 'did you mean strictTransportSecurity?'],
    ['origin', () => cors?.({ origin: '*' }), 'did you mean origins?'],
    ['allowedHeaders', () => cors?.({ allowedHeaders: ['A'] }), 'did you mean headers?'],
    ['a pattern', () => cors?.({ origins: [/a/] }), 'a list of names, not a list with an instance of RegExp'],
    ['applications', () => cascade?.(hello, hello), 'Cascade must have a list'],
    [
      'DispatcherMiddleware',
      () => dispatch?.(hello, { '/a': hello }),
      'dispatch(mounts, { default: application })',
    ],
    ['pairs', () => dispatch?.([['/a', hello]]), 'Object.fromEntries(mounts)'],
    ['a Map', () => dispatch?.(new Map([['/a', hello]])), 'Object.fromEntries(mounts)'],
    ['a URL', () => staticFiles?.(new URL('file:///tmp')), 'not an instance of URL: pass fileURLToPath(url)'],
    ['a store', () => withContext?.({ run: () => {} }, {}), 'createStore must be a function'],
  ])('%s is told', (_what, make, message) => {
    expect(make).toThrow(message);
  });
});

describe('when a request comes', () => {
  const mounted = 'a middleware was mounted without its application: call it first';
  it.each<[what: string, application: Application | undefined, message: string]>([
    ['a middleware as application', requestId?.(), mounted],
    ['head(application)', head?.(hello), mounted],
    ['an application as layer', compose?.(requestId?.(), hello), mounted],
    [
      'changeHead without startResponse',
      (environ, startResponse) => hello(environ, changeHead?.(startResponse) as never),
      'changeHead(startResponse, onHead)',
    ],
    [
      'holdHead without hooks',
      (_environ, startResponse) => Object(holdHead?.(startResponse)).body([]),
      'holdHead(startResponse, { onHead, onChunk })',
    ],
    ['a header as a property', changing((headers) => Object.assign(headers, { 'X-A': '1' })), 'X-A'],
    ['a header that is a number', changing((headers) => headers.set('X-A', 1 as never)), 'X-A is number'],
  ])('%s is told', async (_what, application, message) => {
    await expect(createClient(application as Application).get('/')).rejects.toThrow(message);
  });
});

function changing(onHead: (headers: middleware.StartedHead['headers']) => unknown): Application {
  return (environ, startResponse) =>
    hello(
      environ,
      middleware.changeHead(startResponse, ({ headers }) => void onHead(headers)),
    );
}
