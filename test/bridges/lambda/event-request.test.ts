/** The environ that each shape of events becomes. */
import { describe, expect, it } from 'vitest';
import { toLambda } from '../../../bridges/lambda/index.ts';
import type { Application, Environ } from '../../../src/index.ts';
import { applicationUri, readBody, requestUri } from '../../../src/index.ts';
import { EVENTS, healthCheckEvent, httpApiEvent, restEvent, singleBalancerEvent } from './events.ts';
import { environFor } from './kit.ts';

const SHAPES = Object.entries(EVENTS);

describe.each(SHAPES)('the environ of an event of %s', (shape, makeEvent) => {
  it('has the request line', async () => {
    const environ = await environFor(makeEvent({ method: 'PUT', target: '/a/b?c=d&e=f%26g' }));
    expect(environ).toMatchObject({
      REQUEST_METHOD: 'PUT',
      PATH_INFO: '/a/b',
      SERVER_PROTOCOL: 'HTTP/1.1',
      'wsgi.url_scheme': 'https',
      HTTPS: 'on',
      SERVER_PORT: '443',
      'wsgi.multiprocess': true,
      'wsgi.run_once': false,
    });
    expect([...new URLSearchParams(environ.QUERY_STRING)]).toEqual([
      ['c', 'd'],
      ['e', 'f&g'],
    ]);
  });

  it('has the client', async () => {
    const fields = [['X-Forwarded-For', '10.0.0.1']] as const;
    expect((await environFor(makeEvent({ fields }))).REMOTE_ADDR).toBe('203.0.113.7');
  });

  it('has octets of an escaped path, decoded once', async () => {
    for (const [target, path] of [
      ['/caf%C3%A9/x%20y', '/caf\xc3\xa9/x y'],
      ['/100%25/%2541', '/100%/%41'],
      ['/a%23b', '/a#b'],
      ['/%252e%252e/x', '/%2e%2e/x'],
    ] as const) {
      const environ = await environFor(makeEvent({ target }));
      expect([shape, environ.PATH_INFO]).toEqual([shape, path]);
      expect(environ.REQUEST_URI).toMatch(/^[\x21-\x7e]+$/);
    }
  });

  it('has a query whose parameters mean what the client sent', async () => {
    const query = 'a=1%262&plus=%2B&space=x+y&euro=%E2%82%AC&empty=';
    const environ = await environFor(makeEvent({ target: `/?${query}` }));
    expect([...new URLSearchParams(environ.QUERY_STRING)]).toEqual([...new URLSearchParams(query)]);
  });

  it('has all fields', async () => {
    const fields = [
      ['Cookie', 'a=1; b=2'],
      ['X-Thing', 'one'],
      ['Accept', '*/*'],
      ['Content-Type', 'text/plain'],
      ['Host', 'shop.example'],
    ] as const;
    const environ = await environFor(makeEvent({ fields }));
    expect(environ).toMatchObject({
      HTTP_COOKIE: 'a=1; b=2',
      HTTP_X_THING: 'one',
      HTTP_ACCEPT: '*/*',
      CONTENT_TYPE: 'text/plain',
      HTTP_HOST: 'shop.example',
    });
  });

  it('has the content as it was', async () => {
    for (const content of [
      Buffer.from('{"text":"é €"}'),
      Buffer.from([0, 255, 128, 10, 13]),
      Buffer.alloc(70_000, 7),
    ]) {
      let read: Uint8Array | undefined;
      let length: unknown;
      const application: Application = async (environ, startResponse) => {
        length = environ.CONTENT_LENGTH;
        read = await readBody(environ);
        startResponse('204 No Content', []);
        return [];
      };
      await toLambda(application)(makeEvent({ method: 'POST', content }));
      expect(read?.length).toBe(content.length);
      expect(Buffer.from(read ?? []).equals(content)).toBe(true);
      expect(length).toBe(`${content.length}`);
    }
  });

  it('has no content where there is none', async () => {
    const environ = await environFor(makeEvent());
    expect(environ).not.toHaveProperty('CONTENT_LENGTH');
    expect(await environ['wsgi.input'].read()).toHaveLength(0);
  });

  it('has the event and the context', async () => {
    const event = makeEvent();
    const context = { functionName: 'shop' };
    let seen: Environ | undefined;
    const application: Application = (environ, startResponse) => {
      seen = environ;
      startResponse('200 OK', []);
      return [];
    };
    await toLambda(application)(event, context as never);
    expect(seen?.['lambda.event']).toBe(event);
    expect(seen?.['lambda.context']).toBe(context);
    expect(await environFor(event)).not.toHaveProperty('lambda.context');
  });

  it('has the pairs of the option environ', async () => {
    const environ = (given: Environ) => ({ REMOTE_USER: `user of ${given['lambda.event'] !== undefined}` });
    expect((await environFor(makeEvent(), { environ })).REMOTE_USER).toBe('user of true');
  });

  it('is a request of its own each time', async () => {
    const event = makeEvent({ target: '/x' });
    const frozen = JSON.stringify(event);
    expect(await environFor(event)).not.toBe(await environFor(event));
    expect(JSON.stringify(event)).toBe(frozen);
  });
});

describe('repeated fields and parameters', () => {
  const fields = [
    ['X-Thing', 'one'],
    ['X-Thing', 'two'],
    ['Cookie', 'a=1'],
    ['Cookie', 'b=2'],
  ] as const;

  it.each(SHAPES.filter(([shape]) => shape !== 'load balancer'))(
    'arrive from %s',
    async (_shape, makeEvent) => {
      const environ = await environFor(makeEvent({ fields, target: '/?a=1&a=2' }));
      expect(`${environ.HTTP_X_THING}`.split(/, ?/)).toEqual(['one', 'two']);
      expect(`${environ.HTTP_COOKIE}`.split(/[;,] ?/)).toEqual(['a=1', 'b=2']);
    },
  );

  it.each(SHAPES.filter(([shape]) => !/^load balancer$|1\.0$/.test(shape) || shape.startsWith('HTTP')))(
    'of a query arrive from %s',
    async (_shape, makeEvent) => {
      expect((await environFor(makeEvent({ target: '/?a=1&a=2' }))).QUERY_STRING).toBe('a=1&a=2');
    },
  );
});

describe('the place of the application', () => {
  const uris = async (event: object, options: object = {}) => {
    const environ = await environFor(event, options);
    return [environ.SCRIPT_NAME, environ.PATH_INFO, applicationUri(environ), requestUri(environ)];
  };
  const API = 'https://abc123.execute-api.eu-central-1.amazonaws.com';

  it.each([
    ['a REST API has its stage', restEvent({ target: '/x?y=z', stage: 'prod' }), `${API}/prod`],
    [
      'a REST API with a domain has none',
      restEvent({ target: '/x?y=z', stage: 'prod', domain: 'api.shop.example' }),
      'https://api.shop.example',
    ],
    ['an HTTP API has its stage', httpApiEvent({ target: '/x?y=z', stage: 'prod' }), `${API}/prod`],
    ['an HTTP API without a stage has none', httpApiEvent({ target: '/x?y=z' }), API],
    [
      'an HTTP API with a domain has none',
      httpApiEvent({ target: '/x?y=z', stage: 'prod', domain: 'api.shop.example' }),
      'https://api.shop.example',
    ],
    [
      'an HTTP API of payload 1.0 has its stage',
      EVENTS['HTTP API, payload 1.0']?.({ target: '/x?y=z', stage: 'prod' }) ?? {},
      `${API}/prod`,
    ],
  ])('%s', async (_what, event, root) => {
    const [, path, application, request] = await uris(event);
    expect(path).toBe('/x');
    expect(application).toBe(new URL(root).pathname === '/' ? `${root}/` : root);
    expect(request).toBe(`${root}/x?y=z`);
  });

  it.each([
    ['REST API', restEvent],
    ['HTTP API, payload 2.0', httpApiEvent],
    ['HTTP API, payload 1.0', EVENTS['HTTP API, payload 1.0'] ?? restEvent],
  ])('is the mapping of a domain, which basePath tells: %s', async (_shape, makeEvent) => {
    const event = makeEvent({ target: '/x', stage: 'prod', domain: 'shop.example', mapping: '/v1' });
    for (const basePath of ['/v1', 'v1', '/v1/']) {
      expect(await uris(event, { basePath })).toEqual([
        '/v1',
        '/x',
        'https://shop.example/v1',
        'https://shop.example/v1/x',
      ]);
    }
    expect((await uris(makeEvent({ target: '/x', stage: 'prod' }), { basePath: '/v1' }))[3]).toBe(
      `${API}/prod/x`,
    );
  });

  it('is the path of a rule, which basePath tells', async () => {
    const at = (target: string) =>
      uris(singleBalancerEvent({ target, fields: [['Host', 'shop.example']] }), { basePath: '/caf%C3%A9' });
    expect((await at('/caf%C3%A9/x')).slice(0, 2)).toEqual(['/caf\xc3\xa9', '/x']);
    expect((await at('/caf%C3%A9')).slice(0, 2)).toEqual(['/caf\xc3\xa9', '']);
    expect((await at('/caf%C3%A9s')).slice(0, 2)).toEqual(['/caf\xc3\xa9', '/caf\xc3\xa9s']);
    expect((await environFor(singleBalancerEvent({ target: '/' }), { basePath: '/é' })).SCRIPT_NAME).toBe(
      '/\xc3\xa9',
    );
  });

  it('does not take a path for a stage that begins like it', async () => {
    expect((await uris(httpApiEvent({ target: '/../x', stage: 'prod' })))[1]).toBe('/../x');
    const event = httpApiEvent({ target: '/x' });
    const other = {
      ...event,
      rawPath: '/production',
      requestContext: { ...(event.requestContext as object), stage: 'prod' },
    };
    expect((await uris(other)).slice(0, 2)).toEqual(['', '/production']);
    expect((await uris({ ...other, rawPath: '/prod' })).slice(0, 2)).toEqual(['/prod', '']);
  });
});

it('answers the health check of a load balancer', async () => {
  const environ = await environFor(healthCheckEvent());
  expect(environ).toMatchObject({
    PATH_INFO: '/',
    HTTP_USER_AGENT: 'ELB-HealthChecker/2.0',
    SERVER_NAME: 'localhost',
  });
  expect(environ).not.toHaveProperty('HTTP_HOST');
  expect(environ).not.toHaveProperty('REMOTE_ADDR');
  expect(environ['wsgi.url_scheme']).toBe('http');
});

it.each([
  ['203.0.113.9', '203.0.113.9', undefined],
  ['10.0.0.1, 203.0.113.9:1234', '203.0.113.9', '1234'],
  ['2001:db8::1', '2001:db8::1', undefined],
  ['[2001:db8::1]:80', '2001:db8::1', '80'],
  ['[2001:db8::1]', '2001:db8::1', undefined],
])('takes the peer of a load balancer from its field: %s', async (value, address, port) => {
  const event = healthCheckEvent();
  const environ = await environFor({ ...event, headers: { 'X-Forwarded-For': value } });
  expect([environ.REMOTE_ADDR, environ.REMOTE_PORT]).toEqual([address, port]);
});
