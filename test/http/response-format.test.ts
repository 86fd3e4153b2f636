import { describe, expect, it } from 'vitest';
import { formatChunkHead, formatResponseHead, formatTrailers, LAST_CHUNK } from '../../src/http/index.ts';

describe('formatResponseHead()', () => {
  it('gives status line, fields, framing and an empty line', () => {
    const headers = [
      ['Content-Type', 'text/plain'],
      ['Set-Cookie', 'a=1'],
      ['set-cookie', 'b=\xe9'],
    ] as const;
    expect(formatResponseHead('200 OK', headers, 'Content-Length: 0\r\n')).toBe(
      'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nSet-Cookie: a=1\r\nset-cookie: b=\xe9\r\n' +
        'Content-Length: 0\r\n\r\n',
    );
  });

  it('keeps the space after the status code when there is no reason phrase', () => {
    expect(formatResponseHead('299', [], '')).toBe('HTTP/1.1 299 \r\n\r\n');
    expect(formatResponseHead('299 ', [], '')).toBe('HTTP/1.1 299 \r\n\r\n');
  });
});

describe('chunked content', () => {
  it.each([
    [1, '1\r\n'],
    [255, 'ff\r\n'],
    [65_536, '10000\r\n'],
  ])('has a size line for %d octets', (size, line) => {
    expect(formatChunkHead(size)).toBe(line);
  });

  it('ends with the last chunk, trailers and an empty line', () => {
    const trailers = formatTrailers([['Server-Timing', 'a']]);
    expect(`${LAST_CHUNK}${trailers}\r\n`).toBe('0\r\nServer-Timing: a\r\n\r\n');
    expect(`${LAST_CHUNK}${formatTrailers([])}\r\n`).toBe('0\r\n\r\n');
  });
});
