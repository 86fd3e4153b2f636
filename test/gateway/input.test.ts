import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Input } from '../../src/gateway/input.ts';
import type { InputSource } from '../../src/port.ts';

/** A source of these pieces, some of them delayed. */
function source(pieces: readonly string[], failure?: Error): InputSource & { pulls: number } {
  const rest = [...pieces];
  return {
    pulls: 0,
    pull() {
      this.pulls += 1;
      const piece = rest.shift();
      if (piece === undefined && failure !== undefined) return Promise.reject(failure);
      const octets = piece === undefined ? null : Buffer.from(piece);
      return this.pulls % 2 === 0 ? octets : Promise.resolve(octets);
    },
  };
}

const text = (octets: Uint8Array): string => Buffer.from(octets).toString('latin1');

async function lines(input: Input): Promise<string[]> {
  const found: string[] = [];
  for await (const line of input) found.push(text(line));
  return found;
}

describe('Input', () => {
  it('reads as many octets as asked for, fewer only at the end, then none', async () => {
    const input = new Input(source(['he', 'llo wor', 'ld!']));
    expect(text(await input.read(5))).toBe('hello');
    expect(text(await input.read(100))).toBe(' world!');
    expect(text(await input.read())).toBe('');
    expect(text(await input.readline())).toBe('');
    expect(await input.readlines()).toEqual([]);
    expect(await lines(input)).toEqual([]);
  });

  it.each([[undefined], [null], [-1]])('reads the rest with read(%s)', async (size) => {
    expect(text(await new Input(source(['ab', 'c'])).read(size))).toBe('abc');
  });

  it('reads and pulls nothing with read(0)', async () => {
    const octets = source(['a']);
    expect((await new Input(octets).read(0)).length).toBe(0);
    expect(octets.pulls).toBe(0);
  });

  it('is empty at once without a source', async () => {
    expect((await new Input().read()).length).toBe(0);
  });

  it('splits lines at LF only, and keeps it', async () => {
    const input = new Input(source(['a\r', '\nb\rc', '\n\n', 'd']));
    expect(await lines(input)).toEqual(['a\r\n', 'b\rc\n', '\n', 'd']);
  });

  it('continues a line that a limit cut', async () => {
    const input = new Input(source(['abcd', 'ef\ng']));
    expect(text(await input.readline(3))).toBe('abc');
    expect(text(await input.readline(100))).toBe('def\n');
    expect(text(await input.readline())).toBe('g');
  });

  it('stops readlines() after the line that reaches the hint', async () => {
    const input = new Input(source(['aa\nbb\ncc\n']));
    expect((await input.readlines(4)).map(text)).toEqual(['aa\n', 'bb\n']);
    expect((await input.readlines(0)).map(text)).toEqual(['cc\n']);
  });

  it('serves concurrent calls in order', async () => {
    const input = new Input(source(['abc', 'def\n', 'ghi']));
    const parts = await Promise.all([input.read(2), input.readline(), input.read(2), input.read()]);
    expect(parts.map(text)).toEqual(['ab', 'cdef\n', 'gh', 'i']);
  });

  it('can be read further after an iteration was left', async () => {
    const input = new Input(source(['a\nb\nc']));
    for await (const line of input) {
      expect(text(line)).toBe('a\n');
      break;
    }
    expect(text(await input.read())).toBe('b\nc');
  });

  it('yields pieces as they arrive from chunks(), after buffered ones', async () => {
    const input = new Input(source(['abc', 'def']));
    await input.read(1);
    const pieces: string[] = [];
    for await (const piece of input.chunks()) pieces.push(text(piece));
    expect(pieces).toEqual(['bc', 'def']);
  });

  it.each([[1.5], [Number.NaN], [Number.POSITIVE_INFINITY]])('rejects the size %s', async (size) => {
    await expect(new Input(source(['a'])).read(size)).rejects.toThrow(TypeError);
    await expect(new Input(source(['a'])).readline(size)).rejects.toThrow(TypeError);
    await expect(new Input(source(['a'])).readlines(size)).rejects.toThrow(TypeError);
  });

  it('rejects pending and later reads with the failure of the source', async () => {
    const failure = new Error('gone');
    const octets = source(['ab'], failure);
    const input = new Input(octets);
    expect(text(await input.read(1))).toBe('a');
    const pending = [input.read(10), input.readline()];
    for (const read of pending) await expect(read).rejects.toBe(failure);
    await expect(input.read()).rejects.toBe(failure);
    expect(octets.pulls).toBe(2);
  });

  it('loses and repeats nothing, in any way of reading', async () => {
    const step = fc.oneof(
      fc.record({ method: fc.constant('read' as const), size: fc.integer({ min: 0, max: 7 }) }),
      fc.record({ method: fc.constant('readline' as const), size: fc.integer({ min: 1, max: 7 }) }),
    );
    const piece = fc.string({ unit: fc.constantFrom('a', 'b', '\n', '\r'), maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(fc.array(piece), fc.array(step), async (pieces, steps) => {
        const input = new Input(source(pieces));
        let seen = '';
        for (const { method, size } of steps) seen += text(await input[method](size));
        expect(seen + text(await input.read())).toBe(pieces.join(''));
      }),
    );
  });
});
