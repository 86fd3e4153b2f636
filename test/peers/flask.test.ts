/** Flask of Debian through fromPython, below a mount of Express and a prefix of Fastify, and on our own server. */
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { toExpress } from '../../bridges/express/index.ts';
import type { Environ } from '../../src/index.ts';
import { afterTest, expectUpload, HOSTS, python } from '../bridges/python/python-site.ts';
import { requirePython, SITES } from './python/require-python.ts';

const FLASK = { application: 'flask_site:app', folder: SITES };

describe.each(Object.entries(HOSTS))('on %s', (_name, serve) => {
  it('Flask routes, makes URLs, takes forms and files, streams, and keeps sessions', async (context) => {
    requirePython(context, 'flask');
    const { url, mount, errors } = await serve(python(FLASK));
    const text = async (path: string, init?: RequestInit): Promise<string> =>
      (await fetch(url + path, init)).text();

    expect(await text('/')).toBe(`<a href="${mount}/greet/Ada">Ada</a>`);
    expect(await text('/greet/caf%C3%A9')).toBe('Hello café from /greet/café');
    expect(await text('/whole-url')).toBe(`${url}/greet/%E4%B8%AD`);
    expect((await fetch(`${url}/no-such`)).status).toBe(404);
    expect((await fetch(`${url}/form`, { method: 'DELETE' })).status).toBe(405);

    const posted = await fetch(`${url}/form`, {
      method: 'POST',
      body: new URLSearchParams({ name: 'Ada' }),
      redirect: 'manual',
    });
    expect([posted.status, posted.headers.get('location')]).toEqual([302, `${mount}/show`]);
    const [cookie = ''] = posted.headers.getSetCookie();
    expect(await text('/show', { headers: { Cookie: cookie.split(';')[0] ?? '' } })).toBe(
      'Ada was here 1 times',
    );

    await expectUpload(`${url}/upload`, Buffer.alloc(300_000, 'content'));
    const json = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"a":[1,2]}' };
    expect(JSON.parse(await text('/json', json))).toEqual({ got: { a: [1, 2] } });
    // A content without a length.
    const chunked: RequestInit = {
      method: 'POST',
      body: new Blob(['x'.repeat(70_000)]).stream(),
      duplex: 'half' as const,
    };
    expect(JSON.parse(await text('/raw', chunked))).toEqual({ length: 70_000 });

    const pieces: string[] = [];
    const response = await fetch(`${url}/stream`);
    for await (const piece of response.body ?? []) pieces.push(Buffer.from(piece).toString());
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join('')).toMatch(/^line 0 of \/stream\n.*line 4 of \/stream\n$/s);

    const part = await fetch(`${url}/file`, { headers: { Range: 'bytes=4-6' } });
    const source = readFileSync(`${SITES}/flask_site.py`, 'utf8');
    expect([part.status, await part.text()]).toEqual([206, source.slice(4, 7)]);

    expect(await text('/log')).toBe('logged');
    expect(errors()).toContain('told by the logger');
    expect((await fetch(`${url}/fail`)).status).toBe(500);
    expect(errors()).toContain('RuntimeError: a bug of the view');
  });
});

it('Flask gets the user whom Express has authenticated', async (context) => {
  requirePython(context, 'flask');
  interface Authenticated {
    user?: { name: string };
  }
  const application = python({
    ...FLASK,
    environ: (environ: Environ) => {
      // Express gives its own request.
      const { user } = environ['express.req'] as Authenticated;
      return { REMOTE_USER: user?.name, AUTH_TYPE: user && 'Basic' };
    },
  });
  const app = express();
  app.use((request, _response, next) => {
    const isAda = request.headers.authorization === 'Basic YWRhOngK';
    Object.assign(request, { user: isAda ? { name: 'ada' } : undefined });
    next();
  });
  app.use('/flask', toExpress(application));
  const server = app.listen(0, '127.0.0.1');
  afterTest(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  // A TCP server has such an address.
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/flask/me`;
  expect(await (await fetch(url, { headers: { Authorization: 'Basic YWRhOngK' } })).text()).toBe('ada');
  expect(await (await fetch(url, { headers: { 'Remote-User': 'mallory' } })).text()).toBe('nobody');
});
