import { describe, expect, it } from 'vitest';
import { parseFieldLine } from '../../src/http/field-line.ts';

function parse(line: string): string[] {
  const fields: string[] = [];
  parseFieldLine(line, fields);
  return fields;
}

describe('parseFieldLine()', () => {
  it.each([
    ['A:b', 'A', 'b'],
    ['a: \t b \t', 'a', 'b'],
    ['a:', 'a', ''],
    ['a:\t ', 'a', ''],
    ['a:b:c', 'a', 'b:c'],
    ['a::', 'a', ':'],
    ['x-Y_z: a  b\tc', 'x-Y_z', 'a  b\tc'],
    ['a: \x80\xa0\xff', 'a', '\x80\xa0\xff'],
  ])('parses %j', (line, name, value) => {
    expect(parse(line)).toEqual([name, value]);
  });

  it.each([
    ['a', 'FIELD_LINE_INVALID'],
    [':a', 'FIELD_LINE_INVALID'],
    ['a : b', 'FIELD_LINE_INVALID'],
    ['a\t: b', 'FIELD_LINE_INVALID'],
    ['a b: c', 'FIELD_LINE_INVALID'],
    ['(a): b', 'FIELD_LINE_INVALID'],
    ['\xe9: b', 'FIELD_LINE_INVALID'],
    [' a: b', 'FIELD_FOLDED'],
    ['\ta: b', 'FIELD_FOLDED'],
    [' ', 'FIELD_FOLDED'],
    ['a: b\rc', 'LINE_END_INVALID'],
    ['a: b\nc: d', 'LINE_END_INVALID'],
    ['a\r: b', 'LINE_END_INVALID'],
    ['a: \0', 'OCTET_FORBIDDEN'],
    ['a: \x7f', 'OCTET_FORBIDDEN'],
    ['\x0ba: b', 'OCTET_FORBIDDEN'],
  ])('refuses %j', (line, code) => {
    expect(() => parse(line)).toThrow(expect.objectContaining({ code: `WSGI_ERR_${code}` }));
  });
});
