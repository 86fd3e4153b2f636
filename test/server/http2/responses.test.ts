/** Responses over HTTP/2: their frames, their flow, their ends. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { isDisconnection } from '../../../src/errors.ts';
import type { Application } from '../../../src/wsgi.ts';
import { hello } from '../support.ts';
import { CODE, data, headers, PREFACE, request, reset, settings, TYPE, windowUpdate } from './frames.ts';
import { fetchHttp2, startForEach } from './support.ts';

const start = startForEach();

describe('frames of a response', () => {
  it('without content is one frame; a list is two', async () => {
    const { frames } = await start((environ, startResponse) => {
      startResponse(environ.PATH_INFO === '/204' ? '204 No Content' : '200 OK', []);
      return environ.PATH_INFO === '/204' ? [] : ['some'];
    });
    const client = frames().begin(headers(1, request('/204')), headers(3));
    expect([await client.status(1), await client.end(1), await client.status(3)]).toEqual([
      204,
      'whole',
      200,
    ]);
    await client.end(3);
    expect(client.frames.filter(({ streamId }) => streamId === 1)).toHaveLength(1);
    expect(client.frames.filter(({ streamId }) => streamId === 3)).toHaveLength(2);
  });

  it('has no content for HEAD, 204 and 304, whatever the application yields', async () => {
    const { session } = await start((environ, startResponse) => {
      startResponse(`${environ.PATH_INFO.slice(1) || '200'} Status`, [['Content-Type', 'text/plain']]);
      return ['content'];
    });
    const client = session();
    const head = await fetchHttp2(client, { ':method': 'HEAD' });
    expect(head).toMatchObject({ status: 200, code: 0, headers: { 'content-length': '7' } });
    for (const status of [204, 304]) {
      const response = await fetchHttp2(client, { ':path': `/${status}` });
      expect([response.status, response.content.length, response.code]).toEqual([status, 0, 0]);
    }
  });

  it('has lower-case names, repeats, Date and Server, and nothing of a connection', async () => {
    const list: Application = (_environ, startResponse) => {
      startResponse('200 All Right', [
        ['X-Upper', '1'],
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
        ['Vary', 'a'],
        ['Vary', 'b'],
        ['X-Octets', 'caf\xe9'],
        ['Constructor', 'me'],
        ['__proto__', 'you'],
      ]);
      return ['x'];
    };
    const { session } = await start(list, { serverHeader: 'ours' });
    const { headers: received } = await fetchHttp2(session());
    expect(received).toMatchObject({
      'x-upper': '1',
      'set-cookie': ['a=1', 'b=2'],
      vary: 'a, b',
      server: 'ours',
      'content-length': '1',
      'x-octets': 'caf\xe9',
      constructor: 'me',
    });
    expect(Object.entries(received)).toContainEqual(['__proto__', 'you']);
    expect(received.date).toMatch(/GMT$/);
    for (const name of ['connection', 'keep-alive', 'transfer-encoding'])
      expect(received[name]).toBeUndefined();
  });

  it('has the first of fields that node:http2 would not repeat, in heads, hints and trailers', async () => {
    const repeats: [string, string][] = [
      ['ETag', '"a"'],
      ['ETag', '"b"'],
      ['HTTP2-Settings', 'x'],
    ];
    const { session } = await start((environ, startResponse) => {
      environ['gateway.early_hints']?.(repeats);
      environ['gateway.send_trailers']?.(repeats);
      startResponse('200 OK', repeats);
      return ['x'];
    });
    const response = await fetchHttp2(session());
    expect([response.headers.etag, response.trailers.etag]).toEqual(['"a"', '"a"']);
    expect(response.interim.map((fields) => fields.etag)).toEqual(['"a"']);
  });

  it('gives trailers that are awaited before the content', async () => {
    const running = await start(async (environ, startResponse) => {
      const trailers = await environ['gateway.trailers']?.();
      startResponse('200 OK', []);
      return [await environ['wsgi.input'].read(), JSON.stringify(trailers)];
    });
    const stream = running.session().request({ ':method': 'POST' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ t: '1' }));
    stream.write('abc');
    setTimeout(() => stream.end('de'), 20);
    expect(Buffer.concat(await stream.toArray()).toString()).toBe('abcde[["t","1"]]');
  });

  it('sends trailers both ways, and interim responses', async () => {
    const { session } = await start(async (environ, startResponse) => {
      environ['gateway.early_hints']?.([['Link', '</a.css>; rel=preload']]);
      environ['gateway.informational']?.(110, [['X-Step', '1']]);
      const content = await environ['wsgi.input'].read();
      const trailers = await environ['gateway.trailers']?.();
      environ['gateway.send_trailers']?.([['X-Sum', JSON.stringify(trailers)]]);
      startResponse('200 OK', []);
      return [content];
    });
    const stream = session().request({ ':method': 'POST' }, { waitForTrailers: true, endStream: false });
    const interim: unknown[] = [];
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': 'yes' }));
    stream.on('headers', (fields) => interim.push([fields[':status'], fields.link ?? fields['x-step']]));
    stream.end('content');
    const [fields] = await once(stream, 'trailers');
    expect(fields['x-sum']).toBe('[["x-end","yes"]]');
    expect(interim).toEqual([
      [103, '</a.css>; rel=preload'],
      [110, '1'],
    ]);
  });

  it('fails the read of content whose trailers are forbidden', async () => {
    const { session } = await start(async (environ, startResponse) => {
      await environ['wsgi.input'].read();
      return hello(environ, startResponse);
    });
    const stream = session().request({ ':method': 'POST' }, { waitForTrailers: true, endStream: false });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'content-type': 'text/plain' }));
    stream.end('content');
    const [fields] = await once(stream, 'response');
    expect(fields[':status']).toBe(400);
    stream.close();
  });

  it('is reset with INTERNAL_ERROR if the application fails after the head', async () => {
    const { frames, log } = await start((_environ, startResponse) => {
      startResponse('200 OK', []);
      return (async function* pieces() {
        yield Buffer.from('begun');
        await delay(20);
        throw new Error('Oh no');
      })();
    });
    const client = frames().begin(headers(1), headers(3));
    expect(await client.end(1)).toBe(CODE.INTERNAL_ERROR);
    expect(String(client.content(1))).toBe('begun');
    expect(log.join('')).toContain('Oh no');
    expect(await client.end(3)).toBe(CODE.INTERNAL_ERROR);
  });
});

describe('the flow', () => {
  /** Yields without end, and notes how far it was asked. */
  function endless(size = 10_000): { readonly application: Application; readonly counts: number[] } {
    const counts: number[] = [];
    const application: Application = (environ, startResponse) => {
      if (environ.PATH_INFO !== '/endless') return hello(environ, startResponse);
      startResponse('200 OK', []);
      const index = counts.push(0) - 1;
      return (function* pieces() {
        for (;;) {
          counts[index] = (counts[index] ?? 0) + size;
          yield Buffer.alloc(size, 'x');
        }
      })();
    };
    return { application, counts };
  }

  for (const size of [1_000, 10_000, 100_000]) {
    it(`asks an application for no more than the client takes, pieces of ${size}`, async () => {
      const { application, counts } = endless(size);
      const { frames } = await start(application);
      const client = frames().begin(headers(1, request('/endless')));
      await delay(150);
      // The window of a stream, and what node and we hold.
      expect(client.content(1).length).toBeLessThanOrEqual(65_535);
      expect(counts[0]).toBeLessThan(65_535 + 3 * Math.max(size, 65_536));
      const before = counts[0] ?? 0;
      client.send(windowUpdate(0, 500_000), windowUpdate(1, 500_000));
      await expect.poll(() => counts[0]).toBeGreaterThan(before + 300_000);
    });
  }

  it('of a stream that stalls does not hold up others', async () => {
    const { application } = endless();
    const { frames } = await start(application);
    const client = frames().send(Buffer.from(PREFACE), settings([4, 10_000]), windowUpdate(0, 1_000_000));
    client.send(...[1, 3, 5].map((id) => headers(id, request('/endless'))));
    await delay(100);
    client.send(headers(7));
    expect(await client.end(7)).toBe('whole');
    expect(client.content(1).length).toBe(10_000);
  });

  it('opens no window before the application reads, and lets other streams upload meanwhile', async () => {
    let release = (): void => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { frames } = await start(async (environ, startResponse) => {
      if (environ.PATH_INFO === '/wait') await released;
      const { length } = await environ['wsgi.input'].read();
      startResponse('200 OK', []);
      return [String(length)];
    });
    const client = frames().begin(headers(1, request('/wait', [], 'POST'), false));
    const piece = Buffer.alloc(16_000);
    client.send(data(1, piece), data(1, piece), data(1, piece), data(1, piece));
    await delay(100);
    expect(client.frames.some(({ type, streamId }) => type === TYPE.WINDOW_UPDATE && streamId === 1)).toBe(
      false,
    );
    client.send(headers(3, request('/', [], 'POST'), false), data(3, piece), data(3, piece, true));
    expect(await client.end(3)).toBe('whole');
    expect(String(client.content(3))).toBe('32000');
    release();
    await client.next(TYPE.WINDOW_UPDATE, 1);
    client.send(data(1, piece, true));
    expect(await client.end(1)).toBe('whole');
    expect(String(client.content(1))).toBe('80000');
  });

  it('sends large content whole, and gives its memory back afterwards', async () => {
    const octets = Buffer.alloc(3_000_000, 'abc');
    let outcome = '';
    const { session } = await start((environ, startResponse) => {
      const memory = Buffer.from(octets);
      environ['gateway.on_finished']?.(() => {
        outcome = 'finished';
        memory.fill(0);
      });
      startResponse('200 OK', []);
      return environ.PATH_INFO === '/list'
        ? [memory]
        : (async function* pieces() {
            yield memory;
            memory.fill('z');
          })();
    });
    const client = session();
    for (const path of ['/list', '/iterable']) {
      outcome = '';
      const { content } = await fetchHttp2(client, { ':path': path });
      expect(content.equals(octets)).toBe(true);
      expect(outcome).toBe('finished');
    }
  });
});

describe('a client that leaves', () => {
  it('stops the iteration, calls close() once, aborts the signal and fails reads', async () => {
    let closes = 0;
    let isAborted = false;
    let readError: unknown;
    let finishError: unknown;
    const { frames, log } = await start((environ, startResponse) => {
      environ['gateway.signal']?.().addEventListener('abort', () => {
        isAborted = true;
      });
      environ['gateway.on_finished']?.((_environ, _status, _headers, error) => {
        finishError = error;
      });
      environ['wsgi.input'].read().catch((error: unknown) => {
        readError = error;
      });
      startResponse('200 OK', []);
      const body = (async function* pieces() {
        for (;;) {
          yield Buffer.from('piece');
          await delay(5);
        }
      })();
      return Object.assign(body, { close: () => (closes += 1) });
    });
    for (const code of [CODE.CANCEL, CODE.NO_ERROR, CODE.INTERNAL_ERROR]) {
      closes = 0;
      isAborted = false;
      readError = undefined;
      const client = frames().begin(headers(1, request('/', [], 'POST'), false), data(1, 'some'));
      await client.next(TYPE.DATA, 1);
      client.send(reset(1, code));
      await expect.poll(() => closes).toBe(1);
      expect([isAborted, isDisconnection(readError), isDisconnection(finishError)]).toEqual([
        true,
        true,
        true,
      ]);
      client.destroy();
    }
    expect(log).toEqual([]);
  });

  it('counts as gone if its connection ends, also before the head', async () => {
    let error: unknown;
    const { frames } = await start(async (environ, startResponse) => {
      environ['gateway.on_finished']?.((_environ, _status, _headers, reason) => {
        error = reason;
      });
      await delay(200);
      return hello(environ, startResponse);
    });
    const client = frames().begin(headers(1));
    await delay(30);
    client.destroy();
    await expect.poll(() => isDisconnection(error)).toBe(true);
  });
});
