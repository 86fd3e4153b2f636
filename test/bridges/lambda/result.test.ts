/** The result that belongs to each shape of events. */
import { describe, expect, it } from 'vitest';
import { type LambdaResult, toLambda } from '../../../bridges/lambda/index.ts';
import type { Application, HeaderList } from '../../../src/index.ts';
import { EVENTS, restEvent } from './events.ts';
import { answering, createLog, readResult } from './kit.ts';

const SHAPES = Object.entries(EVENTS);

describe.each(SHAPES)('a response to %s', (shape, makeEvent) => {
  const ask = async (application: Application, request = {}, options = {}) =>
    readResult(await toLambda(application, options)(makeEvent(request)));

  it('arrives', async () => {
    const response = await ask(
      answering(
        '201 Created',
        [
          ['Content-Type', 'text/plain'],
          ['X-A', 'b'],
        ],
        'é€\0',
      ),
    );
    expect(response.statusCode).toBe(201);
    expect(response.field('content-type')).toBe('text/plain');
    expect(response.field('x-a')).toBe('b');
    expect(response.field('content-length')).toBe('6');
    expect(response.content.toString()).toBe('é€\0');
  });

  it('has binary content as base64, and text as text', async () => {
    const binary = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 255]);
    expect((await ask(answering('200 OK', [], binary.subarray(0, 2), binary.subarray(2)))).content).toEqual(
      binary,
    );
    const send = (
      content: string | Uint8Array,
      headers: HeaderList = [],
      options = {},
    ): Promise<LambdaResult> => toLambda(answering('200 OK', headers, content), options)(makeEvent());
    expect(await send('\ufefftext')).toMatchObject({ body: '\ufefftext', isBase64Encoded: false });
    expect(await send('')).toMatchObject({ body: '', isBase64Encoded: false });
    expect(await send(binary)).toMatchObject({ isBase64Encoded: true });
    expect(await send('coded', [['Content-Encoding', 'br']])).toMatchObject({ isBase64Encoded: true });
    expect(await send('coded', [['Content-Encoding', 'identity']])).toMatchObject({ isBase64Encoded: false });
    expect(await send('<svg/>', [['Content-Type', 'image/svg+xml']])).toMatchObject({
      isBase64Encoded: false,
    });
    expect(await send('text', [], { base64: 'always' })).toMatchObject({
      body: 'dGV4dA==',
      isBase64Encoded: true,
    });
  });

  it('has every cookie and every line', async () => {
    const cookies = Array.from(
      { length: 12 },
      (_, index) => `c${index}=${index}; Expires=Wed, 21 Oct 2026 07:28:00 GMT`,
    );
    const headers: HeaderList = [
      ...cookies.map((cookie): [string, string] => ['Set-Cookie', cookie]),
      ['Link', '</a>'],
      ['link', '</b>'],
      ['__proto__', 'x'],
    ];
    const response = await ask(answering('200 OK', headers, 'x'));
    expect(response.cookies()).toEqual(cookies);
    expect(
      response.fields
        .filter(([name]) => name === 'link')
        .map(([, value]) => value)
        .join(', '),
    ).toBe('</a>, </b>');
    expect(response.field('__proto__')).toBe('x');
  });

  it('has a value whose octets are UTF-8 as text', async () => {
    const response = await ask(
      answering(
        '200 OK',
        [
          ['X-A', 'caf\xc3\xa9'],
          ['X-B', 'caf\xe9'],
        ],
        '',
      ),
    );
    expect([response.field('x-a'), response.field('x-b')]).toEqual(['café', 'café']);
  });

  it.each([
    ['HEAD', '200 OK', { method: 'HEAD' }],
    ['204', '204 No Content', {}],
    ['304', '304 Not Modified', {}],
  ])('has no content: %s', async (_what, status, request) => {
    const result = await toLambda(
      answering(status, [['ETag', '"1"']], ...(status.startsWith('200') ? ['content'] : [])),
    )(makeEvent(request));
    expect(result).toMatchObject({
      statusCode: Number(status.slice(0, 3)),
      body: '',
      isBase64Encoded: false,
    });
    expect(readResult(result).field('content-length')).toBe(status.startsWith('200') ? '7' : undefined);
  });

  it('has words for its status only where load balancers want them', async () => {
    const result = await toLambda(answering('404 Lost', [], ''))(makeEvent());
    const isBalancer = /balancer|Lattice/.test(shape);
    expect(result.statusDescription).toBe(isBalancer ? '404 Lost' : undefined);
    const wordless = await toLambda(answering('404 ', [], ''))(makeEvent());
    expect(wordless.statusDescription).toBe(isBalancer ? '404 Not Found' : undefined);
  });

  it('is a 500 after an error, which is logged', async () => {
    const log = createLog();
    const failing: Application = () => {
      throw new Error('broken');
    };
    const response = await ask(failing, { target: '/x' }, { environ: log.environ });
    expect([response.statusCode, response.content.toString()]).toEqual([500, 'Internal Server Error\n']);
    expect(log.entries.join('')).toMatch(/GET \S*\/x Error: broken\n/);
  });

  it('is a 500 after an error in the middle', async () => {
    const log = createLog();
    const failing: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Set-Cookie', 'a=1']]);
      return (function* () {
        yield Buffer.from('some');
        throw new Error('broken');
      })();
    };
    const response = await ask(failing, {}, { environ: log.environ });
    expect([response.statusCode, response.content.toString()]).toEqual([500, 'Internal Server Error\n']);
    expect(response.cookies()).toEqual([]);
    expect(log.entries).toHaveLength(1);
    const exposed = await ask(failing, {}, { environ: log.environ, exposeErrors: true });
    expect(exposed.content.toString()).toContain('Error: broken\n    at');
  });

  it('is a 500 if it is larger than the platform takes', async () => {
    const limit = shape.startsWith('load balancer') ? 1_048_576 : 6_291_456;
    const log = createLog();
    const send = async (...body: (string | Uint8Array)[]) =>
      (await ask(answering('200 OK', [['A', 'b']], ...body), {}, { environ: log.environ })).statusCode;
    expect(await send(Buffer.alloc(limit - 400, 'x'))).toBe(200);
    expect(await send(Buffer.alloc(limit - 30, 'x'))).toBe(500);
    expect(await send(Buffer.alloc(limit / 2, 'x'), Buffer.alloc(limit / 2 + 1, 'x'))).toBe(500);
    // As JSON each of these is more octets.
    expect(await send(Buffer.alloc(Math.ceil(limit / 6), '\x01'))).toBe(500);
    expect(await send(Buffer.alloc(Math.ceil(limit * 0.76), 0xff))).toBe(500);
    expect(await send(Buffer.alloc(Math.ceil(limit * 0.74), 0xff))).toBe(200);
    expect(log.entries).toHaveLength(4);
    for (const entry of log.entries)
      expect(entry).toMatch(
        new RegExp(`larger than what the host passes on: \\d+ octets, and the limit is ${limit}`),
      );
  });

  it('has the limit of the option', async () => {
    const log = createLog();
    const options = { maxResponseSize: 100, environ: log.environ };
    expect((await ask(answering('200 OK', [], 'x'.repeat(101)), {}, options)).statusCode).toBe(500);
    const other = { maxResponseSize: 10_000_000 };
    expect((await ask(answering('200 OK', [], 'x'.repeat(7_000_000)), {}, other)).statusCode).toBe(200);
  });
});

it('a response without an end is refused when it is too large, and its body is closed', async () => {
  const log = createLog();
  let isClosed = false;
  let count = 0;
  const endless: Application = (_environ, startResponse) => {
    startResponse('200 OK', []);
    return {
      *[Symbol.iterator]() {
        for (;;) {
          count += 1;
          yield Buffer.alloc(100_000, 'x');
        }
      },
      close: () => {
        isClosed = true;
      },
    };
  };
  const result = await toLambda(endless, { environ: log.environ })(restEvent());
  expect([result.statusCode, isClosed, count]).toEqual([500, true, 63]);
});
