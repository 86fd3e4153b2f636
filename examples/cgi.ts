/**
 * A gateway application as a CGI program. A web server starts it for each request; this shows what it writes:
 *
 *     QUERY_STRING=name=Ada npx tsx examples/cgi.ts
 */
import { type Environ, readForm, type StartResponse } from 'gatebridge';
import { runCgi } from 'gatebridge/cgi';

async function greet(environ: Environ, startResponse: StartResponse) {
  const isPost = environ.REQUEST_METHOD === 'POST';
  const form = isPost ? await readForm(environ) : new URLSearchParams(environ.QUERY_STRING);
  startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
  return [Buffer.from(`Hello, ${form.get('name') ?? 'world'}!\n`)];
}

await runCgi(greet);
