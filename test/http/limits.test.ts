import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS, type HttpLimits } from '../../src/http/index.ts';
import { cutAll, exchange, octets } from './exchange.ts';

/** The codes of the refusals, if octets are sent whole and one by one. */
function refusal(text: string, limits: Partial<HttpLimits> = {}): (string | undefined)[] {
  const whole = octets(text);
  return [exchange([whole], limits).code, exchange(cutAll(whole), limits).code].map((code) =>
    code?.replace('WSGI_ERR_', ''),
  );
}

const twice = (code: string | undefined): (string | undefined)[] => [code, code];
const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';

describe('the defaults', () => {
  it('cannot be changed', () => {
    expect(Object.isFrozen(DEFAULT_LIMITS)).toBe(true);
  });

  it('accept a request line of 8,000 octets and a field section of 15,000', () => {
    const line = `GET /${'x'.repeat(7_986)} HTTP/1.1\r\n`;
    const section = `Host: a\r\n${`X: ${'y'.repeat(995)}\r\n`.repeat(15)}`;
    expect([line.length, section.length]).toEqual([8_002, 15_009]);
    expect(refusal(`${line}${section}\r\n`)).toEqual(twice(undefined));
  });
});

describe('maxHeaderSize', () => {
  const maxHeaderSize = 100;
  const line = (size: number): string => `GET /${'x'.repeat(size - 16)} HTTP/1.1\r\n`;
  const section = (size: number): string => `Host: a\r\nX: ${'y'.repeat(size - 16)}\r\n\r\n`;

  it('bounds the request line, including its CRLF', () => {
    expect(refusal(`${line(100)}${section(50)}`, { maxHeaderSize })).toEqual(twice(undefined));
    expect(refusal(`${line(101)}${section(50)}`, { maxHeaderSize })).toEqual(twice('REQUEST_LINE_TOO_LONG'));
  });

  it('bounds the field section separately, including its empty line', () => {
    expect(refusal(`${line(100)}${section(100)}`, { maxHeaderSize })).toEqual(twice(undefined));
    expect(refusal(`${line(100)}${section(101)}`, { maxHeaderSize })).toEqual(twice('FIELDS_TOO_LARGE'));
  });

  it.each([
    ['method', 'G'.repeat(101), 'REQUEST_LINE_TOO_LONG'],
    ['target', `GET /${'x'.repeat(101)}`, 'REQUEST_LINE_TOO_LONG'],
    ['field name', `${line(50)}${'X'.repeat(101)}`, 'FIELDS_TOO_LARGE'],
    ['field value', `${line(50)}X: ${'y'.repeat(101)}`, 'FIELDS_TOO_LARGE'],
    ['sequence of fields', `${line(50)}${'X: y\r\n'.repeat(20)}`, 'FIELDS_TOO_LARGE'],
  ])('bounds an endless %s', (_what, text, code) => {
    expect(refusal(text, { maxHeaderSize })).toEqual(twice(code));
  });

  it('does not hide a forbidden octet before it', () => {
    expect(refusal(`GET /${'x'.repeat(50)}\0${'x'.repeat(100)}`, { maxHeaderSize })).toEqual(
      twice('OCTET_FORBIDDEN'),
    );
    expect(refusal(`GET /${'x'.repeat(100)}\0`, { maxHeaderSize })).toEqual(twice('REQUEST_LINE_TOO_LONG'));
  });

  it('does not apply to empty lines before a request, whose limit is 16', () => {
    expect(refusal(`${'\r\n'.repeat(16)}${line(50)}${section(50)}`)).toEqual(twice(undefined));
    expect(refusal('\r\n'.repeat(17))).toEqual(twice('REQUEST_LINE_INVALID'));
  });
});

describe('maxHeadersCount', () => {
  it('bounds the field lines of a head and of a trailer section', () => {
    const limits = { maxHeadersCount: 3 };
    const fields = (count: number): string => 'X: y\r\n'.repeat(count);
    expect(refusal(`GET / HTTP/1.1\r\nHost: a\r\n${fields(2)}\r\n`, limits)).toEqual(twice(undefined));
    expect(refusal(`GET / HTTP/1.1\r\nHost: a\r\n${fields(3)}\r\n`, limits)).toEqual(
      twice('FIELDS_TOO_MANY'),
    );
    expect(refusal(`${HEAD}0\r\n${fields(3)}\r\n`, limits)).toEqual(twice(undefined));
    expect(refusal(`${HEAD}0\r\n${fields(4)}\r\n`, limits)).toEqual(twice('FIELDS_TOO_MANY'));
  });
});

describe('maxBodySize', () => {
  const limits = { maxBodySize: 10 };

  it('bounds Content-Length', () => {
    expect(refusal('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789', limits)).toEqual(
      twice(undefined),
    );
    expect(refusal('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n', limits)).toEqual(
      twice('CONTENT_TOO_LARGE'),
    );
  });

  it.each([
    ['a\r\n0123456789\r\n0\r\n\r\n', undefined],
    ['5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n', undefined],
    ['b\r\n', 'CONTENT_TOO_LARGE'],
    ['5\r\n01234\r\n6\r\n', 'CONTENT_TOO_LARGE'],
    ['5\r\n01234\r\nffffffffffffffff\r\n', 'CONTENT_TOO_LARGE'],
    ['5\r\n01234\r\nfffffffffffffffffb\r\n', 'CONTENT_TOO_LARGE'],
  ])('checks the size of a chunk before adding it: %j', (chunks, code) => {
    expect(refusal(`${HEAD}${chunks}`, limits)).toEqual(twice(code));
  });
});

describe('a maxBodySize beyond the numbers without loss of precision', () => {
  it.each([Number.POSITIVE_INFINITY, 1e20, Number.MAX_SAFE_INTEGER + 1])(
    'allows content up to those numbers: %d',
    (maxBodySize) => {
      const limits = { maxBodySize };
      const chunk = (size: string): string => `${HEAD}5\r\nhello\r\n${size}\r\nx`;
      const endless = `${HEAD}${'0'.repeat(16)}5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`;
      expect(refusal(chunk('1ffffffffffffa'), limits)).toEqual(twice(undefined));
      expect(refusal(chunk('1ffffffffffffb'), limits)).toEqual(twice('CONTENT_TOO_LARGE'));
      expect(refusal(chunk('20000000000000'), limits)).toEqual(twice('CONTENT_TOO_LARGE'));
      expect(refusal(endless, limits)).toEqual(twice('CONTENT_TOO_LARGE'));
    },
  );

  it('refuses all content if it is no number, instead of limiting nothing', () => {
    const limits = { maxBodySize: Number.NaN };
    expect(refusal(`${HEAD}1\r\n`, limits)).toEqual(twice('CONTENT_TOO_LARGE'));
    expect(refusal('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n', limits)).toEqual(
      twice('CONTENT_TOO_LARGE'),
    );
  });
});

describe('a limit of Infinity', () => {
  const next = 'GET /next HTTP/1.1\r\nHost: a\r\n\r\n';
  it.each([
    ['maxHeaderSize', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`],
    ['maxHeaderSize', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`],
    ['maxHeadersCount', `GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(200)}\r\n`],
    ['maxHeadersCount', `${HEAD}0\r\n${'X: y\r\n'.repeat(200)}\r\n`],
    ['maxChunkExtensionSize', `${HEAD}${`1;${'a'.repeat(20_000)}\r\nx\r\n`.repeat(2)}0\r\n\r\n`],
    ['maxTrailerSize', `${HEAD}0\r\nT: ${'t'.repeat(20_000)}\r\n\r\n`],
  ])('allows any amount, and the next request is found: %s', (name, text) => {
    const whole = octets(text + next);
    for (const pieces of [[whole], cutAll(whole)]) {
      const { code, heads } = exchange(pieces, { [name]: Number.POSITIVE_INFINITY });
      expect([code, heads.map(({ method }) => method)]).toEqual([
        undefined,
        [text.slice(0, 4).trim(), 'GET'],
      ]);
    }
    expect(refusal(text)).not.toContain(undefined);
  });
});

describe('maxChunkExtensionSize', () => {
  it('bounds the sum of all chunk extensions of one message', () => {
    const limits = { maxChunkExtensionSize: 8 };
    const good = `${HEAD}1;a=b\r\nx\r\n1;c=d\r\ny\r\n0\r\n\r\n`;
    expect(refusal(`${good}${good}`, limits)).toEqual(twice(undefined));
    expect(refusal(`${HEAD}1;a=b\r\nx\r\n1;c=de\r\n`, limits)).toEqual(twice('CHUNK_EXTENSIONS_TOO_LARGE'));
    expect(refusal(`${HEAD}1;${'a'.repeat(30)}`, limits)).toEqual(twice('CHUNK_EXTENSIONS_TOO_LARGE'));
    expect(refusal(`${HEAD}${'0'.repeat(30)}`, limits)).toEqual(twice('CHUNK_EXTENSIONS_TOO_LARGE'));
  });
});

describe('maxTrailerSize', () => {
  it('bounds a trailer section, including its empty line', () => {
    const limits = { maxTrailerSize: 8 };
    expect(refusal(`${HEAD}0\r\nT: 1\r\n\r\n`, limits)).toEqual(twice(undefined));
    expect(refusal(`${HEAD}0\r\nT: 12\r\n\r\n`, limits)).toEqual(twice('FIELDS_TOO_LARGE'));
    expect(refusal(`${HEAD}0\r\nTTTTTTTTT`, limits)).toEqual(twice('FIELDS_TOO_LARGE'));
  });
});

describe('time', () => {
  const limits = {
    maxHeaderSize: 1e7,
    maxHeadersCount: 1e7,
    maxChunkExtensionSize: 1e7,
    maxTrailerSize: 1e7,
  };

  it.each([
    ['a long value', `GET / HTTP/1.1\r\nX: ${' \t'.repeat(5e5)}`],
    ['many fields', `GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(2e5)}`],
    ['a long extension', `${HEAD}1;${'a'.repeat(1e6)}`],
    ['many chunks', `${HEAD}${'1\r\nx\r\n'.repeat(2e5)}`],
  ])('is linear, octet by octet: %s', (_what, text) => {
    const whole = octets(text);
    const { end } = exchange(
      (function* () {
        for (let at = 0; at < whole.length; at += 1) yield whole.subarray(at, at + 1);
      })(),
      limits,
    );
    expect(end).toBe('waits');
  });
});
