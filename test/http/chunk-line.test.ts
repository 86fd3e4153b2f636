import { describe, expect, it } from 'vitest';
import { parseChunkLine } from '../../src/http/chunk-line.ts';

describe('parseChunkLine()', () => {
  it.each([
    ['0', 0, 0],
    ['5', 5, 0],
    ['aF', 175, 0],
    ['000000000000000f', 15, 0],
    ['5;a', 5, 2],
    ['5;a=b;c="d;\\"\xe9\t";e', 5, 17],
    ['5 \t; a \t= b ;c', 5, 13],
    ['5;a=""', 5, 5],
    ['00000000000000005', Number.POSITIVE_INFINITY, 0],
    ['f'.repeat(400), Number.POSITIVE_INFINITY, 0],
  ])('parses %j', (line, size, extensionSize) => {
    expect(parseChunkLine(line)).toEqual({ size, extensionSize });
  });

  it.each([
    '',
    ' ',
    ' 5',
    '5 ',
    '5\t',
    '-5',
    '+5',
    '0x5',
    '5h',
    'g',
    '5_0',
    '5.0',
    '5,5',
    ';a',
    '5;',
    '5;;a',
    '5;a;',
    '5;a=',
    '5;=b',
    '5;a b',
    '5;a="b',
    '5;a=b"',
    '5;a="b"c',
    '5;a="\\',
    '5 a',
    '5;\xe9',
    '5;a=b=c',
    '٥',
  ])('refuses %j', (line) => {
    expect(() => parseChunkLine(line)).toThrow(
      expect.objectContaining({ code: 'WSGI_ERR_CHUNK_MALFORMED', statusCode: 400 }),
    );
  });

  it('takes linear time', () => {
    const bad = [
      `5;a=${' '.repeat(1e5)}`,
      `5${';a'.repeat(1e5)};`,
      `5;a="${'\\"'.repeat(1e5)}`,
      `5${' ;a= b'.repeat(1e4)}"`,
    ];
    for (const line of bad) expect(() => parseChunkLine(line)).toThrow();
  });
});
