/** fromFetch itself: what it takes and refuses, and what becomes of responses. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { toExpress } from '../../../bridges/express/index.ts';
import { type FetchProgram, fromFetch } from '../../../bridges/fetch/index.ts';
import { toNode } from '../../../bridges/node/index.ts';
import type { Environ, StartResponse } from '../../../src/index.ts';
import { trustedProxy } from '../../../src/middleware/index.ts';
import { serve } from '../../../src/server/index.ts';
import { buildEnviron, createClient, runApp } from '../../../src/testing/index.ts';
import { afterTest, exchange, site, until } from './fetch-site.ts';

/** The head that a program gives, and its body. */
async function answerOf(program: FetchProgram, environ: Environ = buildEnviron('/')): Promise<unknown[]> {
  let head: unknown[] = [];
  const startResponse: StartResponse = (...values) => {
    head = values;
    return async () => {};
  };
  return [...head, await fromFetch(program)(environ, startResponse)].concat(head);
}

const failureOf = async (program: FetchProgram): Promise<unknown> => {
  try {
    await answerOf(program);
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('fromFetch', () => {
  it.each([
    [undefined, 'not undefined'],
    [{ app: 1 }, 'not an object without one'],
    ['app', 'not string'],
    [express(), 'pass fromExpress(app)'],
    [class Handler {}, 'pass an instance of it'],
    [toNode(() => []), 'the result of toNode(application)'],
    [Promise.resolve(() => new Response()), 'await it'],
  ])('refuses %s', (program, message) => {
    expect(() => fromFetch(program as unknown as FetchProgram)).toThrow(TypeError);
    expect(() => fromFetch(program as unknown as FetchProgram)).toThrow(message);
  });

  it('refuses options that it does not know, and wrong ones', () => {
    const handler = () => new Response();
    expect(() => fromFetch(handler, { enviroment: {} } as object)).toThrow(/enviroment.*environ/);
    expect(() => fromFetch(handler, { env: 1 } as object)).toThrow(TypeError);
    expect(() => fromFetch(handler, { wholePath: 'yes' } as object)).toThrow(TypeError);
  });

  it('refuses to be mounted in Express as it is', () => {
    const application = fromFetch(() => new Response());
    expect(() => Reflect.apply(application, undefined, [{}, {}])).toThrow('toExpress(application)');
  });

  it('gives an array at once for a response without content, and a promise of one for a text', async () => {
    const startResponse: StartResponse = () => async () => {};
    const environ = buildEnviron('/');
    expect(fromFetch(() => new Response(null, { status: 204 }))(environ, startResponse)).toEqual([]);
    const body = await fromFetch(() => new Response('café'))(environ, startResponse);
    expect(Buffer.concat(body as Uint8Array[]).toString()).toBe('café');
    expect(Array.isArray(body)).toBe(true);
  });

  it('calls a method on its object, also one that was replaced', async () => {
    const program = {
      name: 'shop',
      fetch(this: { name: string }, _request: Request) {
        return new Response(this.name);
      },
    };
    const client = createClient(fromFetch(program));
    expect(await (await client.get('/')).text()).toBe('shop');
    program.fetch = () => new Response('other');
    expect(await (await client.get('/')).text()).toBe('other');
  });
});

describe('a handler that gives no Response', () => {
  class Shop {
    fetch(): object {
      return { status: 200 };
    }
  }
  it.each([
    [function shop() {}, /shop gave undefined/],
    [async () => 'text', /gave string/],
    [() => null, /gave null/],
    [new Shop(), /fetch of Shop gave/],
    [{ fetch: () => 7 }, /fetch gave number/],
    [() => Response.error(), /status is 0, as of Response.error\(\)/],
  ] as [unknown, RegExp][])('is told by its name: %s', async (program, message) => {
    const error = await failureOf(program as FetchProgram);
    expect(error).toMatchObject({ code: 'WSGI_ERR_RESPONSE_INVALID', statusCode: 500 });
    expect(String(error)).toMatch(message);
  });

  it.each([
    ['was read', async (response: Response) => response.text(), /has been read/],
    ['is locked', async (response: Response) => response.body?.getReader(), /is locked/],
  ] as const)('is told of a body that %s', async (_what, spoil, message) => {
    const program = async (): Promise<Response> => {
      const response = new Response('text');
      await spoil(response);
      return response;
    };
    expect(String(await failureOf(program))).toMatch(message);
  });

  it.each<unknown>(['string', { a: 1 }, 5])('is told of a stream that gives %j', async (chunk) => {
    const { url, errors } = await site(
      () =>
        new Response(
          new ReadableStream({
            start(controller) {
              controller.enqueue(chunk as Uint8Array);
              controller.close();
            },
          }),
        ),
    );
    expect((await fetch(url)).status).toBe(500);
    expect(errors.text).toContain('the stream of a Response gave');
  });
});

it.each([new Error('own'), 'a string', undefined, null])('passes on the very value: %s', async (thrown) => {
  const failing: readonly FetchProgram[] = [
    () => {
      throw thrown;
    },
    () => Promise.reject(thrown),
    () => new Response(new ReadableStream({ pull: () => Promise.reject(thrown) })),
  ];
  for (const program of failing) {
    let caught: unknown = 'nothing';
    await answerOf(program).catch((error: unknown) => {
      caught = error;
    });
    expect(caught).toBe(thrown);
  }
});

describe('responses', () => {
  it('of other classes are sent, if they have the members', async () => {
    const response = {
      status: 299,
      statusText: 'Own Words',
      headers: new Map([['x-a', 'b']]),
      body: new Blob(['text']).stream(),
    };
    const { url } = await site(() => response as unknown as Response);
    const answer = await fetch(url);
    expect([answer.status, answer.statusText, answer.headers.get('x-a'), await answer.text()]).toEqual([
      299,
      'Own Words',
      'b',
      'text',
    ]);
  });

  it('with a status of 999 or 1xx are of other classes only: the one is sent, the other refused', async () => {
    const of = (status: number) => (): Response =>
      ({ status, headers: new Headers(), body: null }) as unknown as Response;
    expect(await exchange((await site(of(999))).url, 'GET / HTTP/1.0\r\n\r\n')).toContain('HTTP/1.1 999 ');
    expect(String(await failureOf(of(101)))).toContain('its status is 101');
  });

  it('that fetch has got are sent with their decoded content, and those to HEAD as they are', async () => {
    const zipped = gzipSync('text'.repeat(1000));
    const origin = createServer((_request, response) => {
      response.writeHead(200, {
        'Content-Encoding': 'gzip',
        'Content-Length': zipped.length,
        'Set-Cookie': ['a=1', 'b=2'],
        'X-A': 'b',
      });
      response.end(zipped);
    });
    await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
    afterTest(() => origin.close());
    // A TCP server has such an address.
    const target = `http://127.0.0.1:${(origin.address() as AddressInfo).port}/`;
    const { url, faults } = await site((request) => fetch(target, { method: request.method }));
    const answer = await fetch(url);
    expect(await answer.text()).toBe('text'.repeat(1000));
    expect([answer.headers.get('content-encoding'), answer.headers.get('x-a')]).toEqual([null, 'b']);
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    const head = await exchange(url, 'HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(head).toMatch(/content-encoding: gzip/i);
    expect(head).toMatch(new RegExp(`content-length: ${zipped.length}`, 'i'));
    expect(faults).toEqual([]);
  });

  it('cannot inject fields', async () => {
    const { url } = await site((request) => {
      const value = new URL(request.url).searchParams.get('v') ?? '';
      return new Response('x', { headers: { 'X-A': value } });
    });
    for (const value of ['a%0d%0aX-B:%20c', 'a%00', '%E2%82%AC'])
      expect((await fetch(`${url}/?v=${value}`)).status).toBe(500);
    expect((await fetch(`${url}/?v=caf%C3%A9`)).headers.get('x-a')).toBe('caf\xe9');
  });
});

describe('requests as clients send them', () => {
  it('with odd methods, targets and heads', async () => {
    const { url } = await site((request) => {
      return new Response(`[${request.method} ${request.url}]`);
    });
    const ask = async (line: string, host = 'Host: site.test\r\n'): Promise<string | undefined> => {
      const received = await exchange(url, `${line}\r\n${host}Connection: close\r\n\r\n`);
      return /\[.*\]/.exec(received)?.[0];
    };
    expect(await ask('GET http://other.test:81/x?y HTTP/1.1')).toBe('[GET http://other.test:81/x?y]');
    expect(await ask('GET //x//y HTTP/1.1')).toBe('[GET http://site.test//x//y]');
    expect(await ask('OPTIONS * HTTP/1.1')).toBe('[OPTIONS http://site.test/]');
    expect(await ask('PROPFIND /x HTTP/1.1')).toBe('[PROPFIND http://site.test/x]');
    expect(await ask('TRACE /x HTTP/1.1')).toBe('[TRACE http://site.test/x]');
    expect(await ask('GET /x HTTP/1.0', '')).toBe(`[GET ${new URL('/x', url)}]`);
  });

  it('through trusted proxies', async () => {
    const application = trustedProxy({ addresses: ['loopback'], host: 1 })(
      fromFetch((request) => new Response(`${request.url} ${(request as { ip?: string }).ip}`)),
    );
    const server = await serve(application, { port: 0 });
    afterTest(() => server.shutdown({ timeout: 10 }));
    const headers = {
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Host': 'shop.test',
      'X-Forwarded-For': '192.0.2.7',
    };
    expect(await (await fetch(`${server.url}x`, { headers })).text()).toBe('https://shop.test/x 192.0.2.7');
  });

  it("through Express's own trust", async () => {
    const app = express().set('trust proxy', true);
    app.use('/m', toExpress(fromFetch((request) => new Response(request.url), { wholePath: true })));
    const server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    afterTest(() => server.close());
    // A TCP server has such an address.
    const { port } = server.address() as AddressInfo;
    const headers = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'shop.test' };
    const response = await fetch(`http://127.0.0.1:${port}/m/x`, { headers });
    expect(await response.text()).toBe('https://shop.test/m/x');
  });
});

it('passes its request to fetch', async () => {
  const { url: origin } = await site(async (request) => {
    return new Response(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`);
  });
  const { url } = await site((request) => fetch(new URL('/there', origin), request));
  expect(await (await fetch(url, { method: 'PUT', body: 'abc' })).text()).toBe('PUT /there abc');
  // The host is that of the first site, which would answer itself for ever.
  const { url: looping } = await site((request) =>
    request.headers.has('x-again')
      ? new Response('again')
      : fetch(request, { headers: { 'X-Again': '1' }, method: 'GET' }),
  );
  expect(await (await fetch(looping)).text()).toBe('again');
});

it('lets work that it waits for read on after the response, and tells others that the content is gone', async () => {
  let length = 0;
  const failures: unknown[] = [];
  const { url } = await site((request, _env, context) => {
    const read = async (): Promise<void> => {
      const reader = request.body?.getReader();
      for (let step = await reader?.read(); step?.done === false; step = await reader?.read()) {
        length += step.value.length;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    };
    if (request.method === 'PUT') context.waitUntil(read());
    else setTimeout(() => void request.text().catch((error: unknown) => failures.push(error)), 20);
    return new Response('early');
  });
  const body = 'x'.repeat(2_000_000);
  expect(await (await fetch(url, { method: 'PUT', body })).text()).toBe('early');
  await until(() => length === body.length, 'the rest');
  await fetch(url, { method: 'POST', body });
  await until(() => failures.length === 1, 'the failure');
  expect(failures[0]).toMatchObject({ code: 'WSGI_ERR_BODY_CONSUMED' });
});

it('runs under the test client', async () => {
  const response = await runApp(
    fromFetch(() => new Response('x', { statusText: 'Fine' })),
    buildEnviron('/'),
  );
  expect(response.status).toBe('200 Fine');
});
