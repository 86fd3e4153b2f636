import express from 'express';
import { describe, expect, it, vi } from 'vitest';
import { fromExpress } from '../../bridges/express/index.ts';
import { FileWrapper } from '../../src/index.ts';
import { conditional } from '../../src/middleware/index.ts';
import type { Application, Body, HeaderList } from '../../src/wsgi.ts';
import { record } from '../support/recording-sink.ts';
import { APPLICATIONS, askInProcess, EVERYWHERE, HOSTS } from './kit.ts';

const hello = APPLICATIONS['a function'] as Application;
const DATE = 'Sun, 06 Nov 1994 08:49:37 GMT';

const tagged =
  (headers: HeaderList, body: () => Body = () => ['content']): Application =>
  (_environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'text/plain'], ...headers]);
    return body();
  };

async function* stream() {
  yield '';
  yield 'content';
}

describe('conditional', () => {
  it('makes an ETag of the content of an array, however it is cut', async () => {
    const one = await askInProcess(conditional()(hello));
    const two = await askInProcess(conditional()(tagged([], () => [Buffer.from('Hello world')])));
    expect(one.headers.get('ETag')).toMatch(/^"[\w-]{22}"$/);
    expect(two.headers.get('ETag')).toBe(one.headers.get('ETag'));
    expect(record(conditional()(hello)).done).toBeUndefined();
  });

  it.each([
    [
      'another status',
      ((_environ, startResponse) => {
        startResponse('404 Not Found', []);
        return ['x'];
      }) as Application,
      'GET',
    ],
    ['another method', hello, 'POST'],
    ['no-store', tagged([['Cache-Control', 'private, no-store']]), 'GET'],
    ['no content', tagged([], () => []), 'GET'],
    ['a stream', tagged([], stream), 'GET'],
  ])('makes none for %s', async (_what, application, method) => {
    expect((await askInProcess(conditional()(application), { method })).headers.has('ETag')).toBe(false);
  });

  it.each([
    ['"a"', '"a"', 304],
    ['"a"', 'W/"a"', 304],
    ['W/"a"', '"a"', 304],
    ['"a"', '"b", "a"', 304],
    ['"a"', '"b","a"', 304],
    ['"a,b"', '"x", "a,b"', 304],
    ['"a"', '*', 304],
    ['"a"', '"b"', 200],
    ['"a"', 'a', 200],
    ['"a"', '"b" "a"', 200],
    ['"a"', '"x"a"', 200],
    ['"a"', '', 200],
  ])('ETag %s, If-None-Match %s: %i', async (tag, field, status) => {
    const answer = await askInProcess(conditional()(tagged([['ETag', tag]])), {
      headers: [['If-None-Match', field]],
    });
    expect(Number(answer.status.slice(0, 3))).toBe(status);
  });

  it.each([
    [DATE, DATE, 304],
    [DATE, 'Sunday, 06-Nov-94 08:49:37 GMT', 304],
    [DATE, 'Sun Nov  6 08:49:37 1994', 304],
    [DATE, 'Mon, 07 Nov 1994 08:49:37 GMT', 304],
    [DATE, 'Sat, 05 Nov 1994 08:49:37 GMT', 200],
    [DATE, '1', 200],
    [DATE, 'tomorrow', 200],
    ['yesterday', DATE, 200],
  ])('Last-Modified %s, If-Modified-Since %s: %i', async (modified, since, status) => {
    const answer = await askInProcess(conditional()(tagged([['Last-Modified', modified]])), {
      headers: [['If-Modified-Since', since]],
    });
    expect(Number(answer.status.slice(0, 3))).toBe(status);
  });

  it('If-None-Match wins over If-Modified-Since', async () => {
    const site = conditional()(
      tagged([
        ['ETag', '"a"'],
        ['Last-Modified', DATE],
      ]),
    );
    const headers: HeaderList = [
      ['If-None-Match', '"b"'],
      ['If-Modified-Since', DATE],
    ];
    expect((await askInProcess(site, { headers })).status).toBe('200 OK');
  });

  it.each(
    Object.entries(HOSTS).flatMap(([host, ask]) =>
      Object.entries<() => Body>({ array: () => ['content'], stream }).map(
        ([form, body]) => [form, host, ask, body] as const,
      ),
    ),
  )('a 304 has no content and keeps what caches need: %s, %s', async (_form, _host, ask, body) => {
    const fields: HeaderList = [
      ['ETag', '"a"'],
      ['Cache-Control', 'max-age=5'],
      ['Content-Length', '7'],
      ['Set-Cookie', 'a=b'],
    ];
    const answer = await ask(conditional()(tagged(fields, body)), { headers: [['If-None-Match', '"a"']] });
    expect([answer.status, answer.text, answer.log]).toEqual(['304 Not Modified', '', '']);
    expect(answer.headers.get('ETag')).toBe('"a"');
    expect(answer.headers.get('Cache-Control')).toBe('max-age=5');
    expect(answer.headers.get('Set-Cookie')).toBe('a=b');
    expect(answer.headers.has('Content-Type')).toBe(false);
    expect(answer.headers.has('Content-Length')).toBe(false);
  });

  it('closes a stream that is spared, and asks it for no more', async () => {
    const left = vi.fn();
    const endless = async function* () {
      try {
        for (;;) yield 'again';
      } finally {
        left();
      }
    };
    const { done, sink } = record(conditional()(tagged([['ETag', '"a"']], endless)), {
      rawHeaders: ['Host', 'a', 'If-None-Match', '"a"'],
    });
    await done;
    expect(sink.head?.status).toBe('304 Not Modified');
    expect(left).toHaveBeenCalledTimes(1);
  });

  it('spares what is written', async () => {
    const writing: Application = async (_environ, startResponse) => {
      const write = startResponse('200 OK', [['ETag', '"a"']]);
      await write('content');
      return ['more'];
    };
    const answer = await askInProcess(conditional()(writing), { headers: [['If-None-Match', '"a"']] });
    expect([answer.status, answer.text, answer.log]).toEqual(['304 Not Modified', '', '']);
  });

  it('an error page in the place of a 200 is sent whole', async () => {
    const failing: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['ETag', '"a"']]);
      startResponse('500 Oops', [['ETag', '"a"']], new Error('x'));
      return ['sorry'];
    };
    const answer = await askInProcess(conditional()(failing), { headers: [['If-None-Match', '"a"']] });
    expect([answer.status, answer.text]).toEqual(['500 Oops', 'sorry']);
  });

  it('a wrapped app that makes its own ETag', async () => {
    const app = fromExpress(
      express()
        .set('etag', false)
        .use((_request, response) => {
          response.set('ETag', '"a"').send('content');
        }),
    );
    const answer = await askInProcess(conditional()(app), { headers: [['If-None-Match', '"a"']] });
    expect([answer.status, answer.text, answer.log]).toEqual(['304 Not Modified', '', '']);
  });

  it('a file keeps its length', async () => {
    const blocks = ['content', ''];
    const file = { read: () => Buffer.from(blocks.shift() ?? ''), stat: () => ({ size: 7 }), tell: () => 0 };
    const { done, sink } = record(conditional()(tagged([], () => new FileWrapper(file))));
    await done;
    expect([sink.head?.contentLength, sink.content]).toEqual([7, 'content']);
  });

  it.each(EVERYWHERE)('changes nothing of %s, %s', async (_form, _host, application, ask) => {
    const answer = await ask(conditional()(application));
    expect([answer.status, answer.text, answer.log]).toEqual(['200 OK', 'Hello world', '']);
    const etag = answer.headers.get('ETag');
    if (etag === undefined) return;
    const again = await ask(conditional()(application), { headers: [['If-None-Match', etag]] });
    expect([again.status, again.text]).toEqual(['304 Not Modified', '']);
  });

  it('says what is missing where there is no node', () => {
    const { getBuiltinModule } = process;
    try {
      Object.assign(process, { getBuiltinModule: undefined });
      expect(() => conditional()).toThrow(
        'conditional() needs the module node:crypto, which this runtime does not have',
      );
      expect(() => conditional({ etag: false })).not.toThrow();
    } finally {
      Object.assign(process, { getBuiltinModule });
    }
  });
});
