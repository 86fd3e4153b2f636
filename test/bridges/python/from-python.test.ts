/** PEP 3333 from end to end: a WSGI application in Python, on each host. */
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { serve } from '../../../src/server/index.ts';
import { validate } from '../../../src/validate/index.ts';
import { afterTest, HOSTS, leave, python, type Site, until } from './python-site.ts';

async function get(
  site: Site,
  path: string,
  init?: RequestInit,
): Promise<{ status: number; text: string; headers: Headers }> {
  const response = await fetch(site.url + path, init);
  return { status: response.status, text: await response.text(), headers: response.headers };
}

/** Sends a request as it is, and gives the octets of the response. */
async function raw(site: Site, request: string): Promise<string> {
  const { hostname, port } = new URL(site.url);
  const socket = connect(Number(port), hostname);
  socket.write(request, 'latin1');
  let text = '';
  for await (const octets of socket) text += octets.toString('latin1');
  return text;
}

describe.each(Object.entries(HOSTS))('%s', (name, serveOn) => {
  const isFramework = name !== 'standalone server';

  it('gives the environ octet by octet', async () => {
    const site = await serveOn(python());
    const path = `${site.mount}/environ?a=%C3%A9&b=%FF`;
    const response = await raw(
      site,
      `GET ${path} HTTP/1.1\r\nHost: example.test\r\nX-Name: caf\xe9\r\nX-Two: 1\r\nX-Two: 2\r\nCookie: a=1\r\nCookie: b=2\r\nConnection: close\r\n\r\n`,
    );
    const environ = JSON.parse(/\{.*\}/s.exec(response)?.[0] ?? '{}');
    expect(environ).toMatchObject({
      REQUEST_METHOD: 'GET',
      SCRIPT_NAME: site.mount,
      PATH_INFO: '/environ',
      QUERY_STRING: 'a=%C3%A9&b=%FF',
      SERVER_PROTOCOL: 'HTTP/1.1',
      HTTP_HOST: 'example.test',
      HTTP_X_NAME: 'caf\xe9',
      HTTP_X_TWO: '1, 2',
      HTTP_COOKIE: 'a=1; b=2',
      REMOTE_ADDR: '127.0.0.1',
      REQUEST_URI: path,
      'wsgi.version': '(1, 0)',
      'wsgi.url_scheme': 'http',
      'wsgi.multithread': false,
      'wsgi.multiprocess': false,
      'wsgi.run_once': false,
      'wsgi.input_terminated': true,
    });
    expect(Object.keys(environ).filter((key) => /^(gateway|express|fastify|node)\./.test(key))).toEqual([]);
  });

  it('answers with a list, a generator, write, and nothing', async () => {
    const site = await serveOn(python());
    expect(await get(site, '/lists')).toMatchObject({ status: 200, text: 'one, two' });
    expect((await get(site, '/lists')).headers.get('content-length')).toBe('8');
    expect(await get(site, '/chunks')).toMatchObject({ text: 'piece 0\npiece 1\npiece 2\n' });
    expect(await get(site, '/write')).toMatchObject({ text: 'written, again, returned' });
    expect(await get(site, '/empty')).toMatchObject({ status: 204, text: '' });
    expect(await get(site, '/lazy')).toMatchObject({ status: 201, text: 'lazy' });
    expect((await get(site, '/big_list?1000000')).headers.get('content-length')).toBe('1000000');
    const { headers } = await get(site, '/cookies');
    expect(headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(headers.get('x-latin')).toBe('caf\xe9');
    expect(await get(site, '/hop_by_hop')).toMatchObject({ status: 200, text: 'ok' });
  });

  it('sends each chunk before it asks for the next', async () => {
    const site = await serveOn(python());
    const response = await fetch(`${site.url}/ticks`);
    const reader = response.body?.getReader();
    const first = await reader?.read();
    expect(Buffer.from(first?.value ?? []).toString()).toMatch(/^data: tick\n\n/);
    await reader?.cancel();
    await until(async () => (await get(site, '/closed')).text.includes('ticks'), 'close()');
  });

  it('reads content as it is asked for', async () => {
    const site = await serveOn(python());
    const content = 'one\ntwo\r\nthree\n\nfour';
    const call = async (calls: string, body = content): Promise<unknown> =>
      JSON.parse(
        (
          await get(
            site,
            `/reads?${encodeURIComponent(calls).replaceAll('%20', ' ')}`
              .replaceAll(' ', '%20')
              .replaceAll('%2C', ','),
            { method: 'POST', body },
          )
        ).text,
      );
    expect(await call('read() read() readline()')).toEqual([content, '', '']);
    expect(await call('read(3) readline() read(0) readline(2) readline() readlines()')).toEqual([
      'one',
      '\n',
      '',
      'tw',
      'o\r\n',
      ['three\n', '\n', 'four'],
    ]);
    expect(await call('readlines(5) iterate() read(-1)')).toEqual([
      ['one\n', 'two\r\n'],
      ['three\n', '\n', 'four'],
      '',
    ]);
    expect(await call('read(1000000)', 'x'.repeat(300_000))).toEqual(['x'.repeat(300_000)]);
    expect((await get(site, '/unread', { method: 'POST', body: 'x'.repeat(200_000) })).text).toBe('not read');
    expect((await get(site, '/echo')).text).toBe('');
  });

  it('turns failures before the head into 500, and cuts off afterwards', async () => {
    const site = await serveOn(python());
    for (const path of [
      '/raises',
      '/raises_started',
      '/twice',
      '/never_started',
      '/leave',
      '/results?None',
      "/results?'text'",
      '/results?[5]',
    ]) {
      expect([path, (await get(site, path)).status]).toEqual([path, 500]);
    }
    await expect(get(site, '/raises_late')).rejects.toThrow();
    await expect(get(site, '/exc_info_after')).rejects.toThrow();
    await expect(get(site, '/short')).rejects.toThrow();
    expect(await get(site, '/exc_info_before')).toMatchObject({ status: 503, text: 'replaced' });
    expect(await get(site, '/overrun')).toMatchObject({ text: '1234' });
    expect(await get(site, '/raises_in_close')).toMatchObject({ status: 200, text: 'done' });
    const closed = JSON.parse((await get(site, '/closed')).text);
    expect(closed.sort()).toEqual(['overrun', 'raises in close', 'raises late', 'short'].sort());
    if (!isFramework) {
      expect(site.errors()).toContain("KeyError: 'missing'");
      expect(site.errors()).toMatch(/File ".*probe\.py", line \d+, in raises\n/);
      expect(site.errors().split('KeyError')[0]).not.toContain('gatebridge_worker.py');
    }
    await until(() => site.errors().includes('ValueError: in close'), 'the failure in close');
  });

  it('closes what is returned once, also if the client leaves or the method is HEAD', async () => {
    const site = await serveOn(python());
    await get(site, '/body?read');
    await get(site, '/body?head', { method: 'HEAD' });
    await get(site, '/endless?endless-head', { method: 'HEAD' });
    const response = await fetch(`${site.url}/endless?left`);
    await response.body?.cancel();
    // Nothing else tells that it has begun.
    await leave(site.url, '/nothing_but_empty', () => until(() => site.errors().includes('begun')));
    await until(async () => JSON.parse((await get(site, '/closed')).text).length === 5, 'close()');
    const closed: string[] = JSON.parse((await get(site, '/closed')).text);
    expect(closed.sort()).toEqual(['empty chunks', 'endless-head', 'head', 'left', 'read']);
  });

  it('writes wsgi.errors line by line', async () => {
    const site = await serveOn(python());
    await get(site, '/errors');
    expect(site.errors()).toContain('half a line\nsecond line\nkept back\ncafé 中\n');
  });

  it('breaks no rule', async () => {
    const site = await serveOn(validate(python(), { strict: true }));
    expect(await get(site, '/lists')).toMatchObject({ text: 'one, two' });
    expect(await get(site, '/echo', { method: 'POST', body: 'content' })).toMatchObject({ text: 'content' });
    expect(await get(site, '/chunks')).toMatchObject({ status: 200 });
    expect(await get(site, '/files')).toMatchObject({ status: 200 });
    expect(site.errors()).toBe('');
  });

  it('satisfies wsgiref.validate', async () => {
    const site = await serveOn(python({ application: 'probe:checked' }));
    expect(await get(site, '/a%20b?c=d')).toMatchObject({ status: 200, text: 'checked ' });
    expect(await get(site, '/', { method: 'POST', body: 'content' })).toMatchObject({
      text: 'checked content',
    });
    expect(await get(site, '/', { method: 'HEAD' })).toMatchObject({ status: 200 });
    expect(site.errors()).toMatch(/^(checked\n)+$/);
  });
});

it('content that the server refuses gets the status of the server', async () => {
  const server = await serve(python(), { port: 0, maxBodySize: 1_000 });
  afterTest(() => server.shutdown({ timeout: 100 }));
  const content = new Blob(['x'.repeat(100_000)]).stream();
  const response = await fetch(`${server.url}up`, { method: 'POST', body: content, duplex: 'half' });
  expect(response.status).toBe(413);
});

describe('start_response', () => {
  it.each([
    ["'200', []", 'ValueError: status must be'],
    ['200, []', 'ValueError: status must be'],
    ["'OK 200', []", 'ValueError: status must be'],
    ["'200 OK', [('X-A', 5)]", 'TypeError: names and values of headers must be str'],
    ["'200 OK', [('X-A', b'5')]", 'TypeError: names and values of headers must be str'],
    ["'200 OK', [('X-A', 'a' + chr(10) + 'b')]", 'ValueError: control characters'],
    ["'200 OK', [('X-A', chr(0))]", 'ValueError: control characters'],
    ["'200 OK', [('X-A', chr(0x4e2d))]", "UnicodeEncodeError: 'latin-1'"],
    ["'200 OK', [('Content-Length', 'x')]", 'ValueError: invalid literal'],
  ])('%s fails inside the application', async (call, message) => {
    const site = await (HOSTS['standalone server'] as (typeof HOSTS)[string])(python());
    const { text } = await get(site, `/heads?${encodeURIComponent(call)}`);
    expect(text).toContain(message);
  });
});
