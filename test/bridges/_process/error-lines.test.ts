import { describe, expect, it } from 'vitest';
import { ErrorLines } from '../../../bridges/_process/error-lines.ts';

function linesOf(...pieces: (string | Uint8Array)[]): string[] {
  const lines: string[] = [];
  const errors = new ErrorLines((line) => lines.push(line));
  for (const piece of pieces) errors.push(typeof piece === 'string' ? Buffer.from(piece) : piece);
  errors.end();
  return lines;
}

describe('ErrorLines', () => {
  it.each<[string[], string[]]>([
    [['one\ntwo\n'], ['one', 'two']],
    [['one\r\ntwo'], ['one', 'two']],
    [
      ['o', 'ne\n', 't', 'wo'],
      ['one', 'two'],
    ],
    [['\n\n'], ['', '']],
    [[], []],
    [['tab\tand \x1b[31mred\x07\x7f'], ['tab\tand \\x1b[31mred\\x07\\x7f']],
  ])('makes of %j %j', (pieces, lines) => {
    expect(linesOf(...pieces)).toEqual(lines);
  });

  it('puts characters together that come in two pieces', () => {
    const [first, second] = Buffer.from('é');
    expect(linesOf(Uint8Array.of(first ?? 0), Uint8Array.of(second ?? 0))).toEqual(['é']);
    expect(linesOf(Uint8Array.of(0xff))).toEqual(['\ufffd']);
  });

  it('cuts long lines, and holds little of one that never ends', () => {
    expect(linesOf(`${'a'.repeat(20_000)}\n`).map((line) => line.length)).toEqual([8_192, 8_192, 3_616]);
    expect(linesOf('a'.repeat(20_000), 'b').map((line) => line.length)).toEqual([8_192, 8_192, 3_617]);
  });
});
