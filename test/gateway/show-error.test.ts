import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { showError } from '../../src/gateway/show-error.ts';

/** The lines without places in files. */
function titles(error: unknown): string[] {
  return showError(error)
    .split('\n')
    .filter((line) => !/^\s*at /.test(line));
}

describe('showError', () => {
  it('shows the stack, with the code if it is missing there', () => {
    const error = Object.assign(new TypeError('wrong'), { code: 'MY_CODE' });
    expect(showError(error)).toMatch(/^TypeError \[MY_CODE\]: wrong\n {4}at /);
  });

  it('shows the causes, also those that are no errors', () => {
    const root = new Error('outer', { cause: new TypeError('middle', { cause: { status: 404 } }) });
    expect(titles(root)).toEqual([
      'Error: outer',
      'Caused by: TypeError: middle',
      'Caused by: {"status":404}',
    ]);
  });

  it('shows the errors of an AggregateError, each with its causes, then its own cause', () => {
    const first = new Error('first', { cause: new Error('root') });
    const nested = new AggregateError([new Error('deep')], 'second');
    const error = new AggregateError([first, nested, 'third'], 'all failed', { cause: new Error('why') });
    expect(titles(error)).toEqual([
      'AggregateError: all failed',
      '  Error 1 of 3: Error: first',
      '  Caused by: Error: root',
      '  Error 2 of 3: AggregateError: second',
      '    Error 1 of 1: Error: deep',
      '  Error 3 of 3: third',
      'Caused by: Error: why',
    ]);
    expect(showError(error)).toMatch(/\n {2}Error 1 of 3: Error: first\n {6}at /);
  });

  it('shows what Promise.any and a failed connection gather', async () => {
    const any = Promise.any([Promise.reject(new Error('one')), Promise.reject(new Error('two'))]);
    const error: unknown = await any.catch((reason: unknown) => reason);
    expect(titles(error).slice(1)).toEqual(['  Error 1 of 2: Error: one', '  Error 2 of 2: Error: two']);
  });

  it('shows both errors of a SuppressedError', () => {
    const error = Object.assign(new Error('disposing failed'), {
      name: 'SuppressedError',
      error: new Error('of dispose'),
      suppressed: new Error('of the block'),
    });
    expect(titles(error).slice(1)).toEqual([
      '  Suppressed: Error: of the block',
      'Caused by: Error: of dispose',
    ]);
  });

  it('ends at cycles', () => {
    const own = new Error('own');
    own.cause = own;
    expect(titles(own)).toEqual(['Error: own', 'Caused by: Error: own (see above)']);
    const left = new Error('left');
    left.cause = new AggregateError([left, new Error('right', { cause: left })], 'both');
    expect(titles(left)).toEqual([
      'Error: left',
      'Caused by: AggregateError: both',
      '  Error 1 of 2: Error: left (see above)',
      '  Error 2 of 2: Error: right',
      '  Caused by: Error: left (see above)',
    ]);
  });

  it.each<[string, () => unknown]>([
    [
      'a chain of causes',
      () => {
        let error = new Error('last');
        for (let count = 0; count < 20_000; count += 1) error = new Error('on', { cause: error });
        return error;
      },
    ],
    [
      'many errors',
      () =>
        new AggregateError(
          Array.from({ length: 20_000 }, () => new Error('one')),
          'all',
        ),
    ],
    [
      'aggregates in aggregates',
      () => {
        let errors = [new Error('leaf')];
        for (let count = 0; count < 12; count += 1)
          errors = [new AggregateError(errors), new AggregateError(errors)];
        return new AggregateError(errors);
      },
    ],
  ])('bounds %s, and says that something is left out', (_name, make) => {
    const text = showError(make());
    expect(text.length).toBeLessThan(100_000);
    expect(text.match(/Error: |AggregateError/g)?.length).toBeLessThan(200);
    expect(text).toContain('left out');
  });

  it('shows errors of another realm', () => {
    const error: unknown = runInNewContext('new RangeError("far", { cause: new Error("root") })');
    expect(error).not.toBeInstanceOf(Error);
    expect(titles(error)).toEqual(['RangeError: far', 'Caused by: Error: root']);
  });

  it.each([
    ['text', 'Thrown value is not an Error: text'],
    [undefined, 'Thrown value is not an Error: undefined'],
    [Symbol('s'), 'Thrown value is not an Error: Symbol(s)'],
    [{ status: 404 }, 'Thrown value is not an Error: {"status":404}'],
    [{ toString: () => Promise }, 'Thrown value is not an Error: [object Object]'],
    [Object.create(null), 'Thrown value is not an Error: [object Object]'],
    ['x'.repeat(5_000), `Thrown value is not an Error: ${'x'.repeat(1_000)}…`],
  ])('shows a value that is no error: %#', (value, text) => {
    expect(showError(value)).toBe(text);
  });

  it('shows what can be read of errors whose members throw', () => {
    const error = new Error('seen');
    expect(error.stack).toMatch(/^Error: seen/);
    for (const name of ['cause', 'errors', 'code', 'name'])
      Object.defineProperty(error, name, {
        get() {
          throw new Error('not to be read');
        },
      });
    expect(showError(error)).toMatch(/^Error: seen\n/);
    const proxy = new Proxy(new Error('hidden'), {
      getPrototypeOf() {
        throw new Error('not to be asked');
      },
    });
    expect(showError(proxy)).toBe('Thrown value is not an Error: Error: hidden');
  });

  it('shows an error without a stack', () => {
    const error = new TypeError('bare', { cause: new Error('root') });
    delete error.stack;
    expect(titles(error)).toEqual(['TypeError: bare', 'Caused by: Error: root']);
  });
});
