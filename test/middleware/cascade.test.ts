import { once } from 'node:events';
import { get } from 'node:http';
import { Readable } from 'node:stream';
import express from 'express';
import { describe, expect, it, vi } from 'vitest';
import { fromExpress } from '../../bridges/express/index.ts';
import { fromNode } from '../../bridges/node/index.ts';
import { disconnection, isDisconnection } from '../../src/errors.ts';
import { cascade } from '../../src/middleware/index.ts';
import { serve } from '../../src/server/index.ts';
import { buildEnviron } from '../../src/testing/index.ts';
import type { Application, Body, Chunk } from '../../src/wsgi.ts';
import { record } from '../support/recording-sink.ts';
import { APPLICATIONS, askInProcess, EVERYWHERE, TEXT } from './kit.ts';

const REJECTING: Record<string, Application> = {
  'an array': (_environ, startResponse) => {
    startResponse('404 Not Found', [['X-First', '1']]);
    return ['no'];
  },
  'an async function': async (_environ, startResponse) => {
    startResponse('405 Method Not Allowed', []);
    return ['no'];
  },
  'a generator': function* (_environ, startResponse) {
    startResponse('404 Not Found', []);
    yield '';
    yield 'no';
    throw new Error('must not be asked for more');
  },
  'an async generator': async function* (_environ, startResponse) {
    startResponse('404 Not Found', []);
    yield 'no';
    throw new Error('must not be asked for more');
  },
  'a generator without content': function* (_environ, startResponse) {
    startResponse('404 Not Found', []);
    yield '';
  },
  'write()': (_environ, startResponse) => {
    void startResponse('404 Not Found', [])('no');
    return ['no'];
  },
  'an error page': (_environ, startResponse) => {
    startResponse('200 OK', []);
    startResponse('404 Not Found', [], new Error('changed its mind'));
    return ['no'];
  },
  'an Express app': fromExpress(express()),
};

describe('cascade', () => {
  it.each(
    Object.entries(REJECTING).flatMap(([name, first]) =>
      EVERYWHERE.map(([form, host, second, ask]) => [name, form, host, { first, second, ask }] as const),
    ),
  )('%s, then %s, %s', async (_name, _form, _host, { first, second, ask }) => {
    const answer = await ask(cascade([first, second]));
    expect(answer.status).toBe('200 OK');
    expect(answer.text).toBe('Hello world');
    expect(answer.headers.has('X-First')).toBe(false);
    expect(answer.log).toBe('');
  });

  it.each(EVERYWHERE)('%s answers first, %s', async (_form, _host, application, ask) => {
    const second = vi.fn();
    expect((await ask(cascade([application, second]))).text).toBe('Hello world');
    expect(second).not.toHaveBeenCalled();
  });

  it('gives the last one as it is', async () => {
    const answer = await askInProcess(cascade(Object.values(REJECTING).slice(0, 1)));
    expect([answer.status, answer.text]).toEqual(['404 Not Found', 'no']);
  });

  it('stays synchronous', () => {
    const { done, sink } = record(
      cascade([REJECTING['an array'] as Application, APPLICATIONS['a function'] as Application]),
    );
    expect(done).toBeUndefined();
    expect(sink.head?.contentLength).toBe(11);
  });

  it('closes what it throws away, once, and waits for it', async () => {
    const order: string[] = [];
    const first: Application = (_environ, startResponse) => {
      startResponse('404 Not Found', []);
      return Object.assign(new Set(['no']), {
        close: async () => {
          await new Promise(setImmediate);
          order.push('closed');
        },
      });
    };
    const second: Application = (_environ, startResponse) => {
      order.push('asked');
      startResponse('200 OK', []);
      return [];
    };
    await record(cascade([first, second])).done;
    expect(order).toEqual(['closed', 'asked']);
  });

  it('closes the one that answers late', async () => {
    const close = vi.fn();
    const second: Application = (_environ, startResponse) => {
      startResponse('200 OK', []);
      return Object.assign(new Set(['yes']), { close });
    };
    const { done, sink } = record(cascade([REJECTING['a generator'] as Application, second]));
    await done;
    expect(sink.content).toBe('yes');
    expect(close).toHaveBeenCalledTimes(1);
  });

  it.each<[string, (stuck: Application) => Application[]]>([
    ['the first one', (stuck) => [stuck, () => []]],
    ['one that is asked late', (stuck) => [REJECTING['a generator'] as Application, stuck]],
  ])('close() reaches %s while it waits for ever', async (_which, applications) => {
    const close = vi.fn();
    const stuck: Application = (_environ, startResponse) => {
      const chunks = (async function* () {
        startResponse('200 OK', []);
        yield 'begun';
        await new Promise(() => {});
      })();
      return Object.assign(chunks, { close });
    };
    const site = cascade(applications(stuck));
    const body = (await site(buildEnviron('/'), () => async () => {})) as AsyncIterable<Chunk> & Body;
    const steps = body[Symbol.asyncIterator]();
    expect((await steps.next()).value).toBe('begun');
    void steps.next();
    void body.close?.();
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('destroys a stream of node at once if the client leaves', async () => {
    const stream = new Readable({ read() {} });
    const streaming: Application = (_environ, startResponse) => {
      startResponse('200 OK', TEXT);
      return stream;
    };
    const site = cascade([REJECTING['a generator'] as Application, streaming]);
    const { done, sink } = record(site, {}, { closeTimeout: 60_000 });
    stream.push('begun');
    await vi.waitFor(() => expect(sink.content).toBe('begun'));
    sink.disconnect(disconnection('response'));
    await done;
    expect(stream.destroyed).toBe(true);
  });

  it('closes unread what comes after the client has left', async () => {
    const order: string[] = [];
    let answer: () => void = () => {};
    const late: Application = async (_environ, startResponse) => {
      order.push('asked');
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      startResponse('200 OK', []);
      return { *[Symbol.iterator]() {}, close: () => order.push('closed') };
    };
    const { done, sink } = record(
      cascade([REJECTING['a generator'] as Application, late]),
      {},
      { closeTimeout: 5 },
    );
    await vi.waitFor(() => expect(order).toEqual(['asked']));
    sink.disconnect(disconnection('response'));
    await done;
    answer();
    await vi.waitFor(() => expect(order).toEqual(['asked', 'closed']));
  });

  it('rejects what is written after the client has left', async () => {
    const outcomes: unknown[] = [];
    const writing: Application = async (_environ, startResponse) => {
      const write = startResponse('200 OK', []);
      for (let count = 0; count < 3; count += 1) {
        await write('a piece').catch((error: unknown) => outcomes.push(isDisconnection(error)));
      }
      return [];
    };
    const site = cascade([REJECTING['a generator'] as Application, writing]);
    const body = (await site(buildEnviron('/'), () => async () => {})) as AsyncIterable<Chunk> & Body;
    await body[Symbol.asyncIterator]().next();
    await body.close?.();
    await vi.waitFor(() => expect(outcomes).toEqual([true, true]));
  });

  it('asks nobody else after the client has left', async () => {
    const second = vi.fn();
    let reject: () => void = () => {};
    const slow: Application = async function* (_environ, startResponse) {
      await new Promise<void>((resolve) => {
        reject = resolve;
      });
      startResponse('404 Not Found', []);
      yield 'no';
    };
    const { done, sink } = record(cascade([slow, second]), {}, { closeTimeout: 5 });
    await new Promise(setImmediate);
    sink.disconnect(disconnection('response'));
    await done;
    reject();
    await new Promise(setImmediate);
    expect(second).not.toHaveBeenCalled();
  });

  it('an application that is asked late writes in order, and waits for the client', async () => {
    const order: string[] = [];
    const writing: Application = async (_environ, startResponse) => {
      const write = startResponse('200 OK', []);
      await write('a');
      order.push('a was taken');
      void write('b');
      await new Promise(setImmediate);
      return new Set(['c', 'd']);
    };
    const site = cascade([
      REJECTING['a generator'],
      REJECTING['an async generator'],
      writing,
    ] as Application[]);
    const { done, sink, log } = record(site);
    await done;
    expect(sink.content).toBe('abcd');
    expect(sink.events.slice(0, 2)).toEqual([
      ['head', '200 OK'],
      ['write', 'a'],
    ]);
    expect(order).toEqual(['a was taken']);
    expect(log).toEqual([]);
  });

  it('an application that is asked late and fails is a failure', async () => {
    const failing: Application = async () => {
      throw new Error('late');
    };
    const { done, sink, log } = record(cascade([REJECTING['an async generator'] as Application, failing]));
    await done;
    expect(sink.head?.statusCode).toBe(500);
    expect(log).toEqual(['Error: late']);
  });

  it('a response that is thrown away leaves nothing behind on the connection', async () => {
    const first = fromNode((_request, response) => {
      response.setHeader('Connection', 'close');
      response.setHeader('Trailer', 'X-Sum');
      response.writeHead(404);
      response.write('no');
      response.addTrailers({ 'X-Sum': '1' });
      response.end();
    });
    const page: Application = (_environ, startResponse) => {
      startResponse('200 OK', []);
      return ['Hello'];
    };
    const server = await serve(cascade([first, page]), { port: 0 });
    const alone = await serve(page, { port: 0 });
    const heads: string[] = [];
    for (const { url } of [server, alone]) {
      const response = await fetch(`${url}`);
      const { date: _date, ...fields } = Object.fromEntries(response.headers);
      heads.push(JSON.stringify([response.status, fields, await response.text()]));
    }
    await Promise.all([server.shutdown(), alone.shutdown()]);
    expect(heads[0]).toBe(heads[1]);
  });

  it('a response that counts keeps its connection and its trailers', async () => {
    const first = fromNode((_request, response) => {
      response.writeHead(200, { Connection: 'close', Trailer: 'X-Sum' });
      response.write('yes');
      response.addTrailers({ 'X-Sum': '1' });
      response.end();
    });
    const page: Application = () => {
      throw new Error('must not be asked');
    };
    const server = await serve(cascade([first, page]), { port: 0 });
    const [response] = await once(get(`${server.url}`), 'response');
    const content = (await response.toArray()).join('');
    await server.shutdown();
    expect([response.headers.connection, content, response.trailers]).toEqual([
      'close',
      'yes',
      { 'x-sum': '1' },
    ]);
  });

  it('gives each a copy of the environ', async () => {
    const spoil: Application = (environ, startResponse) => {
      environ.PATH_INFO = '/spoilt';
      startResponse('404 Not Found', []);
      return [];
    };
    const echo: Application = (environ, startResponse) => {
      startResponse('200 OK', []);
      return [environ.PATH_INFO];
    };
    expect((await askInProcess(cascade([spoil, echo]), { path: '/x' })).text).toBe('/x');
  });

  it('a close that fails while the body waits is logged once', async () => {
    const late: Application = async function* (_environ, startResponse) {
      startResponse('404 Not Found', []);
      yield 'no';
    };
    const waiting: Application = (_environ, startResponse) => {
      startResponse('200 OK', []);
      const steps = [{ done: false, value: 'x' }] as IteratorYieldResult<Chunk>[];
      const iterator = {
        next: async () => steps.shift() ?? new Promise<never>(() => {}),
        return: async () => ({ done: true, value: undefined }) as const,
      };
      const close = (): Promise<never> => Promise.reject(new Error('not closed'));
      return { [Symbol.asyncIterator]: () => iterator, close };
    };
    const { done, sink, log } = record(cascade([late, waiting]), undefined, { closeTimeout: 20 });
    await vi.waitFor(() => expect(sink.content).toBe('x'));
    sink.disconnect(disconnection('response'));
    await done;
    await new Promise((resolve) => setImmediate(resolve));
    expect(log).toEqual(['Error: not closed']);
  });

  it('has other statuses', async () => {
    const site = cascade([APPLICATIONS['a function'], REJECTING['an array']] as Application[], {
      statuses: [200],
    });
    expect((await askInProcess(site)).status).toBe('404 Not Found');
  });

  it('refuses an empty list and bad statuses', () => {
    expect(() => cascade([])).toThrow('a list of one application at least');
    expect(() => cascade([() => []], { statuses: ['404'] as never })).toThrow('a list of status codes');
    expect(() => cascade([() => []], { statuses: [4] })).toThrow(
      'Option statuses must be a list of status codes',
    );
  });
});
