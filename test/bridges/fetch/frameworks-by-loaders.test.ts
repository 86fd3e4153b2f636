/** The lines of docs/fetch.md in React Router, and in the h3 of Nitro 2, whose events have no Request. */
import { createApp, defineEventHandler, toWebHandler, toWebRequest } from 'h3-1';
import { createRequestHandler, type ServerBuild } from 'react-router';
import { expect, it } from 'vitest';
import { type FetchHandler, toFetch } from '../../../bridges/fetch/index.ts';
import { readText } from '../../../src/index.ts';
import { dispatch } from '../../../src/middleware/index.ts';
import type { ApplicationFunction } from '../../../src/wsgi.ts';

const shop: ApplicationFunction = async (environ, startResponse) => {
  const content = await readText(environ);
  startResponse('201 Made', [
    ['Content-Type', 'text/plain'],
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2'],
  ]);
  return (async function* () {
    yield `${environ.REQUEST_METHOD} ${environ.SCRIPT_NAME}|${environ.PATH_INFO}|`;
    yield `${environ.QUERY_STRING}|${content}`;
  })();
};

const handle: FetchHandler = toFetch(dispatch({ '/shop': shop }));

interface LoaderArguments {
  readonly request: Request;
}

/** The part of a build that a resource route needs; React Router's compiler makes the whole of it. */
const BUILD = {
  entry: { module: { default: () => new Response('a page') } },
  routes: {
    shop: {
      id: 'shop',
      path: 'shop/*',
      module: {
        loader: ({ request }: LoaderArguments) => handle(request),
        action: ({ request }: LoaderArguments) => handle(request),
      },
    },
  },
  assets: { entry: { imports: [], module: '' }, routes: {}, url: '', version: '1' },
  publicPath: '/',
  assetsBuildDirectory: '',
  basename: '/',
  future: {},
  ssr: true,
  isSpaMode: false,
  prerender: [],
  routeDiscovery: { mode: 'initial', manifestPath: '/__manifest' },
};

it.each(['GET', 'POST', 'PUT'])('in React Router a resource route answers %s', async (method) => {
  // Its type demands what only pages need.
  const answer = createRequestHandler(BUILD as unknown as ServerBuild, 'production');
  const init = method === 'GET' ? { method } : { method, body: 'tea' };
  const response = await answer(new Request('http://router.test/shop/x?q=1', init));
  const content = method === 'GET' ? '' : 'tea';
  expect([response.status, await response.text()]).toEqual([201, `${method} /shop|/x|q=1|${content}`]);
  expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
});

it('in h3 1 a route answers with toWebRequest', async () => {
  const app = createApp();
  app.use(
    '/',
    defineEventHandler((event) => handle(toWebRequest(event))),
  );
  const request = new Request('http://h3.test/shop/x?q=1', { method: 'POST', body: 'tea' });
  const response = await toWebHandler(app)(request);
  expect([response.status, await response.text()]).toEqual([201, 'POST /shop|/x|q=1|tea']);
  expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
});
