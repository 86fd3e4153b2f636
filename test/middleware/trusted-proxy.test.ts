import express from 'express';
import { describe, expect, it } from 'vitest';
import { fromExpress } from '../../bridges/express/index.ts';
import { type TrustedProxyOptions, trustedProxy } from '../../src/middleware/index.ts';
import { buildEnviron } from '../../src/testing/index.ts';
import type { Application, Environ, HeaderList } from '../../src/wsgi.ts';
import { askServer, EVERYWHERE, HOSTS } from './kit.ts';
import { seen, through } from './proxied.ts';

const FOR = 'X-Forwarded-For';
const every = { for: 1, proto: 1, host: 1, port: 1, prefix: 1 };

describe('trustedProxy by count', () => {
  it.each<[TrustedProxyOptions, HeaderList, object]>([
    [{}, [[FOR, '1.2.3.4']], { REMOTE_ADDR: '1.2.3.4' }],
    [{}, [[FOR, '9.9.9.9, 1.2.3.4']], { REMOTE_ADDR: '1.2.3.4' }],
    [{ for: 2 }, [[FOR, '9.9.9.9, 1.2.3.4, 5.6.7.8']], { REMOTE_ADDR: '1.2.3.4' }],
    [
      { for: 2 },
      [
        [FOR, '1.2.3.4'],
        [FOR, '5.6.7.8'],
      ],
      { REMOTE_ADDR: '1.2.3.4' },
    ],
    [{ for: 3 }, [[FOR, '1.2.3.4, 5.6.7.8']], { REMOTE_ADDR: '127.0.0.1' }],
    [{ for: 0 }, [[FOR, '1.2.3.4']], { REMOTE_ADDR: '127.0.0.1' }],
    [{}, [[FOR, '1.2.3.4:5678']], { REMOTE_ADDR: '1.2.3.4', REMOTE_PORT: '5678' }],
    [{}, [[FOR, '2001:db8::1']], { REMOTE_ADDR: '2001:db8::1' }],
    [{}, [[FOR, '[2001:DB8::1]']], { REMOTE_ADDR: '2001:db8::1' }],
    [{}, [[FOR, '[2001:db8::1]:5678']], { REMOTE_ADDR: '2001:db8::1', REMOTE_PORT: '5678' }],
    [{}, [[FOR, '::ffff:1.2.3.4']], { REMOTE_ADDR: '1.2.3.4' }],
    [{}, [[FOR, ' 1.2.3.4 ,']], { REMOTE_ADDR: '1.2.3.4' }],
    [{}, [[FOR, 'garbage, 1.2.3.4']], { REMOTE_ADDR: '1.2.3.4' }],
    [{}, [[FOR, '']], { REMOTE_ADDR: '127.0.0.1' }],
    [{}, [['X-Forwarded-Proto', 'https']], { uri: 'https://localhost/' }],
    [{}, [['X-Forwarded-Proto', 'http, HTTPS']], { uri: 'https://localhost/' }],
    [{}, [['X-Forwarded-Proto', 'wss']], { uri: 'https://localhost/' }],
    [{ proto: 2 }, [['X-Forwarded-Proto', 'https']], { uri: 'http://localhost/' }],
    [{}, [['X-Forwarded-Host', 'a.test']], { HTTP_HOST: 'localhost' }],
    [
      every,
      [['X-Forwarded-Host', 'A.test']],
      { HTTP_HOST: 'A.test', SERVER_NAME: 'a.test', SERVER_PORT: '80' },
    ],
    [
      every,
      [['X-Forwarded-Host', 'a.test:8080']],
      { HTTP_HOST: 'a.test:8080', SERVER_NAME: 'a.test', SERVER_PORT: '8080' },
    ],
    [
      every,
      [['X-Forwarded-Host', '[::1]:8080']],
      { HTTP_HOST: '[::1]:8080', SERVER_NAME: '[::1]', SERVER_PORT: '8080' },
    ],
    [every, [['X-Forwarded-Host', '[::1]']], { HTTP_HOST: '[::1]', SERVER_NAME: '[::1]', SERVER_PORT: '80' }],
    [
      every,
      [
        ['X-Forwarded-Host', 'a.test'],
        ['X-Forwarded-Proto', 'https'],
      ],
      { uri: 'https://a.test/', SERVER_PORT: '443' },
    ],
    [every, [['X-Forwarded-Port', '8080']], { HTTP_HOST: 'localhost:8080', SERVER_PORT: '8080' }],
    [
      every,
      [
        ['X-Forwarded-Port', '443'],
        ['X-Forwarded-Proto', 'https'],
        ['X-Forwarded-Host', 'a.test:9'],
      ],
      { HTTP_HOST: 'a.test', SERVER_PORT: '443', uri: 'https://a.test/' },
    ],
    [
      every,
      [
        ['X-Forwarded-Host', '[::1]'],
        ['X-Forwarded-Port', '8080'],
      ],
      { HTTP_HOST: '[::1]:8080' },
    ],
    [every, [['X-Forwarded-Prefix', '/shop']], { SCRIPT_NAME: '/shop', uri: 'http://localhost/shop/' }],
    [every, [['X-Forwarded-Prefix', '/shop/']], { SCRIPT_NAME: '/shop' }],
    [every, [['X-Forwarded-Prefix', '/']], { SCRIPT_NAME: '' }],
    [every, [['X-Forwarded-Prefix', '/caf%C3%A9']], { SCRIPT_NAME: '/caf\xc3\xa9' }],
    [every, [['X-Forwarded-Prefix', '/a, /b']], { SCRIPT_NAME: '/b' }],
  ])('%j %j', async (options, headers, expected) => {
    expect(await seen(options, headers)).toMatchObject(expected);
  });

  it.each<[string, string]>([
    [FOR, '1.2.3'],
    [FOR, '1.2.3.4.5'],
    [FOR, '01.2.3.4'],
    [FOR, '1.2.3.4:99999'],
    [FOR, '1.2.3.4:'],
    [FOR, '[1.2.3.4]'],
    [FOR, '[::1'],
    [FOR, '::1%eth0'],
    [FOR, '[::1%25eth0]'],
    [FOR, 'evil.test'],
    [FOR, '"1.2.3.4"'],
    [FOR, "1.2.3.4'--"],
    ['X-Forwarded-Proto', 'ftp'],
    ['X-Forwarded-Proto', 'https evil'],
    ['X-Forwarded-Proto', 'httpss'],
    ['X-Forwarded-Host', 'a/b'],
    ['X-Forwarded-Host', 'user@a.test'],
    ['X-Forwarded-Host', 'a.test:80:80'],
    ['X-Forwarded-Host', 'a b'],
    ['X-Forwarded-Host', 'a.test:0'],
    ['X-Forwarded-Host', 'a.test:65536'],
    ['X-Forwarded-Host', '[::1]:123456'],
    ['X-Forwarded-Port', '0'],
    ['X-Forwarded-Port', '65536'],
    ['X-Forwarded-Port', '80a'],
    ['X-Forwarded-Port', '-1'],
    ['X-Forwarded-Prefix', 'shop'],
    ['X-Forwarded-Prefix', '//evil.test'],
    ['X-Forwarded-Prefix', '/a//b'],
    ['X-Forwarded-Prefix', '/a/../b'],
    ['X-Forwarded-Prefix', '/a/%2e%2e/b'],
    ['X-Forwarded-Prefix', '/%2F/evil.test'],
    ['X-Forwarded-Prefix', '/a?b'],
    ['X-Forwarded-Prefix', '/a%0d%0ab'],
    ['X-Forwarded-Prefix', '/a\\b'],
    ['X-Forwarded-Prefix', 'https://evil.test/'],
  ])('%s: %s gets a 400', async (name, value) => {
    expect(await seen(every, [[name, value]])).toBe(`400 Bad Request: ${name} is malformed`);
  });

  it.each(['unknown', 'Unknown', '_hidden', '_a.b-c', 'unknown:80', '_hidden:_port'])(
    '%s leaves no address: that of the proxy must not stand for it',
    async (value) => {
      expect(await seen({}, [[FOR, value]], { REMOTE_PORT: '1' })).toMatchObject({
        REMOTE_ADDR: undefined,
        REMOTE_PORT: undefined,
      });
    },
  );
});

describe('trustedProxy by address', () => {
  const addresses = ['loopback', '10.0.0.0/8', '2001:db8:1::/48'];

  it.each<[string | undefined, string, string]>([
    ['127.0.0.1', '1.2.3.4', '1.2.3.4'],
    ['127.9.9.9', '1.2.3.4', '1.2.3.4'],
    ['::1', '1.2.3.4', '1.2.3.4'],
    ['127.0.0.1', '9.9.9.9, 1.2.3.4', '1.2.3.4'],
    ['127.0.0.1', '9.9.9.9, 1.2.3.4, 10.1.1.1', '1.2.3.4'],
    ['127.0.0.1', '9.9.9.9, 1.2.3.4, [2001:db8:1::7]:99, 10.1.1.1:80', '1.2.3.4'],
    ['127.0.0.1', '10.1.1.1, 10.1.1.2', '10.1.1.1'],
    ['127.0.0.1', '1.2.3.4, ::ffff:10.1.1.1', '1.2.3.4'],
    ['8.8.8.8', '1.2.3.4', '8.8.8.8'],
    ['11.0.0.1', '1.2.3.4, 10.1.1.1', '11.0.0.1'],
    ['2001:db8:2::1', '1.2.3.4', '2001:db8:2::1'],
    ['not an address', '1.2.3.4', 'not an address'],
  ])('peer %s, %s: %s', async (peer, value, client) => {
    expect(await seen({ addresses }, [[FOR, value]], { REMOTE_ADDR: peer })).toMatchObject({
      REMOTE_ADDR: client,
    });
  });

  it('unknown ends the chain', async () => {
    expect(await seen({ addresses }, [[FOR, '1.2.3.4, unknown, 10.1.1.1']])).toMatchObject({
      REMOTE_ADDR: undefined,
    });
  });

  it('a unix socket has no address', async () => {
    const ask = (list: string[]) => seen({ addresses: list }, [[FOR, '1.2.3.4']], { REMOTE_ADDR: undefined });
    expect(await ask(['unix'])).toMatchObject({ REMOTE_ADDR: '1.2.3.4' });
    expect(await ask(['loopback'])).toMatchObject({ REMOTE_ADDR: undefined });
  });

  it('takes the value of the outermost trusted proxy from other fields, or the only one', async () => {
    const ask = (proto: string) =>
      seen({ addresses }, [
        [FOR, '1.2.3.4, 10.1.1.1'],
        ['X-Forwarded-Proto', proto],
      ]);
    expect(await ask('https')).toMatchObject({ uri: 'https://localhost/' });
    expect(await ask('https, http')).toMatchObject({ uri: 'https://localhost/' });
    expect(await ask('http, https, http')).toMatchObject({ uri: 'https://localhost/' });
  });

  it('believes nothing of others, and shows it to nobody', async () => {
    const headers: HeaderList = [
      [FOR, '127.0.0.1'],
      ['X-Forwarded-Proto', 'ftp'],
      ['X-Forwarded-Host', 'evil.test'],
      ['X-Forwarded-Server', 'evil.test'],
      ['Forwarded', 'for="'],
    ];
    const given = await through({ ...every, forwarded: 1, addresses }, headers, { REMOTE_ADDR: '8.8.8.8' });
    expect(Object.keys(given).filter((key) => key.includes('FORWARDED'))).toEqual([]);
    expect(given).toMatchObject({ REMOTE_ADDR: '8.8.8.8', HTTP_HOST: 'localhost' });
  });

  it.each([
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0',
    'evil.test',
    '',
    '::1%lo',
    '1.2.3.4/x',
  ])('refuses %s', (address) => {
    expect(() => trustedProxy({ addresses: [address] })).toThrow('Trusted address must be an address');
  });
});

describe('trustedProxy', () => {
  it('keeps what was received, and does not alter the environ of its caller', async () => {
    const environ = buildEnviron('/x', {
      headers: [
        [FOR, '1.2.3.4'],
        ['X-Forwarded-Proto', 'https'],
      ],
    });
    const before = { ...environ };
    let inner: Environ | undefined;
    void trustedProxy()((given) => {
      inner = given;
      return [];
    })(environ, () => async () => {});
    expect(environ).toEqual(before);
    expect(inner?.['gateway.proxy_original']).toMatchObject({
      REMOTE_ADDR: '127.0.0.1',
      'wsgi.url_scheme': 'http',
    });
    expect(inner?.HTTPS).toBe('on');
  });

  it.each(Object.entries(HOSTS))('reaches a wrapped program, %s', async (_host, ask) => {
    const app = express().use((request, response) => {
      response.json({
        ip: request.ip,
        protocol: request.protocol,
        host: request.headers.host,
        base: request.baseUrl,
        original: request.originalUrl,
        url: request.url,
        forwarded: Object.keys(request.headers).filter((name) => name.includes('forwarded')),
        raw: request.rawHeaders.includes('9.9.9.9, 1.2.3.4'),
      });
    });
    const answer = await ask(trustedProxy(every)(fromExpress(app)), {
      path: '/a%2Fb?x=1',
      headers: [
        [FOR, '9.9.9.9, 1.2.3.4'],
        ['X-Forwarded-Proto', 'https'],
        ['X-Forwarded-Host', 'a.test'],
        ['X-Forwarded-Prefix', '/shop'],
        ['X-Forwarded-Server', 'evil.test'],
      ],
    });
    expect(JSON.parse(answer.text)).toMatchObject({
      ip: '1.2.3.4',
      protocol: 'https',
      host: 'a.test',
      original: '/shop/a%2Fb?x=1',
      url: '/a%2Fb?x=1',
      raw: false,
    });
    expect(answer.text).not.toContain('x-forwarded-server');
  });

  it.each(EVERYWHERE)('changes nothing of %s, %s', async (_form, _host, application, ask) => {
    const answer = await ask(trustedProxy()(application), { headers: [[FOR, '1.2.3.4']] });
    expect([answer.text, answer.log]).toEqual(['Hello world', '']);
  });

  it('joins lines on a real socket', async () => {
    const echo: Application = (environ, startResponse) => {
      startResponse('200 OK', []);
      return [environ.REMOTE_ADDR ?? ''];
    };
    const headers: HeaderList = [
      [FOR, '9.9.9.9'],
      [FOR, '1.2.3.4'],
      [FOR, '10.1.1.1'],
    ];
    const site = trustedProxy({ addresses: ['loopback', 'uniquelocal'] })(echo);
    expect((await askServer(site, { headers })).text).toBe('1.2.3.4');
  });

  it('refuses bad options, and says what is missing', () => {
    expect(() => trustedProxy({ for: -1 })).toThrow(RangeError);
    expect(() => trustedProxy({ count: 1 } as never)).toThrow('Option count is unknown here');
    const { getBuiltinModule } = process;
    try {
      Object.assign(process, { getBuiltinModule: undefined });
      expect(() => trustedProxy()).toThrow('trustedProxy() needs the module node:net');
    } finally {
      Object.assign(process, { getBuiltinModule });
    }
  });

  it('takes the name of the proxy away with its address', async () => {
    const environ = { REMOTE_HOST: 'proxy.test' };
    const told = await through({}, [[FOR, '1.2.3.4']], environ);
    expect(told).not.toHaveProperty('REMOTE_HOST');
    expect(told).toHaveProperty(['gateway.proxy_original', 'REMOTE_HOST'], 'proxy.test');
    expect(await through({}, [], environ)).toHaveProperty('REMOTE_HOST', 'proxy.test');
  });
});
