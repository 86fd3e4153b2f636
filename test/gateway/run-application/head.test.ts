import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ApplicationError } from '../../../src/errors.ts';
import type { Application, Environ, HeaderList, StartResponse } from '../../../src/wsgi.ts';
import { RecordingSink, record } from '../../support/recording-sink.ts';

import { answering } from './applications.ts';

describe('runApplication: the synchronous path', () => {
  it('answers an array without a promise, with its length', () => {
    const { sink, done } = record(answering(['a', Buffer.from('б')]));
    expect(done).toBeUndefined();
    expect(sink.head).toMatchObject({ contentLength: 3, hasContentLengthField: false, isBodiless: false });
    expect(sink.events).toEqual([
      ['head', '200 OK'],
      ['write', 'a'],
      ['end', 'б'],
    ]);
  });

  it('keeps a declared length in its place', () => {
    const { sink } = record(answering(['abc'], [['content-length', '3']]));
    expect(sink.head).toMatchObject({ contentLength: 3, hasContentLengthField: true });
  });

  it('waits for a client that accepts an array slowly', async () => {
    const sink = new RecordingSink();
    let release = (): void => {};
    sink.wait = new Promise((resolve) => {
      release = resolve;
    });
    const { done } = record(answering(['a', 'b', 'c']), {}, { sink });
    await delay(5);
    expect(sink.content).toBe('a');
    release();
    await done;
    expect(sink.content).toBe('abc');
  });
});

describe('runApplication: the head', () => {
  it('leaves with the first non-empty chunk', async () => {
    const { sink, done } = record(function* (_environ: Environ, startResponse: StartResponse) {
      startResponse('200 OK', []);
      yield '';
      startResponse('500 Oops', [], new Error('replaced'));
      yield '';
      yield 'x';
    });
    await done;
    expect(sink.events[0]).toEqual(['head', '500 Oops']);
  });

  it('leaves with the first write, even an empty one', () => {
    const sink = new RecordingSink();
    record(
      (_environ: Environ, startResponse: StartResponse) => {
        void startResponse('200 OK', [])('');
        expect(sink.events).toEqual([
          ['head', '200 OK'],
          ['write', ''],
        ]);
        return [];
      },
      {},
      { sink },
    );
    expect(sink.head?.contentLength).toBeUndefined();
  });

  it('is replaced completely by a call with excInfo', () => {
    const { sink } = record((_environ: Environ, startResponse: StartResponse) => {
      startResponse('200 OK', [['Content-Length', '99']]);
      startResponse('404 Not Found', [['X-New', '1']], new Error('cause'));
      return ['x'];
    });
    expect(sink.head).toMatchObject({ status: '404 Not Found', headers: [['X-New', '1']], contentLength: 1 });
  });

  it('is a copy: later changes of the list have no effect', () => {
    const headers: HeaderList = [['A', '1']];
    const { sink } = record((_environ: Environ, startResponse: StartResponse) => {
      startResponse('200 OK', headers);
      headers.push(['B', '2']);
      return [];
    });
    expect(sink.head?.headers).toEqual([['A', '1']]);
  });

  it.each([
    ['200'],
    ['20X OK'],
    ['200OK'],
    [' 200 OK'],
    ['1000 X'],
    ['100 Continue'],
    ['199 X'],
    [200],
    [null],
    ['200 O\nK'],
    ['200 \u010a'],
    ['200 \x7f'],
  ])('refuses the status %j', (status) => {
    const { sink, log } = record((_environ: Environ, startResponse: StartResponse) => {
      startResponse(status as string, []);
      return ['x'];
    });
    expect(sink.events[0]).toEqual(['head', '500 Internal Server Error']);
    expect(log[0]).toContain('Status must be');
  });

  it.each([['200 '], ['299 \xe9t\xe9'], ['999 Whatever']])('accepts the status %j', (status) => {
    const { sink } = record((_environ: Environ, startResponse: StartResponse) => {
      startResponse(status, []);
      return ['x'];
    });
    expect(sink.head?.status).toBe(status);
  });

  it.each<[string, unknown, string]>([
    ['null', null, 'HEADERS_INVALID'],
    ['a map', new Map(), 'HEADERS_INVALID'],
    ['a flat pair', ['Content-Type', 'text/plain'], 'HEADERS_INVALID'],
    ['a triple', [['A', '1', '2']], 'HEADERS_INVALID'],
    ['a number as value', [['Content-Length', 5]], 'HEADERS_INVALID'],
    ['a name with a space', [['A B', '1']], 'HEADER_NAME_INVALID'],
    ['a name with a colon', [['A:', '1']], 'HEADER_NAME_INVALID'],
    ['an empty name', [['', '1']], 'HEADER_NAME_INVALID'],
    ['Status', [['sTATUS', '200']], 'HEADER_STATUS'],
    ['a line feed', [['A', '1\nB: 2']], 'HEADER_VALUE_INVALID'],
    ['U+010A', [['A', '\u010a']], 'HEADER_VALUE_INVALID'],
    ['DEL', [['A', '\x7f']], 'HEADER_VALUE_INVALID'],
    ['a hop-by-hop field', [['connection', 'close']], 'HEADER_HOP_BY_HOP'],
    ['Trailers', [['Trailers', 'x']], 'HEADER_HOP_BY_HOP'],
    ['a negative length', [['Content-Length', '-1']], 'CONTENT_LENGTH_INVALID'],
    [
      'two lengths',
      [
        ['Content-Length', '1'],
        ['Content-Length', '1'],
      ],
      'CONTENT_LENGTH_INVALID',
    ],
  ])('refuses %s in the headers, inside the call', (_what, headers, code) => {
    let thrown: unknown;
    record((_environ: Environ, startResponse: StartResponse) => {
      try {
        startResponse('200 OK', headers as HeaderList);
      } catch (error) {
        thrown = error;
        throw error;
      }
      return [];
    });
    expect(thrown).toBeInstanceOf(ApplicationError);
    expect(thrown).toHaveProperty('code', `WSGI_ERR_${code}`);
  });

  it('refuses a bad value every time, even after other values of the name', () => {
    const refused: boolean[] = [];
    for (const value of ['good', 'bad\n', 'bad\n', 'good', 'good', 'bad\n', '', 'bad\n']) {
      const { sink } = record(answering([], [['X-Moody', value]]));
      refused.push(sink.head?.statusCode === 500);
    }
    expect(refused).toEqual([false, true, true, false, false, true, false, true]);
  });

  it('does not confuse names with the same low octets', () => {
    const statuses = ['X-Twins-Of-A-\u0141', 'X-Twins-Of-A-A'].map(
      (name) => record(answering([], [[name, '1']])).sink.head?.statusCode,
    );
    expect(statuses).toEqual([500, 200]);
  });

  it('takes frozen lists of frozen pairs, also for 204, early hints and trailers', () => {
    const frozen = Object.freeze([
      Object.freeze(['Content-Type', 'text/plain'] as const),
      Object.freeze(['X-Two', '2'] as const),
    ]);
    const length = Object.freeze([['Content-Length', '0']] as const);
    const application: Application = (environ, startResponse) => {
      environ['gateway.early_hints']?.(frozen);
      environ['gateway.send_trailers']?.(frozen);
      startResponse('200 OK', frozen);
      startResponse('204 No Content', [...frozen, ...length], new Error('replaced'));
      return Object.freeze([]);
    };
    for (let count = 0; count < 2; count += 1) {
      const { sink, log } = record(application);
      expect(log).toEqual([]);
      expect(sink.head?.headers).toEqual(frozen);
      expect(sink.events).toContainEqual(['trailers', frozen]);
    }
  });

  it('refuses a hole among the headers', () => {
    const headers: HeaderList = [['A', '1']];
    headers[2] = ['B', '2'];
    const { log } = record(answering([], headers));
    expect(log[0]).toContain('found undefined');
  });

  it('drops hop-by-hop fields if told to', () => {
    const { sink } = record(
      answering(
        [],
        [
          ['Connection', 'close'],
          ['A', '\t1'],
        ],
      ),
      {},
      { hopByHop: 'drop' },
    );
    expect(sink.head?.headers).toEqual([['A', '\t1']]);
  });

  it('refuses a second call without excInfo, even after a failed first one', () => {
    for (const first of ['200 OK', 'bad']) {
      const { log } = record((_environ: Environ, startResponse: StartResponse) => {
        try {
          startResponse(first, []);
        } catch {
          // A failed call counts too.
        }
        startResponse('200 OK', []);
        return [];
      });
      expect(log[0]).toContain('called again');
    }
  });

  it('cannot be sent after a failed call, even if the error was caught', () => {
    const { sink } = record((_environ: Environ, startResponse: StartResponse) => {
      try {
        startResponse('200 OK', [['A', '\n']]);
      } catch {
        // Caught.
      }
      return ['x'];
    });
    expect(sink.events[0]).toEqual(['head', '500 Internal Server Error']);
  });

  it('throws excInfo itself after the head has left, and cuts the response off even if it is caught', async () => {
    const excInfo = { some: 'value' };
    let thrown: unknown;
    const { sink, done } = record(function* (_environ: Environ, startResponse: StartResponse) {
      startResponse('200 OK', []);
      yield 'x';
      try {
        startResponse('500 Oops', [], excInfo);
      } catch (error) {
        thrown = error;
      }
      yield 'y';
    });
    await done;
    expect(thrown).toBe(excInfo);
    expect(sink.events.at(-1)).toEqual(['abort', excInfo]);
  });

  it('throws when called after the end', async () => {
    let late: StartResponse | undefined;
    await record((_environ: Environ, startResponse: StartResponse) => {
      late = startResponse;
      startResponse('200 OK', []);
      return [];
    }).done;
    expect(() => late?.('200 OK', [], new Error('late'))).toThrow(/after the response ended/);
  });
});
