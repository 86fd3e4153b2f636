import { describe, expect, it } from 'vitest';
import { trustedProxy } from '../../src/middleware/index.ts';
import type { HeaderList } from '../../src/wsgi.ts';
import { askInProcess } from './kit.ts';
import { seen, through } from './proxied.ts';

const FOR = 'X-Forwarded-For';
const every = { for: 1, proto: 1, host: 1, port: 1, prefix: 1 };

describe('trustedProxy and Forwarded', () => {
  const options = { ...every, forwarded: 1 };
  const ask = (...values: string[]) =>
    seen(
      options,
      values.map((value): [string, string] => ['Forwarded', value]),
    );

  it.each<[string, object]>([
    ['for=1.2.3.4', { REMOTE_ADDR: '1.2.3.4' }],
    ['For="1.2.3.4:5678"', { REMOTE_ADDR: '1.2.3.4', REMOTE_PORT: '5678' }],
    ['for="[2001:db8::1]:5678"', { REMOTE_ADDR: '2001:db8::1', REMOTE_PORT: '5678' }],
    ['for=1.2.3.4;proto=https;host=a.test;by=5.6.7.8', { REMOTE_ADDR: '1.2.3.4', uri: 'https://a.test/' }],
    [
      'for=9.9.9.9;proto=http, for=1.2.3.4;proto=https',
      { REMOTE_ADDR: '1.2.3.4', uri: 'https://localhost/' },
    ],
    ['host="a.test:8080"', { HTTP_HOST: 'a.test:8080', SERVER_PORT: '8080', REMOTE_ADDR: '127.0.0.1' }],
    ['host="\\a.t\\est"', { HTTP_HOST: 'a.test' }],
    [', ;for=1.2.3.4; ,', { REMOTE_ADDR: '1.2.3.4' }],
    ['secret="a, b; for=9.9.9.9";for=1.2.3.4', { REMOTE_ADDR: '1.2.3.4' }],
    ['for=_hidden', { REMOTE_ADDR: undefined }],
    ['for=unknown', { REMOTE_ADDR: undefined }],
    ['', { REMOTE_ADDR: '127.0.0.1' }],
  ])('%s', async (value, expected) => {
    expect(await ask(value)).toMatchObject(expected);
  });

  it.each([
    'for',
    'for=',
    'for=1.2.3.4 proto=https',
    'for=1.2.3.4;for=5.6.7.8',
    'for=1.2.3.4:80',
    'for=[::1]',
    'for="::1"',
    'for="1.2.3.4',
    'for="1.2.3.4"x',
    'for="999.2.3.4"',
    'for==1.2.3.4',
    'for=1.2.3.4;proto=gopher',
    'for=1.2.3.4;host="a/b"',
    'f or=1.2.3.4',
    'for="a\x01"',
  ])('%s gets a 400', async (value) => {
    const wrapped = trustedProxy(options)(() => []);
    const answer = await askInProcess(wrapped, { environ: { HTTP_FORWARDED: value } });
    expect(`${answer.status}: ${answer.text.trim()}`).toBe('400 Bad Request: Forwarded is malformed');
  });

  it('an open quote of the client cannot swallow the element of the proxy', async () => {
    expect(await ask('for="', 'for=1.2.3.4')).toBe('400 Bad Request: Forwarded is malformed');
  });

  it('takes the place of the other fields, and is cut to what counts', async () => {
    const given = await through(options, [
      ['Forwarded', 'for=9.9.9.9'],
      ['Forwarded', 'for="[::1]";proto=https'],
      [FOR, '5.6.7.8'],
      ['X-Forwarded-Proto', 'http'],
    ]);
    expect(given).toMatchObject({ REMOTE_ADDR: '::1', HTTP_FORWARDED: 'for="[::1]";proto="https"' });
    expect(given).not.toHaveProperty('HTTP_X_FORWARDED_FOR');
  });

  it('by address', async () => {
    const list = [['Forwarded', 'for=9.9.9.9, for=1.2.3.4;proto=https, for=10.1.1.1']] as HeaderList;
    expect(await seen({ ...options, addresses: ['loopback', '10.0.0.0/8'] }, list)).toMatchObject({
      REMOTE_ADDR: '1.2.3.4',
      uri: 'https://localhost/',
    });
    const hiding = [['Forwarded', 'for=9.9.9.9, proto=https, for=10.1.1.1']] as HeaderList;
    expect(await seen({ ...options, addresses: ['loopback', '10.0.0.0/8'] }, hiding)).toMatchObject({
      REMOTE_ADDR: '127.0.0.1',
      uri: 'https://localhost/',
    });
  });

  it('is not looked at by default', async () => {
    expect(
      await seen({}, [
        ['Forwarded', 'for="'],
        [FOR, '1.2.3.4'],
      ]),
    ).toMatchObject({ REMOTE_ADDR: '1.2.3.4' });
  });
});
