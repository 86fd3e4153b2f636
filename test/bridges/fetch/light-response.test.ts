/** LightResponse beside the runtime's Response: same members, same refusals, and sent without a stream. */
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { fromFetch, LightResponse } from '../../../bridges/fetch/index.ts';
import type { StartResponse } from '../../../src/index.ts';
import { buildEnviron } from '../../../src/testing/index.ts';
import { site } from './fetch-site.ts';

const RealResponse = Response;

afterEach(() => {
  globalThis.Response = RealResponse;
});

type Content = ConstructorParameters<typeof Response>[0];
type Case = readonly [
  what: string,
  values: readonly [content?: Content, init?: ConstructorParameters<typeof Response>[1]],
];

const LIST: [string, string][] = [
  ['Set-Cookie', 'a=1'],
  ['Set-Cookie', 'b=2'],
  ['X', 'y'],
];

class OwnHeaders extends Headers {}

const CASES: readonly Case[] = [
  ['nothing', []],
  ['null', [null]],
  ['a text', ['café']],
  ['an empty text', ['']],
  ['octets', [new Uint8Array([1, 2, 3])]],
  ['a type', ['x', { headers: { 'Content-Type': 'text/html' } }]],
  ['a status', ['x', { status: 404, statusText: 'Gone Fishing' }]],
  ['a record', ['x', { headers: { 'X-B': ' trimmed ', 'x-a': '1', 'X-A': '2' } }]],
  ['a list', ['x', { headers: LIST }]],
  ['headers', ['x', { headers: new Headers({ a: 'b' }) }]],
  [
    'headers with a type and cookies',
    ['x', { headers: new Headers([...LIST, ['Content-Type', 'text/css']]) }],
  ],
  ['headers of a class of its own', ['x', { headers: new OwnHeaders({ a: 'b' }) }]],
  ['another response', ['x', new RealResponse('y', { status: 201, headers: { a: 'b' } })]],
  ['a null-body status', [null, { status: 204 }]],
  ['a form', [new URLSearchParams({ a: 'b' })]],
  ['a Blob', [new Blob(['x'], { type: 'text/css' })]],
  ['a number', [7 as unknown as string]],
  ['a value that is no text', ['x', { headers: { 'X-A': 1 } as unknown as Record<string, string> }]],
];

const INVALID: readonly Case[] = [
  ['a small status', ['x', { status: 199 }]],
  ['a great status', ['x', { status: 600 }]],
  ['content of a 204', ['x', { status: 204 }]],
  ['a wrong statusText', ['x', { statusText: 'a\nb' }]],
  ['a wrong name', ['x', { headers: { 'a b': 'c' } }]],
  ['a wrong value', ['x', { headers: { a: 'b\r\nc: d' } }]],
  ['text beyond U+00FF', ['x', { headers: { a: '€' } }]],
  ['a wrong list', ['x', { headers: [['a']] as unknown as [string, string][] }]],
];

const headOf = ({ status, statusText, ok, type, url, redirected, headers }: Response) => ({
  ...{ status, statusText, ok, type, url, redirected },
  headers: [...headers],
});

describe('LightResponse', () => {
  it.each(CASES)('has the members of a Response: %s', async (_what, [content, init]) => {
    const [light, real] = [new LightResponse(content, init), new RealResponse(content, init)];
    expect(headOf(light)).toEqual(headOf(real));
    expect([light.bodyUsed, light.body === null]).toEqual([false, real.body === null]);
    expect(await light.clone().text()).toBe(await real.clone().text());
    expect(await light.text()).toBe(await real.text());
    expect(light.bodyUsed).toBe(real.bodyUsed);
    if (real.bodyUsed) await expect(light.text()).rejects.toThrow(TypeError);
    expect(inspect(light)).toContain(`status: ${real.status}`);
  });

  it.each(CASES)('is sent like one: %s', async (_what, [content, init]) => {
    const sent = [];
    for (const Class of [LightResponse, RealResponse]) {
      const { url, faults } = await site(() => new Class(content, init));
      const response = await fetch(url);
      const headers = [...response.headers].filter(([name]) => name !== 'date');
      sent.push([response.status, headers, await response.text(), faults]);
    }
    expect(sent[0]).toEqual(sent[1]);
  });

  it.each(INVALID)('refuses what the Response of the runtime refuses: %s', (_what, [content, init]) => {
    let expected: unknown;
    try {
      new RealResponse(content, init);
    } catch (error) {
      expected = error;
    }
    expect(expected).toBeInstanceOf(Error);
    expect(() => new LightResponse(content, init)).toThrow((expected as Error).message);
  });

  it('keeps its headers when those that it was made of change', () => {
    const headers = new Headers({ a: 'b' });
    const light = new LightResponse('x', { headers });
    headers.set('a', 'c');
    headers.append('d', 'e');
    expect([...light.headers]).toEqual([...new RealResponse('x', { headers: { a: 'b' } }).headers]);
    light.headers.set('a', 'f');
    expect(headers.get('a')).toBe('c');
  });

  it('passes as the global class, in both directions', () => {
    globalThis.Response = LightResponse;
    expect(new Response('x')).toBeInstanceOf(RealResponse);
    expect(new RealResponse('x')).toBeInstanceOf(Response);
    expect(Response.redirect('http://a.test/', 302)).toBeInstanceOf(Response);
    expect({}).not.toBeInstanceOf(Response);
    class Own extends Response {}
    expect(new Own('x')).toBeInstanceOf(Own);
    expect(new Response('x')).not.toBeInstanceOf(Own);
  });

  it('has the static methods', async () => {
    const [light, real] = [LightResponse, RealResponse].map((Class) => Class.json({ a: 1 }, { status: 201 }));
    expect(headOf(light as Response)).toEqual(headOf(real as Response));
    expect(await light?.json()).toEqual({ a: 1 });
    expect(LightResponse.json(1, { headers: { a: 'b' } }).headers.get('a')).toBe('b');
    expect(() => LightResponse.json(undefined)).toThrow(TypeError);
    expect(LightResponse.error().type).toBe('error');
    expect(() => LightResponse.redirect('http://a.test/', 200 as 301)).toThrow(RangeError);
  });

  it('keeps content and fields as they were when it was made', async () => {
    const octets = new Uint8Array([65]);
    const headers: Record<string, string> = { a: 'b' };
    const response = new LightResponse(octets, { headers });
    octets[0] = 66;
    headers.a = 'c';
    expect([await response.text(), response.headers.get('a')]).toEqual(['A', 'b']);
  });

  it('is given as an array at once, with the headers as they are then', () => {
    let sent: unknown[] = [];
    const startResponse: StartResponse = (...values) => {
      sent = values;
      return async () => {};
    };
    const application = fromFetch(() => {
      const response = new LightResponse('café', { headers: { Connection: 'close', 'X-A': 'b' } });
      response.headers.append('Set-Cookie', 'a=1');
      response.headers.append('Set-Cookie', 'b=2');
      return response;
    });
    expect(application(buildEnviron('/'), startResponse)).toEqual([Buffer.from('café')]);
    expect(sent).toEqual([
      '200 OK',
      [
        ['content-type', 'text/plain;charset=UTF-8'],
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
        ['x-a', 'b'],
      ],
    ]);
  });

  it('is refused like another one if its body was read', async () => {
    const { url, errors } = await site(async () => {
      const response = new LightResponse('x');
      await response.text();
      return response;
    });
    expect((await fetch(url)).status).toBe(500);
    expect(errors.text).toContain('its body has been read');
  });
});
