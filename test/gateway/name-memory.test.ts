import { describe, expect, it } from 'vitest';
import { LastValue, NameMemory, ownCopy } from '../../src/gateway/name-memory.ts';

describe('ownCopy()', () => {
  it('returns an equal native string', () => {
    const octets = Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet));
    const text = octets.join('') + octets.reverse().join('');
    expect(ownCopy(text)).toBe(text);
    expect(ownCopy('\xe9')).toBe('\xe9');
    expect(ownCopy('')).toBe('');
  });
});

describe('NameMemory', () => {
  let calls = 0;
  const learn = (name: string): string => {
    calls += 1;
    return name;
  };

  /** Counts how often the facts about a name are worked out. */
  function count(name: string, times: number, memory = new NameMemory(learn)): number {
    calls = 0;
    for (let time = 0; time < times; time += 1) memory.get(name);
    return calls;
  }

  it('works out the facts about a name once', () => {
    expect(count('Content-Type', 3)).toBe(1);
  });

  it('tells names apart by letter case', () => {
    const memory = new NameMemory((name) => name.toLowerCase());
    expect([memory.get('A'), memory.get('a'), memory.get('A')]).toEqual(['a', 'a', 'a']);
  });

  it.each(['X'.repeat(65), 'no token', '', ':path', 'caf\xe9', '\u0141'])('does not remember %j', (name) => {
    expect(count(name, 3)).toBe(3);
  });

  it('remembers 1024 names and no more', () => {
    const memory = new NameMemory(learn);
    for (let index = 0; index < 1024; index += 1) memory.get(`X-${index}`);
    expect(count('X-1023', 2, memory)).toBe(0);
    expect(count('X-1024', 2, memory)).toBe(2);
  });

  it('forgets nothing when the facts cannot be worked out', () => {
    const memory = new NameMemory((name) => {
      if (name === 'Bad') throw new TypeError(name);
      return name;
    });
    expect(() => memory.get('Bad')).toThrow(TypeError);
    expect(memory.get('Good')).toBe('Good');
  });
});

describe('LastValue', () => {
  it('remembers the last value', () => {
    const last = new LastValue();
    expect(last.value).toBe('');
    expect(last.change('text/html; charset=utf-8')).toBe(true);
    expect(last.change('text/css')).toBe(true);
    expect(last.value).toBe('text/css');
  });

  it('stops remembering values that change often or are long', () => {
    const last = new LastValue();
    expect(last.change('x'.repeat(1025))).toBe(false);
    expect(last.value).toBe('');
    const taken = Array.from({ length: 100 }, (_, index) => last.change(`"${index}"`));
    expect(taken.filter(Boolean).length).toBe(16);
    expect(last.value).toBe('"15"');
  });
});
