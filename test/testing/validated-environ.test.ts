import { expect, it } from 'vitest';
import { type BuildEnvironOptions, buildEnviron, MemoryErrors, runApp } from '../../src/testing/index.ts';
import { validate } from '../../src/validate/index.ts';

/** Each option of the builder. A missing key fails the type check. */
const OPTIONS: Readonly<Record<keyof BuildEnvironOptions, BuildEnvironOptions>> = {
  method: { method: 'PUT' },
  baseUrl: { baseUrl: 'https://a.test:8443/mount' },
  query: { query: { a: ['1', '2'] } },
  headers: { headers: [['X-Test', 'a']] },
  contentType: { contentType: 'text/plain', method: 'POST', content: 'x' },
  auth: { auth: { user: 'user', password: 'password' } },
  protocol: { protocol: 'HTTP/1.0' },
  contentLength: { contentLength: 1, method: 'POST', content: 'x' },
  remoteAddress: { remoteAddress: '::1' },
  trailers: { method: 'POST', content: 'x', trailers: [['X-Checksum', 'a']] },
  multithread: { multithread: true },
  multiprocess: { multiprocess: true },
  runOnce: { runOnce: true },
  errors: { errors: new MemoryErrors() },
  environ: { environ: { REMOTE_USER: 'emma' } },
  content: { method: 'POST', content: [Buffer.from('a')] },
  json: { method: 'POST', json: { a: 1 } },
  form: { method: 'POST', form: { a: '1' } },
};

it.each(Object.entries(OPTIONS))('passes the validator: %s', async (_name, options) => {
  const found: unknown[] = [];
  const application = validate(
    async (environ, startResponse) => {
      for await (const _piece of environ['wsgi.input'].chunks());
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return [Buffer.from('x')];
    },
    { mode: 'report', onError: (error) => found.push(error), onWarning: (error) => found.push(error) },
  );
  const { body } = await runApp(application, buildEnviron('/path', options));
  expect(await body.text()).toBe('x');
  expect(found).toEqual([]);
});
