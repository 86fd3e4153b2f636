import { describe, expect, it } from 'vitest';
import { formatFieldLines } from '../../../src/server/exchange/field-line-memory.ts';
import type { HeaderList } from '../../../src/wsgi.ts';

const formatFieldLine = (name: string, value: string): string => formatFieldLines([[name, value]]);

describe('formatFieldLines()', () => {
  it('formats a field the same way each time', () => {
    for (let time = 0; time < 3; time += 1) {
      expect(formatFieldLine('X-Same', 'caf\xe9, with a value of some length')).toBe(
        'X-Same: caf\xe9, with a value of some length\r\n',
      );
    }
  });

  it('formats all lines in order', () => {
    const headers: HeaderList = [
      ['A', '1'],
      ['B', '2'],
      ['A', '3'],
    ];
    for (let time = 0; time < 3; time += 1)
      expect(formatFieldLines(headers)).toBe('A: 1\r\nB: 2\r\nA: 3\r\n');
    expect(formatFieldLines([])).toBe('');
  });

  it('remembers the last value only', () => {
    const values = ['a', 'a', 'b', 'a', 'a', 'b', 'b', 'b', '', '', 'a'];
    const lines = values.map((value) => formatFieldLine('X-Changing', value));
    expect(lines).toEqual(values.map((value) => `X-Changing: ${value}\r\n`));
  });

  it('keeps the letter case of each name', () => {
    const names = ['X-Case', 'x-case', 'X-Case', 'x-case'];
    expect(names.map((name) => formatFieldLine(name, '1'))).toEqual(names.map((name) => `${name}: 1\r\n`));
  });

  it('also formats fields that it does not remember: long names, long values, one name too many', () => {
    const name = 'X'.repeat(100);
    const value = 'v'.repeat(2000);
    for (let time = 0; time < 2; time += 1) {
      expect(formatFieldLine(name, '1')).toBe(`${name}: 1\r\n`);
      expect(formatFieldLine('X-Long', value)).toBe(`X-Long: ${value}\r\n`);
      expect(formatFieldLine('X-Long', '1')).toBe('X-Long: 1\r\n');
      for (let index = 0; index < 1100; index += 1) {
        expect(formatFieldLine(`X-${index}`, '1')).toBe(`X-${index}: 1\r\n`);
      }
    }
  });
});
