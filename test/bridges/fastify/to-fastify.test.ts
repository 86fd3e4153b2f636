import { describe, expect, it } from 'vitest';
import { fieldValues } from '../../../src/conformance/wire-client.ts';
import type { HeaderList } from '../../../src/wsgi.ts';
import { answering, createLog, extension, formatRequest, pieces, report, until } from '../site.ts';
import { slowReading } from '../slow-reader.ts';
import { mounting, serve } from './fastify-site.ts';

describe.each([
  ['by reply.send', {}],
  ['hijacked', { hijack: true }],
] as const)('an answer %s', (_name, options) => {
  it('has the headers of the host and of the application, and all cookies', async () => {
    const app = mounting(
      answering(
        'x',
        [
          ['Set-Cookie', 'a=1'],
          ['X-Own', 'application'],
          ['Set-Cookie', 'b=2'],
          ['Vary', 'A'],
          ['Vary', 'B'],
        ],
        '299 Fine',
      ),
      options,
    );
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('x-host', 'h').header('x-own', 'host').header('set-cookie', 'h=1');
      reply.raw.setHeader('X-Raw', 'r');
    });
    const response = await (await serve(app)).fetch('/x');
    expect([response.statusCode, response.reason]).toEqual([299, 'Fine']);
    expect(fieldValues(response, 'Set-Cookie')).toEqual(['h=1', 'a=1', 'b=2']);
    expect(fieldValues(response, 'Vary')).toEqual(['A', 'B']);
    expect(fieldValues(response, 'X-Host')).toEqual(['h']);
    expect(fieldValues(response, 'X-Raw')).toEqual(['r']);
    expect(response.headers).toContainEqual(['X-Own', 'application']);
    expect(fieldValues(response, 'X-Own')).toEqual(['application']);
  });

  it('has a length if it is known, and chunks otherwise', async () => {
    const whole = await (await serve(mounting(answering('whole'), options))).fetch('/x');
    expect([whole.framing, whole.content.toString()]).toEqual(['length', 'whole']);
    expect(fieldValues(whole, 'Content-Type')).toEqual([]);
    const parts = await (await serve(mounting(pieces(['one', 'two']), options))).fetch('/x');
    expect([parts.framing, parts.content.toString()]).toEqual(['chunked', 'onetwo']);
    const old = await (await serve(mounting(pieces(['one', 'two']), options))).fetch({
      target: '/x',
      protocol: 'HTTP/1.0',
    });
    expect([old.framing, old.content.toString()]).toEqual(['close', 'onetwo']);
  });

  it('can have any status', async () => {
    for (const status of ['204 No Content', '304 Not Modified', '404 Gone Fishing', '799 Odd']) {
      const response = await (await serve(mounting(answering('', [], status), options))).fetch('/x');
      expect(`${response.statusCode} ${response.reason}`).toBe(status);
    }
  });

  it('answers inject()', async () => {
    const whole = await mounting(report, options).inject({ method: 'POST', url: '/x/y', payload: { a: 1 } });
    expect(whole.json()).toMatchObject({ PATH_INFO: '/y', content: '{"a":1}', SERVER_PORT: '80' });
    const parts = await mounting(pieces(['one', 'two'], [['X-Own', 'v']]), options).inject('/x');
    expect([parts.body, parts.headers['x-own']]).toEqual(['onetwo', 'v']);
    const cookies = answering('', [
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ]);
    expect((await mounting(cookies, options).inject('/x')).headers['set-cookie']).toEqual(['a=1', 'b=2']);
    const empty = await mounting(answering('', [], '204 No Content'), options).inject('/x');
    expect([empty.statusCode, empty.body]).toEqual([204, '']);
    const head = await mounting(answering('content'), options).inject({ method: 'HEAD', url: '/x' });
    expect([head.headers['content-length'], head.body]).toEqual(['7', '']);
  });

  it('gives the error handler the thrown value if it fails before its head', async () => {
    const error = Object.assign(new Error('early'), { statusCode: 418 });
    for (const value of [error, 'text', null, undefined]) {
      for (const application of [
        (): never => {
          throw value;
        },
        () => Promise.reject(value),
      ]) {
        const app = mounting(application, options);
        const seen: unknown[] = [];
        app.setErrorHandler((thrown, _request, reply) => {
          seen.push(thrown);
          return reply.code(599).send('handled');
        });
        const response = await app.inject('/x');
        expect([response.statusCode, response.body]).toEqual([599, 'handled']);
        expect(seen).toEqual([value]);
        if (value === error) expect((await mounting(application, options).inject('/x')).statusCode).toBe(418);
      }
    }
  });

  it('leaves no headers behind if it fails before its head', async () => {
    const app = mounting((_environ, startResponse) => {
      startResponse('200 OK', [
        ['Content-Type', 'image/png'],
        ['X-Own', 'v'],
      ]);
      throw new Error('failed');
    }, options);
    const response = await app.inject('/x');
    expect(response.statusCode).toBe(500);
    expect(response.headers['content-type']).toMatch('application/json');
    expect(response.headers).not.toHaveProperty('x-own');
  });

  it('is cut off if it fails after its head', async () => {
    const log = createLog();
    const app = mounting(
      async function* (_environ, startResponse) {
        startResponse('200 OK', []);
        yield Buffer.from('begun');
        throw new Error('late');
      },
      { ...options, environ: log.environ },
    );
    const client = (await serve(app)).open();
    client.send(formatRequest('/x'));
    await client.readHead();
    expect((await client.readChunk())?.toString()).toBe('begun');
    await expect(client.readChunk()).rejects.toThrow('Connection ended');
    expect(log.text).toContain('late');
    await expect(app.inject('/x')).rejects.toThrow();
  });

  it('ends when the client leaves', async () => {
    const events: string[] = [];
    const app = mounting(async function* (environ, startResponse) {
      extension<() => AbortSignal>(environ, 'gateway.signal')().addEventListener('abort', () => {
        events.push('abort');
      });
      startResponse('200 OK', []);
      try {
        for (;;) {
          yield Buffer.from('tick');
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      } finally {
        events.push('finally');
      }
    }, options);
    const client = (await serve(app)).open();
    client.send(formatRequest('/x'));
    await client.readHead();
    client.reset();
    await until(() => events.includes('finally'));
    expect(events).toEqual(['abort', 'finally']);
  });

  it('waits for a slow reader', async () => {
    const { application, read } = slowReading();
    await read((await serve(mounting(application, options))).open(), '/x');
  });

  it('sends the head before any chunk, and each chunk before it asks for the next', async () => {
    let release = (): void => {};
    const app = mounting(async function* (_environ, startResponse) {
      const write = startResponse('200 OK', []);
      await write(Buffer.alloc(0));
      for (const chunk of ['one', 'two']) {
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        yield Buffer.from(chunk);
      }
    }, options);
    const client = (await serve(app)).open();
    client.send(formatRequest('/x'));
    expect((await client.readHead()).statusCode).toBe(200);
    for (const chunk of ['one', 'two']) {
      release();
      expect((await client.readChunk())?.toString()).toBe(chunk);
    }
    release();
    expect(await client.readChunk()).toBeNull();
  });

  it('does not wait for an upload that is not read, or only in part', async () => {
    const app = mounting(async (environ, startResponse) => {
      const content =
        environ.PATH_INFO === '/part' ? await environ['wsgi.input'].read(3) : Buffer.from('none');
      startResponse('200 OK', []);
      return [content];
    }, options);
    const client = (await serve(app)).open();
    const content = Buffer.alloc(4 * 1024 * 1024, 'u');
    for (const [target, expected] of [
      ['/x/part', 'uuu'],
      ['/x/none', 'none'],
      ['/x/part', 'uuu'],
    ] as const) {
      client.send(formatRequest({ method: 'POST', target, content }));
      expect((await client.readResponse()).content.toString()).toBe(expected);
    }
  });

  it('carries interim responses and trailer sections', async () => {
    const app = mounting(async function* (environ, startResponse) {
      extension<(headers: HeaderList) => void>(environ, 'gateway.early_hints')([['X-Hint', '1']]);
      startResponse('200 OK', []);
      yield Buffer.from('x');
      extension<(headers: HeaderList) => void>(environ, 'gateway.send_trailers')([['X-Sum', '7']]);
    }, options);
    const response = await (await serve(app)).fetch('/x');
    expect(response.interim.map(({ statusCode }) => statusCode)).toEqual([103]);
    expect(response.trailers).toEqual([['X-Sum', '7']]);
  });

  it('appears in the log and in onResponse with its status', async () => {
    const seen: number[] = [];
    const lines: string[] = [];
    const stream = {
      write: (line: string): void => {
        lines.push(line);
      },
    };
    const app = mounting(pieces(['one', 'two']), options, { logger: { stream } });
    app.addHook('onResponse', async (_request, reply) => {
      seen.push(reply.statusCode);
    });
    await (await serve(app)).fetch('/x');
    await until(() => seen.length > 0);
    expect(seen).toEqual([200]);
    const completed = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request completed');
    expect(completed).toMatchObject([{ res: { statusCode: 200 } }]);
  });
});
