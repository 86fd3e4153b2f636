/** Requests of HTTP/2: what becomes of them in the environ, and which are refused, by an answer or by a reset. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Application, Environ } from '../../../src/wsgi.ts';
import {
  block,
  CODE,
  data,
  END_HEADERS,
  END_STREAM,
  type Fields,
  type FrameClient,
  frame,
  headers,
  request,
  TYPE,
} from './frames.ts';
import { fetchHttp2, startForAll } from './support.ts';

let environ: Environ;
let calls = 0;

const remembering: Application = async (received, startResponse) => {
  environ = received;
  calls += 1;
  if (received.PATH_INFO === '/read') await received['wsgi.input'].read();
  startResponse('200 OK', []);
  return [received.PATH_INFO === '/large' ? Buffer.alloc(Number(received.QUERY_STRING), 'x') : 'ok'];
};

const running = startForAll(remembering, { maxBodySize: 1_000, maxHeaderSize: 4_000 });

const usual = (more: Fields = [], without: readonly string[] = []): Fields =>
  request('/path?q=1', more).filter(([name]) => !without.includes(name));

/** Sends fields, and gives the status or the code of the reset; the connection serves another request afterwards. */
async function outcome(fields: Fields): Promise<number> {
  const client = running.frames().begin(headers(1, fields));
  const end = await client.end(1);
  const result = end === 'whole' ? await client.status(1) : end;
  client.send(headers(3));
  expect(await client.status(3)).toBe(200);
  client.destroy();
  return result;
}

describe('the environ', () => {
  it('has the request', async () => {
    expect(await outcome(usual([['x-a', '1']]))).toBe(200);
    expect(environ).toMatchObject({
      REQUEST_METHOD: 'GET',
      PATH_INFO: '/',
      SERVER_PROTOCOL: 'HTTP/2.0',
      HTTP_HOST: 'a.test',
      'wsgi.url_scheme': 'http',
      REMOTE_ADDR: '127.0.0.1',
      SERVER_PORT: String(running.port),
    });
    expect(environ['gateway.socket']).toBeUndefined();
  });

  const environOf = async (fields: Fields): Promise<Environ> => {
    const client = running.frames().begin(headers(1, fields));
    expect(await client.status(1)).toBe(200);
    client.destroy();
    return environ;
  };

  it('has no pseudo-header field, under no key', async () => {
    const { 'gateway.raw_headers': lines = [], ...rest } = await environOf(usual());
    expect(lines).toEqual(['host', 'a.test']);
    expect(Object.keys(rest).filter((key) => key.includes(':') || key.startsWith('HTTP__'))).toEqual([]);
    expect(rest).toMatchObject({ PATH_INFO: '/path', QUERY_STRING: 'q=1', REQUEST_URI: '/path?q=1' });
  });

  it('joins the crumbs of a cookie, and other repeats', async () => {
    const crumbs: Fields = [
      ['cookie', 'a=1'],
      ['accept', 'x'],
      ['cookie', 'b=2'],
      ['accept', 'y'],
      ['cookie', 'c=3, d'],
    ];
    const received = await environOf(usual(crumbs));
    expect(received.HTTP_COOKIE).toBe('a=1; b=2; c=3, d');
    expect(received.HTTP_ACCEPT).toBe('x, y');
  });

  it('takes Host from :authority, and Host itself where there is no :authority (RFC 9113 §8.3.1)', async () => {
    expect((await environOf(usual([['host', 'A.Test']]))).HTTP_HOST).toBe('a.test');
    expect((await environOf(usual([['host', 'b.test:8080']], [':authority']))).HTTP_HOST).toBe('b.test:8080');
  });

  it('keeps octets as they are, and drops names with _', async () => {
    const received = await environOf(
      usual([
        ['x-octets', 'caf\xe9'],
        ['x_y', '1'],
      ]),
    );
    expect(received.HTTP_X_OCTETS).toBe('caf\xe9');
    expect(received.HTTP_X_Y).toBeUndefined();
  });

  it('has an input without a length that ends by itself', async () => {
    const client = running.frames().begin(headers(1, request('/read', [], 'POST'), false));
    client.send(data(1, 'one '), data(1, 'two'), data(1, '', true));
    expect(await client.status(1)).toBe(200);
    expect(environ.CONTENT_LENGTH).toBeUndefined();
    expect(environ['wsgi.input_terminated']).toBe(true);
    client.destroy();
  });

  it('serves OPTIONS *', async () => {
    const fields = request('*', [], 'OPTIONS');
    expect(await environOf(fields)).toMatchObject({ REQUEST_URI: '*', PATH_INFO: '*' });
  });
});

describe('a malformed request', () => {
  const refused: Record<string, Fields> = {
    'Host and :authority differ': usual([['host', 'b.test']]),
    'a fragment in the path': request('/a#b'),
    'octets that are not ASCII in the path': request('/caf\xe9'),
  };
  for (const [name, fields] of Object.entries(refused)) {
    it(`is answered by 400: ${name}`, async () => {
      calls = 0;
      expect([await outcome(fields), calls]).toEqual([400, 1]);
    });
  }

  const malformed: Record<string, Fields> = {
    'no :method': usual([], [':method']),
    'no :path': usual([], [':path']),
    'no :scheme': usual([], [':scheme']),
    'no :authority and no Host': usual([], [':authority']),
    'a malformed Host': usual([['host', 'a b']], [':authority']),
    'an empty :path': request(''),
    'a path without a slash': request('path'),
    'an unknown pseudo-header field': [...usual(), [':x', '1']],
    'a pseudo-header field of responses': [...usual(), [':status', '200']],
    'a repeated pseudo-header field': [[':path', '/'], ...usual()],
    'a pseudo-header field after others': [['x-a', '1'], ...usual()],
    'an upper-case name (§8.2.1)': usual([['X-A', '1']]),
    'Connection (§8.2.2)': usual([['connection', 'close']]),
    'Keep-Alive': usual([['keep-alive', 'timeout=5']]),
    'Proxy-Connection': usual([['proxy-connection', 'close']]),
    'Transfer-Encoding': usual([['transfer-encoding', 'chunked']]),
    Upgrade: usual([['upgrade', 'h2c']]),
    'TE but for trailers': usual([['te', 'gzip']]),
    'two lengths': usual([
      ['content-length', '0'],
      ['content-length', '0'],
    ]),
    'a length that is no number': usual([['content-length', '1x']]),
    'a length without content': usual([['content-length', '5']]),
  };
  for (const [name, fields] of Object.entries(malformed)) {
    it(`is reset with PROTOCOL_ERROR: ${name}`, async () => {
      calls = 0;
      expect(await outcome(fields)).toBe(CODE.PROTOCOL_ERROR);
      expect(calls).toBe(1);
    });
  }

  it('has no userinfo in :authority: 400, or a reset since Node 26', async () => {
    calls = 0;
    const fields: Fields = [[':authority', 'me@a.test'], ...usual([], [':authority'])];
    expect([400, CODE.PROTOCOL_ERROR]).toContain(await outcome(fields));
    expect(calls).toBe(1);
  });

  it('may say TE: trailers', async () => {
    expect(await outcome(usual([['te', 'trailers']]))).toBe(200);
  });

  it('never reaches the application with a line end in a value', async () => {
    const result = await outcome(usual([['x-a', 'b\r\nx-c: d']]));
    if (result === 200) expect(environ.HTTP_X_A).toBeUndefined();
    else expect(result).toBe(CODE.PROTOCOL_ERROR);
  });
});

describe('content', () => {
  const post = (...more: Fields): Fields => request('/read', more, 'POST');

  const code = async (client: FrameClient): Promise<number | 'whole'> => client.end(1);

  it('that is longer than its length resets the stream (§8.1.1), or ends the connection since Node 26', async () => {
    const client = running.frames().begin(headers(1, post(['content-length', '3']), false), data(1, 'four'));
    const goaway = client.goaway();
    goaway.catch(() => {});
    expect([CODE.PROTOCOL_ERROR, CODE.INTERNAL_ERROR]).toContain(await Promise.any([code(client), goaway]));
  });

  it('that is shorter than its length resets the stream (§8.1.1)', async () => {
    const client = running.frames().begin(headers(1, post(['content-length', '5']), false));
    client.send(data(1, 'four', true));
    expect(await code(client)).toBe(CODE.PROTOCOL_ERROR);
  });

  it('above maxBodySize gets 413, by its length at once, else when it is read', async () => {
    const session = running.session();
    calls = 0;
    const announced = { ':method': 'POST', ':path': '/read', 'content-length': 2_000 };
    expect((await fetchHttp2(session, announced, Buffer.alloc(2_000))).status).toBe(413);
    expect(calls).toBe(0);
    const fields = { ':method': 'POST', ':path': '/read' };
    expect((await fetchHttp2(session, fields, Buffer.alloc(2_000))).status).toBe(413);
    expect((await fetchHttp2(session, fields, Buffer.alloc(1_000))).status).toBe(200);
  });

  it('that nobody reads is refused with NO_ERROR after the answer (§8.1)', async () => {
    const client = running.frames().begin(headers(1, request('/', [], 'POST'), false), data(1, 'some'));
    expect(await client.end(1)).toBe('whole');
    const { payload } = await client.next(TYPE.RST_STREAM, 1);
    expect(payload.readUInt32BE()).toBe(CODE.NO_ERROR);
    client.destroy();
  });

  it.each([17_000, 65_536, 3_000_000])(
    'that nobody reads does not cut off an answer of %i octets',
    async (size) => {
      const { status, content, code } = await fetchHttp2(
        running.session(),
        { ':method': 'POST', ':path': `/large?${size}` },
        Buffer.alloc(100_000),
      );
      expect([status, content.length, code]).toEqual([200, size, CODE.NO_ERROR]);
    },
  );
});

describe('limits and expectations', () => {
  it('answers 431 and 414 to what is too large', async () => {
    const session = running.session();
    expect((await fetchHttp2(session, { 'x-a': 'x'.repeat(4_000) })).status).toBe(431);
    expect((await fetchHttp2(session, { ':path': `/${'x'.repeat(4_000)}` })).status).toBe(414);
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`x-${index}`, '1']));
    expect((await fetchHttp2(session, many)).status).toBe(431);
  });

  it('sends 100 when content is read, and 417 to other expectations', async () => {
    const session = running.session();
    const expecting = { ':method': 'POST', expect: '100-continue' };
    const stream = session.request({ ...expecting, ':path': '/read' });
    await once(stream, 'continue');
    stream.end('content');
    const [read] = await once(stream, 'response');
    expect(read[':status']).toBe(200);
    stream.close();
    const unread = await fetchHttp2(session, { ...expecting, ':path': '/' }, 'content');
    expect([unread.status, unread.interim]).toEqual([200, []]);
    expect((await fetchHttp2(session, { expect: 'miracles' })).status).toBe(417);
  });

  it('refuses CONNECT', async () => {
    const fields: Fields = [
      [':method', 'CONNECT'],
      [':authority', 'a.test:80'],
    ];
    const client = running.frames().begin(headers(1, fields, false));
    // 501 is no status of the table.
    expect(await client.status(1)).toBe(0);
    client.destroy();
  });

  it('passes fields of a request on in several frames', async () => {
    const octets = block(request());
    const client = running
      .frames()
      .begin(
        frame(TYPE.HEADERS, octets.subarray(0, 5), { streamId: 1, flags: END_STREAM }),
        frame(TYPE.CONTINUATION, octets.subarray(5), { streamId: 1, flags: END_HEADERS }),
      );
    expect(await client.status(1)).toBe(200);
    client.destroy();
  });

  it('ignores priorities', async () => {
    const payload = Buffer.from([0, 0, 0, 0, 255]);
    const client = running.frames().begin(frame(TYPE.PRIORITY, payload, { streamId: 1 }), headers(1));
    client.send(frame(TYPE.PRIORITY, payload, { streamId: 9 }));
    expect(await client.end(1)).toBe('whole');
    await delay(10);
    expect(client.isClosed).toBe(false);
    client.destroy();
  });
});
