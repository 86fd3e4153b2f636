import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { disconnection } from '../../src/errors.ts';
import { toApplication } from '../../src/index.ts';
import {
  cascade,
  changeHead,
  compress,
  conditional,
  END_OF_BODY,
  head,
  holdHead,
} from '../../src/middleware/index.ts';
import type { GatewayRequest } from '../../src/port.ts';
import type { Application, ApplicationFunction, StartResponse } from '../../src/wsgi.ts';
import { record } from '../support/recording-sink.ts';
import { EVERYWHERE, TEXT } from './kit.ts';

type Hooks = Parameters<typeof holdHead>[1];

const holding =
  (hooks: Hooks) =>
  (application: Application): ApplicationFunction => {
    const inner = toApplication(application);
    return (environ, startResponse) => {
      const held = holdHead(startResponse, hooks);
      return held.body(inner(environ, held.startResponse));
    };
  };

const changing =
  (onHead: Parameters<typeof changeHead>[1]) =>
  (application: Application): ApplicationFunction => {
    const inner = toApplication(application);
    return (environ, startResponse) => inner(environ, changeHead(startResponse, onHead));
  };

describe.each([
  ['holdHead', holding],
  ['changeHead', changing],
])('%s', (_name, layer) => {
  it.each(EVERYWHERE)('around %s, %s: the head is changed', async (_form, _host, application, ask) => {
    const mark = layer((head) => {
      head.status = '203 Changed';
      head.headers.set('X-Mark', 'set');
    });
    const answer = await ask(mark(application));
    expect(answer.status).toBe('203 Changed');
    expect(answer.headers.get('X-Mark')).toBe('set');
    expect(answer.headers.get('Content-Type')).toMatch(/^text\/plain/);
    expect(answer.text).toBe('Hello world');
    expect(answer.log).toBe('');
  });

  it('the list of the application is not changed', () => {
    const list = [...TEXT];
    const application: Application = (_environ, startResponse) => {
      startResponse('200 OK', list);
      return [];
    };
    record(layer(({ headers }) => headers.set('X-Mark', 'set'))(application));
    expect(list).toEqual(TEXT);
  });

  it('a second call with excInfo replaces the head, and is changed like the first', () => {
    const excInfo = new Error('late');
    const application: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['X-First', '1']]);
      startResponse('500 Oops', [['X-Second', '2']], excInfo);
      return ['sorry'];
    };
    const { sink, done } = record(layer(({ headers }) => headers.set('X-Mark', 'set'))(application));
    expect(done).toBeUndefined();
    expect(sink.head?.status).toBe('500 Oops');
    expect(sink.head?.headers).toEqual([
      ['X-Second', '2'],
      ['X-Mark', 'set'],
    ]);
  });

  it('a second call with excInfo after content throws the very error', async () => {
    const excInfo = new Error('late');
    const application: Application = async function* (_environ, startResponse) {
      startResponse('200 OK', []);
      yield 'a';
      startResponse('500 Oops', [], excInfo);
    };
    const { sink, done } = record(layer(() => {})(application));
    await done;
    expect(sink.events).toEqual([
      ['head', '200 OK'],
      ['write', 'a'],
      ['abort', excInfo],
    ]);
  });

  it('a second call without excInfo is an error', () => {
    const application: Application = (_environ, startResponse) => {
      startResponse('200 OK', []);
      startResponse('200 OK', []);
      return [];
    };
    const { log } = record(layer(() => {})(application));
    expect(log[0]).toContain('WSGI_ERR_START_RESPONSE_REPEATED');
  });

  it.each([
    ['status', 'OK', [], 'WSGI_ERR_STATUS_INVALID'],
    ['list', '200 OK', { a: 'b' }, 'WSGI_ERR_HEADERS_INVALID'],
    ['pair', '200 OK', [['a']], 'WSGI_ERR_HEADERS_INVALID'],
    ['name', '200 OK', [['a b', 'c']], 'WSGI_ERR_HEADER_NAME_INVALID'],
    ['value', '200 OK', [['a', 'b\r\nc: d']], 'WSGI_ERR_HEADER_VALUE_INVALID'],
    ['hop-by-hop field', '200 OK', [['Connection', 'close']], 'WSGI_ERR_HEADER_HOP_BY_HOP'],
  ])('a malformed %s is refused by the gateway', async (_what, status, headers, code) => {
    const application: Application = (_environ, startResponse) => {
      startResponse(status, headers as never);
      return ['x'];
    };
    const { log, sink, done } = record(layer(() => {})(application));
    await done;
    expect(log[0]).toContain(code);
    expect(sink.head?.statusCode).toBe(500);
  });

  it('startResponse is called with two arguments unless there is excInfo', () => {
    const outer = vi.fn(() => async () => {}) satisfies StartResponse;
    const application: Application = (_environ, startResponse) => {
      startResponse('200 OK', []);
      return [];
    };
    void layer(() => {})(application)({} as never, outer);
    expect(outer.mock.calls[0]).toHaveLength(2);
  });
});

describe('holdHead', () => {
  it('gives all chunks of an array, and nothing of others', () => {
    const seen: unknown[] = [];
    const note = holding((_head, content) => {
      seen.push(content);
    });
    record(
      note((_environ, startResponse) => {
        startResponse('200 OK', []);
        return ['a', 'b'];
      }),
    );
    expect(seen).toEqual([['a', 'b']]);
  });

  it('goes with the first chunk, and again if the application replaces it', async () => {
    const heads: string[] = [];
    const application: Application = async function* (_environ, startResponse) {
      startResponse('200 OK', []);
      yield '';
      startResponse('500 Oops', [], new Error('x'));
      yield 'a';
    };
    const { sink, done } = record(
      holding(({ status, headers }) => {
        heads.push(status);
        headers.set('X-Mark', 'set');
      })(application),
    );
    await done;
    expect(heads).toEqual(['200 OK', '500 Oops']);
    expect([sink.head?.status, sink.head?.headers]).toEqual(['500 Oops', [['X-Mark', 'set']]]);
  });

  it('goes at the end of a body without content, and with the first write even if that is empty', async () => {
    const onHead = vi.fn();
    await record(
      holding(onHead)(async function* (_environ, startResponse) {
        startResponse('204 No Content', []);
        yield '';
      }),
    ).done;
    expect(onHead).toHaveBeenCalledTimes(1);
    const { sink, done } = record(
      holding(onHead)(async (_environ, startResponse) => {
        await startResponse('200 OK', [])('');
        return [];
      }),
    );
    await done;
    expect(onHead).toHaveBeenCalledTimes(2);
    expect(sink.events[0]).toEqual(['head', '200 OK']);
  });

  it('may be dropped: nothing was begun', () => {
    const outer = vi.fn();
    const held = holdHead(outer as never, () => {});
    held.startResponse('404 Not Found', []);
    expect(held.head?.status).toBe('404 Not Found');
    expect(outer).not.toHaveBeenCalled();
  });

  it('onChunk changes what is written and what is returned, and can end the content', async () => {
    const hooks = {
      onHead: () => {},
      onChunk: (chunk: string | Uint8Array) => (chunk === 'stop' ? END_OF_BODY : `<${chunk}>`),
    };
    const application: Application = async (_environ, startResponse) => {
      const write = startResponse('200 OK', []);
      await write('a');
      return new Set(['b', 'stop', 'c']);
    };
    const { sink, done } = record(holding(hooks)(application));
    await done;
    expect(sink.content).toBe('<a><b>');
  });

  it('the application that never begins a response is told so', () => {
    const { log } = record(holding(() => {})(() => ['x']));
    expect(log[0]).toContain('WSGI_ERR_START_RESPONSE_MISSING');
  });

  it('heads are held one in another', () => {
    const layer = (mark: string) => holding(({ headers }) => headers.addHeader('X-Mark', mark));
    const { sink, done } = record(
      layer('outer')(
        layer('inner')((_environ, startResponse) => {
          startResponse('200 OK', []);
          startResponse('500 Oops', [], new Error('x'));
          return ['a'];
        }),
      ),
    );
    expect(done).toBeUndefined();
    expect(sink.head?.headers).toEqual([
      ['X-Mark', 'inner'],
      ['X-Mark', 'outer'],
    ]);
  });
});

describe('an application that writes on and on', () => {
  const endless: Application = async (_environ, startResponse) => {
    await Promise.resolve();
    const write = startResponse('200 OK', [['ETag', '"a"']]);
    for (;;) await write(Buffer.alloc(1000));
  };

  it.each([
    ['asked for HEAD', endless, { method: 'HEAD' }],
    ['below head()', head()(endless), { method: 'HEAD' }],
    ['below conditional()', conditional()(endless), { rawHeaders: ['If-None-Match', '"a"'] }],
    ['below compress()', compress()(endless), { method: 'HEAD' }],
  ] as [string, Application, Partial<GatewayRequest>][])(
    'leaves others their turn, and ends when its client leaves: %s',
    async (_place, application, request) => {
      const { sink, done } = record(application, request);
      await delay(10);
      const error = disconnection('response');
      sink.disconnect(error);
      await done;
      expect(sink.events.at(-1)).toEqual(['abort', error]);
      // Nothing writes any more.
      await delay(5);
    },
  );

  it('leaves others their turn in a cascade', async () => {
    let isStopped = false;
    const stopping: Application = async (_environ, startResponse) => {
      const write = startResponse('404 Not Found', []);
      while (!isStopped) await write('x');
      return [];
    };
    const { sink, done } = record(cascade([stopping, () => []]));
    await delay(10);
    isStopped = true;
    await done;
    expect(sink.content).not.toContain('x');
  });
});
