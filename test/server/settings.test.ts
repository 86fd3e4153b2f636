/** Options by names and values, and settings that are assigned. */
import { createServer as createNodeServer } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createServer, DEFAULT_SETTINGS, type Server, serve } from '../../src/server/index.ts';
import type { ServerOptions } from '../../src/server/options.ts';
import { get, hello, type RunningServer, startServer } from './support.ts';

let running: RunningServer | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

/** As JavaScript passes them. */
const untyped = (options: Record<string, unknown>): ServerOptions => options;

async function warningsOf(action: () => unknown): Promise<Error[]> {
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  await action();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', note);
  return warnings;
}

describe('an unknown name of an option', () => {
  it.each([
    [{ key: 'k', cert: 'c' }, /Option key .*tls: \{ key, cert \}/],
    [{ cert: 'c' }, /Option cert .*tls/],
    [{ pfx: 'p' }, /Option pfx .*tls/],
    [{ https: {} }, /Option https .*tls/],
    [{ SNICallback: () => {} }, /Option SNICallback .*tls/],
    [{ requestCert: true }, /Option requestCert .*tls/],
    [{ hostname: 'a' }, /Option hostname .*the option host/],
  ])('throws if its loss is dangerous, and names the right one: %o', async (options, message) => {
    for (const make of [createServer, serve]) {
      await expect((async () => make(hello, untyped(options)))()).rejects.toThrow(message);
    }
    expect(() => createServer(hello, untyped(options))).toThrow(
      expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' }),
    );
  });

  it.each([{ port: 1 }, { host: '127.0.0.1' }, { path: '/x' }, { fd: 3 }])(
    'throws if only serve obeys it: %o',
    (options) => {
      expect(() => createServer(hello, untyped(options))).toThrow(/createServer does not listen/);
    },
  );

  it('is no option if it is undefined, or asks for nothing', async () => {
    const options = { key: undefined, https: null, http2: false, prototype: undefined };
    expect(await warningsOf(() => createServer(hello, untyped(options)))).toEqual([]);
  });

  it('is told in one warning for each server, with the likely names', async () => {
    const options = { bodyLimit: 1, maxBodysize: 1, keepAliveTimeot: 1, logger: true, constructor: 1 };
    const warnings = await warningsOf(() => {
      createServer(hello, untyped(options));
      createServer(hello, untyped({ logger: true }));
    });
    expect(warnings.map(({ message }) => message)).toEqual([
      'The server does not know these options and ignores them: bodyLimit (did you mean maxBodySize?), ' +
        'maxBodysize (did you mean maxBodySize?), keepAliveTimeot (did you mean keepAliveTimeout?), logger, constructor',
      'The server does not know these options and ignores them: logger',
    ]);
    expect(warnings[0]).toMatchObject({ name: 'GatebridgeWarning', code: 'WSGI_WARN_OPTION_UNKNOWN' });
  });

  it('is not told if it is one of serve, or one of http.createServer without a meaning here', async () => {
    const own = { insecureHTTPParser: true, httpValidation: 'strict', allowHalfOpen: true };
    const warnings = await warningsOf(async () => {
      await using _server = await serve(hello, untyped({ port: 0, host: '127.0.0.1', ...own }));
    });
    expect(warnings).toEqual([]);
  });

  it('is inherited from nobody: options may be an instance of a class', async () => {
    class Options {
      port = 0;
      get host(): string {
        return '127.0.0.1';
      }
    }
    await using server = await serve(hello, new Options());
    expect(server.address()).toMatchObject({ address: '127.0.0.1' });
  });
});

describe('a place to listen on', () => {
  it.each([
    ['serve', () => serve(hello, { port: 0, host: '' })],
    ['listen with an object', async () => createServer(hello).listen({ port: 0, host: '' })],
    ['listen with arguments', async () => createServer(hello).listen(0, '')],
  ])('is refused if its host is empty: %s', async (_name, listen) => {
    await expect(listen()).rejects.toThrow(/[Hh]ost must /);
  });
});

describe('an assigned setting', () => {
  it('is checked like an option', () => {
    const server = createServer(hello);
    for (const [name, value] of Object.entries(DEFAULT_SETTINGS)) {
      const before = Reflect.get(server, name);
      expect(before, name).toBe(value);
      for (const wrong of ['1kb', {}, true, Number.NaN, -1]) {
        if (typeof wrong === typeof value && typeof wrong !== 'number') continue;
        expect(() => Reflect.set(server, name, wrong), `${name} = ${wrong}`).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE)$/) }),
        );
        expect(Reflect.get(server, name)).toBe(before);
      }
    }
    expect(() => createServer(hello).setTimeout('1' as never)).toThrow(TypeError);
  });

  it.each([null, undefined])('has its default again after %s', (nothing) => {
    const server = createServer(hello);
    for (const [name, value] of Object.entries(DEFAULT_SETTINGS)) {
      Reflect.set(server, name, typeof value === 'boolean' ? !value : 7);
      expect(Reflect.get(server, name), name).not.toBe(value);
      Reflect.set(server, name, nothing);
      expect(Reflect.get(server, name), name).toBe(value);
    }
  });

  it.each<(server: Server) => void>([
    (server) => Object.assign(server, { maxHeadersCount: null, maxRequestsPerSocket: null }),
    (server) => Object.assign(server, { maxConnections: null, timeout: null, maxBodySize: undefined }),
  ])('that node’s tools set to null changes nothing', async (assign) => {
    running = await startServer(hello);
    assign(running.server);
    const client = running.connect();
    for (let count = 0; count < 3; count += 1) {
      client.send(get('/'));
      expect((await client.readResponse()).statusCode).toBe(200);
    }
  });

  it('is obeyed: content that is too large is refused', async () => {
    running = await startServer(async (environ, startResponse) => {
      await environ['wsgi.input'].read();
      return hello(environ, startResponse);
    });
    running.server.maxBodySize = 2;
    const client = running.connect();
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc');
    expect((await client.readResponse()).statusCode).toBe(413);
  });
});

describe('requestTimeout bounds headersTimeout', () => {
  it.each([
    { headersTimeout: 20, requestTimeout: 10 },
    { headersTimeout: 10, requestTimeout: 20 },
    { headersTimeout: 10, requestTimeout: 0 },
    { requestTimeout: 10 },
    {},
  ])('as on node: %o', (options) => {
    const outcome = (make: () => { headersTimeout: number; requestTimeout: number }): unknown => {
      try {
        const { headersTimeout, requestTimeout } = make();
        return { headersTimeout, requestTimeout };
      } catch (error) {
        return [error instanceof RangeError, Reflect.get(Object(error), 'code')];
      }
    };
    expect(outcome(() => createServer(hello, options))).toEqual(outcome(() => createNodeServer(options)));
  });

  it('also if it is assigned', async () => {
    running = await startServer(hello, { connectionsCheckingInterval: 5 });
    running.server.requestTimeout = 20;
    const client = running.connect();
    client.send('GET /');
    expect((await client.readResponse()).statusCode).toBe(408);
  });
});

it('a rejected option leaves nothing behind', () => {
  const spy = vi.spyOn(process, 'emitWarning');
  expect(() => createServer(hello, untyped({ maxBodySize: '1kb', unknown: 1 }))).toThrow(TypeError);
  expect(spy).not.toHaveBeenCalled();
  spy.mockRestore();
});
