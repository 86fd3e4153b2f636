/** The environ and the content that toFetch makes of a Request. */
import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { type FetchInfo, toFetch } from '../../../bridges/fetch/index.ts';
import { readText } from '../../../src/index.ts';
import type { Application, ApplicationFunction, Environ } from '../../../src/wsgi.ts';

/** Gives the environ that an application gets for a request. */
async function environOf(request: Request, info?: FetchInfo, options = {}): Promise<Environ> {
  const environs: Environ[] = [];
  const application: Application = (environ, startResponse) => {
    environs.push(environ);
    startResponse('204 No Content', []);
    return [];
  };
  const response = await toFetch(application, options)(request, info);
  expect(response.status).toBe(204);
  return environs[0] ?? expect.fail('not called');
}

/** An application that answers with the content of the request. */
const echo: ApplicationFunction = async (environ, startResponse) => {
  const text = await readText(environ);
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [text];
};

const post = (body: ConstructorParameters<typeof Response>[0], more: RequestInit = {}): Request =>
  new Request('http://fetch.test/', { method: 'POST', body, duplex: 'half', ...more } as RequestInit);

describe('the environ', () => {
  it('has the variables of the URL', async () => {
    const environ = await environOf(new Request('https://fetch.test:8443/caf%C3%A9/%zz/a%2Fb?q=%41&r#part'));
    expect(environ).toMatchObject({
      REQUEST_METHOD: 'GET',
      SCRIPT_NAME: '',
      PATH_INFO: '/caf\xc3\xa9/%zz/a/b',
      QUERY_STRING: 'q=%41&r',
      REQUEST_URI: '/caf%C3%A9/%zz/a%2Fb?q=%41&r',
      RAW_URI: '/caf%C3%A9/%zz/a%2Fb?q=%41&r',
      SERVER_NAME: 'fetch.test',
      SERVER_PORT: '8443',
      SERVER_PROTOCOL: 'HTTP/1.1',
      HTTP_HOST: 'fetch.test:8443',
      HTTPS: 'on',
      'wsgi.url_scheme': 'https',
      'wsgi.input_terminated': true,
    });
    expect('REMOTE_ADDR' in environ).toBe(false);
    expect('fetch.info' in environ).toBe(false);
  });

  it.each([
    ['http://fetch.test', '80', '/', 'fetch.test'],
    ['https://fetch.test/x', '443', '/x', 'fetch.test'],
    ['http://[::1]:81/x', '81', '/x', '[::1]:81'],
    ['http://fetch.test//a//b', '80', '//a//b', 'fetch.test'],
    ['http://fetch.test/é ü', '80', '/\xc3\xa9 \xc3\xbc', 'fetch.test'],
    ['http://fetch.test?x', '80', '/', 'fetch.test'],
  ])('of %s has its parts', async (url, port, path, host) => {
    const { SERVER_PORT, PATH_INFO, HTTP_HOST } = await environOf(new Request(url));
    expect([SERVER_PORT, PATH_INFO, HTTP_HOST]).toEqual([port, path, host]);
  });

  it('takes URLs that are not normalised from requests of frameworks', async () => {
    const request = { url: 'http://fetch.test/é', method: 'GET', headers: new Headers(), body: null };
    // Frameworks make requests of their own classes.
    const { PATH_INFO } = await environOf(request as unknown as Request);
    expect(PATH_INFO).toBe('/\xc3\xa9');
  });

  it('has the fields as the Fetch API joins them', async () => {
    const headers = new Headers([
      ['Host', 'other.test'],
      ['X-One', 'a'],
      ['X-One', 'b\xe9'],
      ['Cookie', 'c=1'],
      ['Under_Score', 'dropped'],
      ['Proxy', 'dropped'],
    ]);
    const environ = await environOf(new Request('http://fetch.test/', { headers }));
    expect(environ).toMatchObject({ HTTP_HOST: 'other.test', HTTP_X_ONE: 'a, b\xe9', HTTP_COOKIE: 'c=1' });
    expect(environ.SERVER_NAME).toBe('fetch.test');
    expect(environ.HTTP_UNDER_SCORE).toBeUndefined();
    expect(environ.HTTP_PROXY).toBeUndefined();
    expect(environ['gateway.raw_headers']).toContain('under_score');
  });

  it('decodes fields that a runtime gives as text', async () => {
    const headers = {
      get: () => null,
      forEach: (take: (value: string, name: string) => void) => take('π', 'x-one'),
    };
    const request = { url: 'http://fetch.test/', method: 'GET', headers, body: null };
    // A runtime that decodes fields as UTF-8.
    const environ = await environOf(request as unknown as Request);
    expect(environ.HTTP_X_ONE).toBe('\xcf\x80');
  });

  it('has the facts of the second argument', async () => {
    const info = { remoteAddress: '::ffff:192.0.2.1', remotePort: 4711, environ: { 'app.user': 'ada' } };
    const request = new Request('http://fetch.test/');
    const environ = await environOf(request, info);
    expect(environ).toMatchObject({ REMOTE_ADDR: '192.0.2.1', REMOTE_PORT: '4711', 'app.user': 'ada' });
    expect(environ['fetch.request']).toBe(request);
    expect(environ['fetch.info']).toBe(info);
  });

  it('has the keys of the option environ, and those of the request over them', async () => {
    const option = (environ: Environ) => ({ seen: environ['fetch.request'] instanceof Request, a: 1, b: 1 });
    const environ = await environOf(
      new Request('http://fetch.test/'),
      { environ: { b: 2 } },
      { environ: option },
    );
    expect(environ).toMatchObject({ seen: true, a: 1, b: 2 });
  });

  it('takes null for what a runtime does not know, and objects of runtimes', async () => {
    const request = new Request('http://fetch.test/');
    const nothing = { remoteAddress: null, remotePort: null, waitUntil: null, environ: null };
    expect('REMOTE_ADDR' in (await environOf(request, nothing))).toBe(false);
    const foreign = { remoteAddr: { hostname: '192.0.2.1' }, completed: Promise.resolve() };
    // As Deno.serve calls its handler.
    const environ = await environOf(request, foreign as FetchInfo);
    expect(environ['fetch.info']).toBe(foreign);
  });
});

describe('the content', () => {
  it('is read from the stream when the application reads', async () => {
    let pulls = 0;
    const source = new ReadableStream(
      {
        pull(controller) {
          pulls += 1;
          if (pulls > 3) controller.close();
          else controller.enqueue(Buffer.from(`piece ${pulls}\n`));
        },
      },
      { highWaterMark: 0 },
    );
    const seen: number[] = [];
    const application: Application = async (environ, startResponse) => {
      seen.push(pulls);
      await environ['wsgi.input'].readline();
      seen.push(pulls);
      const rest = await environ['wsgi.input'].read();
      startResponse('200 OK', []);
      return [rest];
    };
    const response = await toFetch(application)(post(source));
    expect(await response.text()).toBe('piece 2\npiece 3\n');
    expect(seen).toEqual([0, 1]);
  });

  it('is announced by Content-Length or Transfer-Encoding', async () => {
    expect((await environOf(post('abc'))).HTTP_TRANSFER_ENCODING).toBe('chunked');
    const { CONTENT_LENGTH, HTTP_TRANSFER_ENCODING } = await environOf(
      post('abc', { headers: { 'Content-Length': '3' } }),
    );
    expect([CONTENT_LENGTH, HTTP_TRANSFER_ENCODING]).toEqual(['3', undefined]);
    expect(
      (await environOf(new Request('http://fetch.test/', { method: 'POST' }))).HTTP_TRANSFER_ENCODING,
    ).toBe(undefined);
  });

  it('may come with GET', async () => {
    const request = post('of a GET', { headers: { 'Content-Length': '8' } });
    Object.defineProperty(request, 'method', { value: 'GET' });
    expect(await (await toFetch(echo)(request)).text()).toBe('of a GET');
  });

  it('that something else has read is an error that says so', async () => {
    const request = post('abc');
    await request.text();
    const response = await toFetch(echo, { exposeErrors: true })(request);
    expect(response.status).toBe(500);
    expect(await response.text()).toContain('request.clone()');
  });

  it('that is not read stays with the request', async () => {
    const request = post('abc');
    await environOf(request);
    expect(await request.text()).toBe('abc');
  });

  it('that is read in part is cancelled once nobody reads', async () => {
    let reason: unknown = 'open';
    const source = new ReadableStream(
      {
        pull: (controller) => controller.enqueue(Buffer.from('more')),
        cancel: (given) => {
          reason = given;
        },
      },
      { highWaterMark: 0 },
    );
    const inputs: Environ['wsgi.input'][] = [];
    const application: Application = async (environ, startResponse) => {
      inputs.push(environ['wsgi.input']);
      await environ['wsgi.input'].read(2);
      startResponse('200 OK', []);
      return ['done'];
    };
    expect(await (await toFetch(application)(post(source))).text()).toBe('done');
    await expect.poll(() => reason).toBe(undefined);
    await expect(inputs[0]?.read(100)).rejects.toMatchObject({ code: 'WSGI_ERR_BODY_CONSUMED' });
  });

  it('that is being read after the response arrives whole', async () => {
    let pieces = 0;
    const source = new ReadableStream(
      {
        async pull(controller) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          pieces += 1;
          if (pieces > 5) controller.close();
          else controller.enqueue(Buffer.from('x'));
        },
      },
      { highWaterMark: 0 },
    );
    let later: Promise<string> | undefined;
    const application: Application = (environ, startResponse) => {
      later = (async () => {
        let text = '';
        for await (const piece of environ['wsgi.input'].chunks()) text += Buffer.from(piece);
        return text;
      })();
      startResponse('202 Accepted', []);
      return [];
    };
    expect((await toFetch(application)(post(source))).status).toBe(202);
    expect(await later).toBe('xxxxx');
  });

  it('whose stream fails is that of a client that has left', async () => {
    const source = new ReadableStream({
      pull: (controller) => controller.error(new Error('reset')),
    });
    let error: unknown;
    const application: Application = async (environ, startResponse) => {
      try {
        await environ['wsgi.input'].read();
      } catch (thrown) {
        error = thrown;
        throw thrown;
      }
      startResponse('200 OK', []);
      return [];
    };
    const response = await toFetch(application)(post(source));
    expect(error).toMatchObject({ code: 'WSGI_ERR_DISCONNECTED' });
    expect(response.status).toBe(499);
  });

  it.each(['status', 'statusCode'])('that exceeds a limit of its framework is refused: %s', async (name) => {
    const refusal = Object.assign(new Error('Too large'), { [name]: 413 });
    let pulls = 0;
    const source = new ReadableStream({
      pull: (controller) => {
        pulls += 1;
        if (pulls > 1) controller.error(refusal);
        else controller.enqueue(new Uint8Array(9));
      },
    });
    let cause: unknown;
    const application: Application = async (environ, startResponse) => {
      await environ['wsgi.input'].read().catch((thrown: Error) => {
        ({ cause } = thrown);
        throw thrown;
      });
      startResponse('200 OK', []);
      return [];
    };
    const response = await toFetch(application)(post(source));
    expect([response.status, await response.text()]).toEqual([413, 'Content Too Large\n']);
    expect(cause).toBe(refusal);
  });

  it('of a stream of text is an error', async () => {
    const source = new ReadableStream({ pull: (controller) => controller.enqueue('text') });
    const response = await toFetch(echo, { exposeErrors: true })(post(source));
    expect(response.status).toBe(500);
    expect(await response.text()).toContain('must be a stream of Uint8Array');
  });
});

describe('mistakes', () => {
  const application = toFetch(echo);
  // Callers in JavaScript may pass anything.
  const call = application as (...values: unknown[]) => Promise<Response>;

  it.each([
    ['node', { url: '/', headers: {} }, 'toNode'],
    ['nothing', undefined, 'takes a Request'],
    ['a context of Hono', { req: { url: '/', raw: new Request('http://fetch.test/') } }, 'context.req.raw'],
    ['an event of h3', { req: new Request('http://fetch.test/') }, 'event.req'],
    ['an event of SvelteKit', { request: new Request('http://fetch.test/') }, 'event.request'],
  ])('of %s are told', (_name, value, cure) => {
    expect(() => call(value)).toThrow(cure);
  });

  it.each([
    ['a number', 1, 'Second argument'],
    ['a wrong address', { remoteAddress: 1 }, 'remoteAddress'],
    ['a wrong port', { remotePort: {} }, 'remotePort'],
    ['a wrong waitUntil', { waitUntil: 1 }, 'waitUntil'],
    ['a wrong environ', { environ: 1 }, 'environ'],
  ])('of the second argument are told: %s', async (_name, info, text) => {
    await expect(call(new Request('http://fetch.test/'), info)).rejects.toThrow(text);
  });

  it('of a URL are told', async () => {
    await expect(call(new Request('data:text/plain,x'))).rejects.toThrow('http: or https:');
  });

  it('of options are told', () => {
    expect(() => toFetch(echo, { prefix: '/x' } as object)).toThrow('Option prefix is unknown here');
    expect(() => toFetch(echo, { strict: 1 } as object)).toThrow('strict');
  });

  it('of servers of node are told by the server', async () => {
    const server = createServer((request, response) => {
      try {
        void call(request, response);
      } catch (error) {
        response.end(String(error));
      }
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toContain('toNode');
    server.close();
    server.closeAllConnections();
  });
});
