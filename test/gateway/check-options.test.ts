import { describe, expect, it } from 'vitest';
import { checkGatewayOptions, Headers, toApplication } from '../../src/index.ts';
import { createServer } from '../../src/server/index.ts';
import { hello } from '../server/support.ts';

describe('the message of a wrong option', () => {
  it.each<[object, string]>([
    [{ keepAliveTimeout: '5s' }, 'must be a number of milliseconds, not "5s"'],
    [{ maxBodySize: '1mb' }, 'must be a number of octets, not "1mb"'],
    [{ maxBodySize: -1 }, 'must be 0 or more, not -1'],
    [{ connectionsCheckingInterval: 0 }, 'must be from 1 to 2147483647, not 0'],
    [{ noDelay: 'yes' }, 'must be true or false, not "yes"'],
    [{ underscoreHeaders: true }, 'must be "drop", "refuse" or "allow", not true'],
    [{ serverName: 'a b' }, 'must be text of visible ASCII characters, not "a b"'],
    [
      { serverHeader: 'a\nb' },
      'must be text without control characters and characters above U+00FF, not "a\\nb"',
    ],
    [
      { environ: [] },
      'must be an object, or a function of the environ that gives one, not an instance of Array',
    ],
    [{ uniqueHeaders: 'age' }, 'must be a list of names, not "age"'],
    [{ shouldUpgradeCallback: true }, 'must be a function, not true'],
  ])('says what is allowed: %o', (options, message) => {
    const [name] = Object.keys(options);
    expect(() => createServer(hello, options)).toThrow(`Option ${name} ${message}`);
  });

  it('shows any value, also of a rule that is a function', () => {
    const rules = { greeting: (value: unknown) => typeof value === 'string' };
    const check = (greeting: unknown) => (): void => checkGatewayOptions({ greeting }, rules);
    expect(check(5)).toThrow('Option greeting has a value that it cannot have: 5');
    expect(check(() => {})).toThrow('Option greeting has a value that it cannot have: function');
    expect(check({ toJSON: check })).toThrow('that it cannot have: an instance of Object');
  });
});

describe('the message of a wrong argument', () => {
  it.each([
    [[], 'the result of an application: pass the application itself, without calling it'],
    [hello({} as never, () => async () => {}), 'the result of an application'],
    [(function* () {})(), 'the result of an application'],
    [(async function* () {})(), 'the result of an application'],
  ])('says what to mount: %o', (value, message) => {
    expect(() => toApplication(value as never)).toThrow(message);
  });

  it('says how to make a list of headers', () => {
    expect(() => new Headers({ a: 'b' } as never)).toThrow('such as Object.entries(headers)');
  });
});
