import { describe, expect, it } from 'vitest';
import { type CorsOptions, cors } from '../../src/middleware/index.ts';
import type { Application, HeaderList } from '../../src/wsgi.ts';
import { APPLICATIONS, askInProcess, EVERYWHERE } from './kit.ts';

const hello = APPLICATIONS['a function'] as Application;

async function ask(options: CorsOptions, origin: string | undefined, application = hello) {
  const headers: HeaderList = origin === undefined ? [] : [['Origin', origin]];
  const { headers: list } = await askInProcess(cors(options)(application), { headers });
  return [
    list.get('Access-Control-Allow-Origin'),
    list.get('Vary'),
    list.get('Access-Control-Allow-Credentials'),
  ];
}

async function preflight(options: CorsOptions, headers: HeaderList) {
  const refusing: Application = () => {
    throw new Error('must not be called');
  };
  const answer = await askInProcess(cors(options)(refusing), { method: 'OPTIONS', headers });
  expect([answer.status, answer.text]).toEqual(['204 No Content', '']);
  return Object.fromEntries(answer.headers);
}

describe('cors', () => {
  it.each<[CorsOptions, string | undefined, unknown[]]>([
    [{}, 'https://a.test', ['*', undefined, undefined]],
    [{}, undefined, ['*', undefined, undefined]],
    [{}, 'null', ['*', undefined, undefined]],
    [{ origins: ['https://a.test'] }, 'https://a.test', ['https://a.test', 'Origin', undefined]],
    [{ origins: ['https://A.test'] }, 'https://a.test', ['https://a.test', 'Origin', undefined]],
    [{ origins: ['https://a.test'] }, 'https://b.test', [undefined, 'Origin', undefined]],
    [{ origins: ['https://a.test'] }, 'https://a.test:8443', [undefined, 'Origin', undefined]],
    [{ origins: ['https://a.test'] }, 'http://a.test', [undefined, 'Origin', undefined]],
    [{ origins: ['https://a.test'] }, 'https://a.test.evil.test', [undefined, 'Origin', undefined]],
    [{ origins: ['https://a.test'] }, undefined, [undefined, 'Origin', undefined]],
    [{ origins: ['https://a.test'] }, 'null', [undefined, 'Origin', undefined]],
    [{ origins: ['https://a.test', 'null'] }, 'null', ['null', 'Origin', undefined]],
    [{ origins: ['https://*.a.test'] }, 'https://x.y.a.test', ['https://x.y.a.test', 'Origin', undefined]],
    [{ origins: ['https://*.a.test'] }, 'https://a.test', [undefined, 'Origin', undefined]],
    [{ origins: ['https://*.a.test'] }, 'https://.a.test', [undefined, 'Origin', undefined]],
    [{ origins: ['https://*.a.test'] }, 'https://evil.test/.a.test', [undefined, 'Origin', undefined]],
    [{ origins: ['https://*.a.test'] }, 'https://evil.test#.a.test', [undefined, 'Origin', undefined]],
    [
      { origins: ['https://*.a.test:8443'] },
      'https://x.a.test:8443',
      ['https://x.a.test:8443', 'Origin', undefined],
    ],
    [
      { origins: ['https://a.test'], credentials: true },
      'https://a.test',
      ['https://a.test', 'Origin', 'true'],
    ],
    [{ origins: ['https://a.test'], credentials: true }, 'https://b.test', [undefined, 'Origin', undefined]],
    [
      { allow: (origin) => origin.endsWith('//b.test') },
      'https://b.test',
      ['https://b.test', 'Origin', undefined],
    ],
    [{ allow: () => false }, 'https://b.test', [undefined, 'Origin', undefined]],
    [{ origins: [] }, 'https://b.test', [undefined, 'Origin', undefined]],
  ])('%j: origin %s', async (options, origin, expected) => {
    expect(await ask(options, origin)).toEqual(expected);
  });

  it('never gives * with credentials', () => {
    expect(() => cors({ credentials: true })).toThrow('needs a list of origins');
    expect(() => cors({ origins: ['https://a.test', '*'], credentials: true })).toThrow(TypeError);
  });

  it('leaves what the application says, and joins Vary', async () => {
    const own: Application = (_environ, startResponse) => {
      startResponse('200 OK', [
        ['Vary', 'Accept'],
        ['Vary', 'origin'],
        ['Access-Control-Allow-Origin', 'https://own.test'],
      ]);
      return [];
    };
    expect(await ask({ origins: ['https://a.test'] }, 'https://a.test', own)).toEqual([
      'https://own.test',
      'Accept',
      undefined,
    ]);
    const varying: Application = (_environ, startResponse) => {
      startResponse('200 OK', [['Vary', 'Accept']]);
      return [];
    };
    expect((await ask({ origins: ['https://a.test'] }, 'https://a.test', varying))[1]).toBe('Accept, Origin');
  });

  it('names the fields that scripts may read', async () => {
    const site = cors({ exposed: ['X-One', 'X-Two'] })(hello);
    const { headers } = await askInProcess(site, { headers: [['Origin', 'https://a.test']] });
    expect(headers.get('Access-Control-Expose-Headers')).toBe('X-One, X-Two');
  });

  it('answers a preflight', async () => {
    const asking: HeaderList = [
      ['Origin', 'https://a.test'],
      ['Access-Control-Request-Method', 'DELETE'],
      ['Access-Control-Request-Headers', 'x-one,x-two'],
    ];
    expect(await preflight({ maxAge: 600 }, asking)).toEqual({
      'Access-Control-Allow-Origin': '*',
      Vary: 'Access-Control-Request-Headers',
      'Access-Control-Allow-Methods': 'GET, HEAD, PUT, PATCH, POST, DELETE',
      'Access-Control-Allow-Headers': 'x-one,x-two',
      'Access-Control-Max-Age': '600',
    });
    const options = { origins: ['https://a.test'], credentials: true, headers: ['X-One'], methods: ['PUT'] };
    expect(await preflight(options, asking)).toEqual({
      Vary: 'Origin',
      'Access-Control-Allow-Origin': 'https://a.test',
      'Access-Control-Allow-Credentials': 'true',
      'Access-Control-Allow-Methods': 'PUT',
      'Access-Control-Allow-Headers': 'X-One',
    });
    expect(await preflight({ origins: ['https://b.test'] }, asking)).toEqual({
      Vary: 'Origin, Access-Control-Request-Headers',
    });
    const spoilt = asking.slice(0, 2);
    spoilt.push(['Access-Control-Request-Headers', 'x-one: y']);
    expect(await preflight({}, spoilt)).not.toHaveProperty('Access-Control-Allow-Headers');
  });

  it('gives any other OPTIONS to the application', async () => {
    const answer = await askInProcess(cors()(hello), {
      method: 'OPTIONS',
      headers: [['Origin', 'https://a.test']],
    });
    expect(answer.text).toBe('Hello world');
  });

  it.each(EVERYWHERE)('around %s, %s', async (_form, _host, application, ask) => {
    const answer = await ask(cors()(application), { headers: [['Origin', 'https://a.test']] });
    expect(answer.headers.getAll('Access-Control-Allow-Origin')).toEqual(['*']);
    expect(answer.text).toBe('Hello world');
  });

  it.each(['https://a.test/', 'a.test', 'https://a.test/x', 'https://*', 'https://a.*', 'https://*.*.a', ''])(
    'refuses the origin %s',
    (origin) => {
      expect(() => cors({ origins: [origin] })).toThrow("Origin must be 'scheme://host'");
    },
  );
});
