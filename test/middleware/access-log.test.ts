import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { disconnection, ProtocolError } from '../../src/errors.ts';
import { type AccessLogOptions, type AccessRecord, accessLog } from '../../src/middleware/index.ts';
import { createServer } from '../../src/server/index.ts';
import type { Application, Body, HeaderList } from '../../src/wsgi.ts';
import { record } from '../support/recording-sink.ts';
import { APPLICATIONS, askInProcess, EVERYWHERE } from './kit.ts';

/** Begins a response, and gives its body. */
const give =
  (status: string, headers: HeaderList, body: Body): Application =>
  (_environ, startResponse) => {
    startResponse(status, headers);
    return body;
  };

const hello = APPLICATIONS['a function'] as Application;

/** A log that keeps what it gets. */
function keeping(options: AccessLogOptions = {}) {
  const lines: string[] = [];
  const records: AccessRecord[] = [];
  const log = (line: string, entry: AccessRecord): void => {
    lines.push(line);
    records.push(entry);
  };
  return { lines, records, layer: accessLog({ ...options, log }) };
}

describe('accessLog', () => {
  it.each(EVERYWHERE)('has one line for %s, %s', async (_form, _host, application, ask) => {
    const { lines, records, layer } = keeping({ format: 'common' });
    const answer = await ask(layer(application), { path: '/x?y=1' });
    expect(answer.text).toBe('Hello world');
    expect(lines).toEqual([
      expect.stringMatching(
        /^127\.0\.0\.1 - - \[\d\d\/\w{3}\/\d{4}:[\d:]{8} \+0000\] "GET \/x\?y=1 HTTP\/1\.1" 200 11$/,
      ),
    ]);
    expect(records[0]).toMatchObject({ status: 200, bytes: 11, isCut: false });
    expect(records[0]?.duration).toBeGreaterThan(0);
  });

  it('writes to wsgi.errors, and stays synchronous', async () => {
    const answer = await askInProcess(accessLog()(hello), {
      headers: [
        ['Referer', 'http://a.test/'],
        ['User-Agent', 'test'],
      ],
      environ: { REMOTE_USER: 'emma' },
    });
    expect(answer.log).toMatch(
      /^127\.0\.0\.1 - emma \[.*\] "GET \/ HTTP\/1\.1" 200 11 "http:\/\/a\.test\/" "test"\n$/,
    );
    expect(record(accessLog()(hello)).sink.head?.contentLength).toBe(11);
  });

  it('escapes what could forge a line', async () => {
    const { lines, layer } = keeping();
    await askInProcess(layer(hello), {
      environ: {
        HTTP_USER_AGENT: 'a" 200 5\r\n127.0.0.1\x1b[31m\\\xe9\x7f',
        HTTP_REFERER: '"',
        REMOTE_USER: 'em ma"',
        REQUEST_URI: '/"\n',
        REMOTE_ADDR: '1.2.3.4\n',
      },
    });
    expect(lines[0]).toMatch(/^1\.2\.3\.4\\x0a - em\\x20ma\\" \[/);
    expect(lines[0]).toContain('"GET /\\"\\x0a HTTP/1.1" 200 11 "\\""');
    expect(lines[0]?.endsWith('"a\\" 200 5\\x0d\\x0a127.0.0.1\\x1b[31m\\\\\\xe9\\x7f"')).toBe(true);
  });

  it('has JSON, in ASCII, with more', async () => {
    const { lines, layer } = keeping({ format: 'json' });
    await askInProcess(layer(hello), {
      environ: { HTTP_USER_AGENT: '"\n\x7f\xe9', 'gateway.request_id': 'id' },
    });
    expect(lines[0]).toMatch(/^[\x20-\x7e]+$/);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      address: '127.0.0.1',
      method: 'GET',
      target: '/',
      status: 200,
      bytes: 11,
      userAgent: '"\n\x7f\xe9',
      requestId: 'id',
      isCut: false,
    });
  });

  it.each<[string, Application, string, object]>([
    ['HEAD', hello, 'HEAD', { status: 200, bytes: 0 }],
    ['204', give('204 No Content', [], []), 'GET', { status: 204, bytes: 0 }],
    ['no content', give('200 OK', [], []), 'GET', { status: 200, bytes: 0 }],
    ['UTF-8', give('200 OK', [], ['é']), 'GET', { status: 200, bytes: 2 }],
    [
      'more than declared',
      give('200 OK', [['Content-Length', '1']], ['abc']),
      'GET',
      { status: 200, bytes: 1 },
    ],
    [
      'more than declared, step by step',
      give('200 OK', [['Content-Length', '1']], new Set(['abc', 'd'])),
      'GET',
      { status: 200, bytes: 1 },
    ],
    [
      'a throw',
      () => {
        throw new Error('no');
      },
      'GET',
      { status: 500, bytes: 0, isCut: false },
    ],
    [
      'a rejection',
      async () => {
        throw new Error('no');
      },
      'GET',
      { status: 500, bytes: 0 },
    ],
    [
      'a throw after startResponse',
      (_e, start) => {
        start('200 OK', []);
        throw new Error('no');
      },
      'GET',
      { status: 500, bytes: 0 },
    ],
    [
      'a fault of the client',
      () => {
        throw new ProtocolError('WSGI_ERR_CONTENT_TOO_LARGE', 1);
      },
      'GET',
      { status: 413, bytes: 0 },
    ],
    ['no response', () => [], 'GET', { status: 500, bytes: 0 }],
    ['a bad chunk', give('200 OK', [], [5 as never]), 'GET', { status: 500, bytes: 0 }],
    [
      'an error page',
      (_e, start) => {
        start('200 OK', []);
        start('503 Service Unavailable', [], new Error('x'));
        return ['sorry'];
      },
      'GET',
      { status: 503, bytes: 5 },
    ],
  ])('%s', async (_what, application, method, expected) => {
    const { lines, records, layer } = keeping();
    await askInProcess(layer(application), { method });
    expect(lines).toHaveLength(1);
    expect(records[0]).toMatchObject(expected);
  });

  it('a failure in the middle is cut, and has the status that was sent', async () => {
    const { records, layer } = keeping();
    const answer = askInProcess(
      layer(async function* (_environ, startResponse) {
        startResponse('200 OK', []);
        yield 'abc';
        yield 'de';
        throw new Error('no');
      }),
    );
    await expect(answer).rejects.toMatchObject({ cause: { message: 'no' } });
    expect(records).toEqual([expect.objectContaining({ status: 200, bytes: 5, isCut: true })]);
  });

  it('a client that leaves before the application begins has 499', async () => {
    const { records, layer } = keeping();
    const { done, sink } = record(layer(() => new Promise<never>(() => {})));
    sink.disconnect(disconnection('response'));
    await done;
    expect(records).toEqual([expect.objectContaining({ status: 499, bytes: 0, isCut: true })]);
  });

  it('a client that leaves in the middle: octets and duration up to then, one line', async () => {
    const { records, layer } = keeping();
    const server = createServer(
      layer(async function* (_environ, startResponse) {
        startResponse('200 OK', []);
        yield 'x'.repeat(1000);
        yield 'y'.repeat(500);
        await new Promise((resolve) => setTimeout(resolve, 10_000).unref());
        yield 'z';
      }),
      { closeTimeout: 10 },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    let text = '';
    await new Promise<void>((resolve) => {
      socket.on('data', (data) => {
        text += data;
        if (text.includes('yyy')) setTimeout(resolve, 50);
      });
    });
    socket.resetAndDestroy();
    await server.shutdown({ timeout: 1000 });
    await vi.waitFor(() => expect(records).toHaveLength(1));
    expect(records).toEqual([expect.objectContaining({ status: 200, bytes: 1500, isCut: true })]);
    expect(records[0]?.duration).toBeGreaterThan(40);
    expect(records[0]?.duration).toBeLessThan(5000);
  });

  it('does not count what was written and not taken', async () => {
    const { records, layer } = keeping();
    const { done, sink } = record(
      layer(async (_environ, startResponse) => {
        await new Promise(setImmediate);
        const write = startResponse('200 OK', []);
        await write('abc');
        sink.wait = new Promise(() => {});
        await write('de');
        return [];
      }),
    );
    await vi.waitFor(() => expect(sink.content).toBe('abcde'));
    sink.disconnect(disconnection('response'));
    await done;
    expect(records).toEqual([expect.objectContaining({ status: 200, bytes: 3, isCut: true })]);
  });

  it.each<[string, Application]>(Object.entries(APPLICATIONS))(
    '%s on a gateway without on_finished: one line',
    async (_form, application) => {
      const { records, layer } = keeping();
      const answer = await askInProcess((environ, startResponse) => {
        const { 'gateway.on_finished': _onFinished, ...rest } = environ;
        return layer(application)(rest, startResponse);
      });
      expect(answer.text).toBe('Hello world');
      expect(records).toEqual([expect.objectContaining({ status: 200, bytes: 11 })]);
    },
  );

  it('a failure on a gateway without on_finished: one line', async () => {
    const { records, layer } = keeping();
    await askInProcess((environ, startResponse) => {
      const { 'gateway.on_finished': _onFinished, ...rest } = environ;
      return layer(async () => {
        throw new Error('no');
      })(rest, startResponse);
    });
    expect(records).toEqual([expect.objectContaining({ status: 500 })]);
  });

  it('a log that fails does no harm', async () => {
    const failing = accessLog({
      log: () => {
        throw new Error('disk full');
      },
    });
    const answer = await askInProcess(failing(hello));
    expect(answer.text).toBe('Hello world');
    expect(answer.log).toContain('disk full');
  });

  it('an asynchronous log that fails does no harm', async () => {
    const failing = accessLog({ log: () => Promise.reject(new Error('disk full')) });
    const { done, log } = record(failing(hello));
    await done;
    await new Promise((resolve) => setImmediate(resolve));
    expect(log).toEqual([expect.stringContaining('disk full')]);
  });
});
