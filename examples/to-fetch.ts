/**
 * A gateway application as a handler of the Fetch API, beside other routes. Called here without a server; docs/fetch.md has the
 * line for each runtime and framework.
 *
 *     npx tsx examples/to-fetch.ts
 */
import { type Environ, readForm, type StartResponse } from 'gatebridge';
import { toFetch } from 'gatebridge/fetch';
import { dispatch } from 'gatebridge/middleware';

async function shop(environ: Environ, startResponse: StartResponse) {
  const form = await readForm(environ);
  startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
  const text = `${environ.SCRIPT_NAME} sells ${form.get('item')} to ${environ.REMOTE_ADDR}\n`;
  return [new TextEncoder().encode(text)];
}

const handle = toFetch(dispatch({ '/shop': shop }));

async function site(request: Request, address: string): Promise<Response> {
  const { pathname } = new URL(request.url);
  return pathname === '/' ? new Response('the front page\n') : handle(request, { remoteAddress: address });
}

const order = { method: 'POST', body: new URLSearchParams({ item: 'tea' }) };
for (const request of [new Request('http://localhost/'), new Request('http://localhost/shop/order', order)])
  console.log(await (await site(request, '192.0.2.1')).text());
