import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Headers, isFieldValue, isHopByHop, isToken } from '../../src/gateway/headers.ts';
import type { HeaderList } from '../../src/wsgi.ts';

/** Names that often differ only in case, to test matching. */
const anyName = fc.constantFrom('a', 'A', 'b', 'Set-Cookie', 'set-cookie', 'SET-COOKIE', 'Content-Type');
const anyValue = fc.string({ unit: fc.constantFrom('x', ' ', '\t', '"', '\\', '\xe9', '~') });
const anyList = fc.array(fc.tuple(anyName, anyValue), { maxLength: 12 });

describe('isToken()', () => {
  it.each(['a', 'Content-Type', 'P3P', "!#$%&'*+-.^_`|~09azAZ"])('accepts %j', (name) => {
    expect(isToken(name)).toBe(true);
  });

  it.each(['', ' ', 'a b', 'a:', 'a\r', '\na', 'a\n', 'é', '\xe9', 'a/b', '(a)', 'a,b', '"a"', 'a\0'])(
    'refuses %j',
    (name) => {
      expect(isToken(name)).toBe(false);
    },
  );
});

describe('isFieldValue()', () => {
  it('allows HTAB, SP to ~ and U+0080 to U+00FF, by code unit', () => {
    for (let code = 0; code <= 0x17f; code += 1) {
      const isAllowed = code === 9 || (code >= 0x20 && code <= 0x7e) || (code >= 0x80 && code <= 0xff);
      expect([code, isFieldValue(`a${String.fromCharCode(code)}`)]).toEqual([code, isAllowed]);
    }
  });

  it('refuses U+010A, which a latin-1 writer would send as LF', () => {
    expect(isFieldValue('a\u010ab: c')).toBe(false);
  });

  it('refuses astral characters and accepts an empty value', () => {
    expect([isFieldValue('😀'), isFieldValue('')]).toEqual([false, true]);
  });
});

describe('isHopByHop()', () => {
  const names = [
    'Connection',
    'Keep-Alive',
    'Proxy-Authenticate',
    'Proxy-Authorization',
    'Proxy-Connection',
    'TE',
    'Trailer',
    'Trailers',
    'Transfer-Encoding',
    'Upgrade',
  ];

  it.each(names)('accepts %s in four letter cases', (name) => {
    const mixed = [...name].map((c, index) => (index % 2 ? c.toUpperCase() : c.toLowerCase())).join('');
    expect([name, name.toLowerCase(), name.toUpperCase(), mixed].map(isHopByHop)).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });

  it.each([
    'Accept',
    'Cache-Control',
    'Date',
    'Pragma',
    'Via',
    'Warning',
    'Set-Cookie',
    'Content-Length',
    'Location',
    '',
  ])('refuses %j', (name) => {
    expect([name, name.toLowerCase(), name.toUpperCase()].map(isHopByHop)).toEqual([false, false, false]);
  });

  it.each(names)('refuses longer names than %s', (name) => {
    // Shifts count modulo 32: a name longer by 32 must not pass the check of lengths.
    expect([isHopByHop(`${name}x`), isHopByHop(`${name}${'x'.repeat(32)}`)]).toEqual([false, false]);
  });
});

describe('Headers', () => {
  it('is a mapping', () => {
    const test = (): HeaderList => [['x', 'y']];
    expect(new Headers().size).toBe(0);
    expect(new Headers([]).size).toBe(0);
    expect(new Headers(test()).size).toBe(1);
    expect(new Headers(test()).keys()).toEqual(['x']);
    expect(new Headers(test()).values()).toEqual(['y']);
    expect(new Headers(test()).entries()).toEqual(test());
    expect([...new Headers(test())]).toEqual(test());

    const headers = new Headers();
    headers.delete('foo');
    headers.set('Foo', 'bar');
    for (const name of ['foo', 'Foo', 'FOO']) {
      expect(headers.has(name)).toBe(true);
      expect(headers.get(name)).toBe('bar');
      expect(headers.getAll(name)).toEqual(['bar']);
    }
    headers.set('foo', 'baz');
    expect(headers.getAll('Foo')).toEqual(['baz']);
    expect(headers.get('foo', 'whee')).toBe('baz');
    expect(headers.get('zoo', 'whee')).toBe('whee');
    expect(headers.get('zoo')).toBeUndefined();
    expect(headers.setDefault('foo', 'whee')).toBe('baz');
    expect(headers.setDefault('zoo', 'whee')).toBe('whee');
    expect(headers.get('zoo')).toBe('whee');
  });

  it('wraps the given list itself', () => {
    const list: HeaderList = [
      ['A', '1'],
      ['B', '2'],
      ['a', '3'],
    ];
    const headers = new Headers(list);
    headers.set('A', '4');
    expect(list).toEqual([
      ['B', '2'],
      ['A', '4'],
    ]);
    list.push(['C', '5']);
    expect(headers.get('c')).toBe('5');
    expect(headers.list).toBe(list);
  });

  it('counts duplicates and keeps their order', () => {
    const headers = new Headers([
      ['Set-Cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ]);
    headers.addHeader('SET-COOKIE', 'c=3');
    expect(headers.size).toBe(3);
    expect(headers.getAll('Set-Cookie')).toEqual(['a=1', 'b=2', 'c=3']);
    expect(headers.get('Set-Cookie')).toBe('a=1');
  });

  it('returns copies from entries(), pairs included', () => {
    const headers = new Headers([['x', 'y']]);
    const copy = headers.entries();
    copy.push(['z', 'z']);
    const [pair] = copy;
    if (pair !== undefined) pair[1] = 'changed';
    expect(headers.list).toEqual([['x', 'y']]);
  });

  it('can be changed while it is iterated', () => {
    const headers = new Headers([
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
    ]);
    for (const [name] of headers) headers.delete(name);
    expect(headers.size).toBe(0);
  });

  it('adds parameters and formats a field section', () => {
    const headers = new Headers();
    expect(String(headers)).toBe('\r\n');
    headers.addHeader('foo', 'bar', { baz: 'spam' });
    expect(headers.get('foo')).toBe('bar; baz="spam"');
    expect(String(headers)).toBe('foo: bar; baz="spam"\r\n\r\n');
    headers.addHeader('Foo', 'bar', { cheese: null });
    expect(headers.getAll('foo')).toEqual(['bar; baz="spam"', 'bar; cheese']);
    expect(String(headers)).toBe('foo: bar; baz="spam"\r\nFoo: bar; cheese\r\n\r\n');
  });

  it('quotes parameters, turns _ into - and accepts a missing value', () => {
    const headers = new Headers();
    headers.addHeader('a', 'v', { max_age: '1', name: 'x "y" \\z', empty: '' });
    headers.addHeader('b', null, { only_this: null });
    expect(headers.list).toEqual([
      ['a', 'v; max-age="1"; name="x \\"y\\" \\\\z"; empty'],
      ['b', 'only-this'],
    ]);
  });

  it('formats latin-1 octets', () => {
    expect([...new Headers([['x', '\xe9']]).toBytes()]).toEqual([
      ...Buffer.from('x: \xe9\r\n\r\n', 'latin1'),
    ]);
  });

  it('refuses anything but a list of pairs', () => {
    const wrong: unknown[] = [
      null,
      'x',
      {},
      new Map(),
      new Set(),
      [['a']],
      [['a', 'b', 'c']],
      [['a', 1]],
      ['ab'],
    ];
    for (const list of wrong) {
      // Callers without types can pass anything.
      expect(() => new Headers(list as HeaderList)).toThrow(TypeError);
    }
  });

  it('refuses names and values that cannot be sent, in every method', () => {
    const headers = new Headers();
    const attempts = [
      () => headers.set('a b', 'c'),
      () => headers.set('a', 'b\r\nc: d'),
      () => headers.setDefault('a\n', 'b'),
      () => headers.addHeader('a', 'b', { c: 'd\ne' }),
      () => headers.addHeader('a', 'b', { 'c\r': null }),
      () => headers.addHeader('a', '\u010a'),
      () => new Headers([['a', 'b\0']]),
    ];
    for (const attempt of attempts) expect(attempt).toThrow(TypeError);
    expect(headers.size).toBe(0);
  });

  it('leaves one field of the name after set(), at the end, and no other field changed', () => {
    fc.assert(
      fc.property(anyList, anyName, anyValue, (list, name, value) => {
        const others = list.filter(([other]) => other.toLowerCase() !== name.toLowerCase());
        const headers = new Headers(list);
        headers.set(name, value);
        expect(headers.getAll(name)).toEqual([value]);
        expect(list).toEqual([...others, [name, value]]);
      }),
    );
  });

  it('formats text with toString() that can be split into the list again', () => {
    fc.assert(
      fc.property(anyList, (list) => {
        const lines = String(new Headers(list)).split('\r\n');
        expect(lines.splice(-2)).toEqual(['', '']);
        expect(
          lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
        ).toEqual(list);
      }),
    );
  });
});
