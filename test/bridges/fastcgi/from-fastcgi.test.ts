/** fromFastCgi against responders that do what a test says. */
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { fromFastCgi } from '../../../bridges/fastcgi/index.ts';
import type { ApplicationFunction, Body, Environ, StartResponse } from '../../../src/index.ts';
import { dispatch } from '../../../src/middleware/index.ts';
import { serve } from '../../../src/server/index.ts';
import { buildEnviron } from '../../../src/testing/index.ts';
import { HELLO, type Received, serveApplication, serveFrom, startResponder } from './responders.ts';

async function until(holds: () => boolean, milliseconds = 5_000): Promise<boolean> {
  for (let waited = 0; waited < milliseconds && !holds(); waited += 10) await delay(10);
  return holds();
}

describe('a request', () => {
  it('reaches the responder with parameters and content', async () => {
    const responder = await startResponder({
      onContent: (request) =>
        request.answer(`Status: 201 Made\n\n${request.content}`.replace('\n\n', '\nContent-Type: a/b\n\n')),
    });
    const { url } = await serveFrom({
      port: responder.port,
      environ: { REMOTE_USER: 'ada', HTTP_COOKIE: undefined },
    });
    const response = await fetch(`${url}/a%20b?c=d`, {
      method: 'POST',
      body: 'text',
      headers: { Proxy: 'x', Cookie: 'a=b' },
    });
    expect([response.status, response.statusText, await response.text()]).toEqual([201, 'Made', 'text']);
    const params = Object.fromEntries(responder.requests[0]?.params ?? []);
    expect(params).toMatchObject({
      PATH_INFO: '/a b',
      QUERY_STRING: 'c=d',
      CONTENT_LENGTH: '4',
      REMOTE_USER: 'ada',
    });
    expect(params).not.toHaveProperty('HTTP_PROXY');
    expect(params).not.toHaveProperty('HTTP_COOKIE');
  });

  it.each(['GET', 'HEAD'])('is answered: %s', async (method) => {
    const responder = await startResponder({ onContent: (request) => request.answer(HELLO) });
    const { url } = await serveFrom({ port: responder.port });
    const response = await fetch(url, { method });
    expect(await response.text()).toBe(method === 'GET' ? 'Hello' : '');
  });

  it('of unknown length has its length', async () => {
    const responder = await startResponder({ onContent: (request) => request.answer(HELLO) });
    const { url } = await serveFrom({ port: responder.port });
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from('abc'));
        controller.close();
      },
    });
    await fetch(url, { method: 'POST', body, duplex: 'half' });
    expect(responder.requests[0]?.params.get('CONTENT_LENGTH')).toBe('3');
  });

  it('has what is written to standard error in the log', async () => {
    const responder = await startResponder({
      onContent(request) {
        request.write('stderr', 'Notice: one\nand tw');
        request.write('stderr', 'o');
        request.answer(HELLO);
      },
    });
    const { url, log } = await serveFrom({ port: responder.port });
    await (await fetch(`${url}/x`)).text();
    expect(log()).toContain(`GET /x 127.0.0.1:${responder.port} wrote: Notice: one`);
    expect(log()).toContain('wrote: and two');
  });

  it('that is answered at once costs no signal, and one that lasts is given up when its client leaves', async () => {
    const answers: ((request: Received) => void)[] = [(request) => request.answer(HELLO), () => {}];
    const responder = await startResponder({ onContent: (request) => answers.shift()?.(request) });
    const blog = fromFastCgi({ port: responder.port });
    let asked = 0;
    const application = (environ: Environ, startResponse: StartResponse): Body | Promise<Body> => {
      const signal = environ['gateway.signal'] as () => AbortSignal;
      const counted = (): AbortSignal => {
        asked += 1;
        return signal();
      };
      return blog({ ...environ, 'gateway.signal': counted }, startResponse);
    };
    const server = await serve(application, { port: 0 });
    const url = server.url as string;
    expect(await (await fetch(url)).text()).toBe('Hello');
    expect(asked).toBe(0);
    const controller = new AbortController();
    const leaving = fetch(url, { signal: controller.signal });
    await until(() => responder.requests.length === 2);
    controller.abort();
    await expect(leaving).rejects.toThrow();
    expect(await until(() => responder.sockets.every((socket) => socket.destroyed))).toBe(true);
    expect(asked).toBe(1);
    await server.shutdown({ timeout: 100 });
    await blog.close();
  });

  it('of which all has come with its length is answered by an array', async () => {
    const outputs = [
      'Content-Type: a/b\nContent-Length: 5\n\nHello',
      'Content-Type: a/b\nContent-Length: 0\n\n',
      'Content-Type: a/b\n\nHello',
      'Content-Type: a/b\nContent-Length: 3\n\nHello',
    ];
    const responder = await startResponder({
      onContent: (request) => request.answer(outputs.shift() ?? ''),
    });
    const blog = fromFastCgi({ port: responder.port });
    const areArrays: boolean[] = [];
    const texts: string[] = [];
    for (let count = 0; count < 4; count += 1) {
      const body = await blog(buildEnviron('/'), () => async () => {});
      areArrays.push(Array.isArray(body));
      for await (const chunk of body) texts.push(`${count} ${Buffer.from(chunk as Uint8Array)}`);
    }
    expect(areArrays).toEqual([true, true, false, false]);
    expect(texts.filter((text) => text.length > 2)).toEqual(['0 Hello', '2 Hello', '3 Hel']);
    await blog.close();
  });

  it('is answered before its content has ended', async () => {
    const responder = await startResponder({ onParams: (request) => request.answer(HELLO) });
    const { url } = await serveFrom({ port: responder.port, keepAlive: 4 });
    for (let count = 0; count < 3; count += 1) {
      const response = await fetch(url, { method: 'POST', body: Buffer.alloc(3_000_000) });
      expect(await response.text()).toBe('Hello');
    }
  });
});

describe('a failure', () => {
  const REFUSED = 1;
  it.each<[string, number, string, (request: Received) => void]>([
    ['ends at once', 502, 'ended before', (request) => request.socket.destroy()],
    ['resets the connection', 502, 'ended before', (request) => request.socket.resetAndDestroy()],
    ['ends without output', 502, 'ended before', (request) => request.end()],
    ['ends in its head', 502, 'ended before', (request) => request.answer('Content-Type: a/b\n')],
    ['speaks HTTP', 502, 'is malformed', (request) => request.socket.end('HTTP/1.1 200 OK\r\n\r\n')],
    ['writes a malformed head', 502, 'is malformed', (request) => request.answer('<html>\n\n')],
    [
      'answers another request',
      502,
      'is malformed',
      (request) => request.socket.write(Buffer.from([1, 6, 0, 9, 0, 0, 0, 0])),
    ],
    ['is overloaded', 503, 'is busy', (request) => request.end(2)],
    ['cannot multiplex', 503, 'is busy', (request) => request.end(REFUSED)],
    ['is no responder', 502, 'cannot be started or reached', (request) => request.end(3)],
    ['says nothing', 504, 'not respond in time', () => {}],
    ['says nothing more', 504, 'not respond in time', (request) => request.write('stdout', 'Content-')],
  ])('of a responder that %s: %i, %s', async (_name, status, message, act) => {
    const responder = await startResponder({ onContent: act });
    const { url, log } = await serveFrom({ port: responder.port, timeout: 300, keepAlive: 2 });
    for (let count = 0; count < 2; count += 1) {
      const response = await fetch(url);
      await response.text();
      expect(response.status).toBe(status);
      if (status === 503) expect(response.headers.get('Retry-After')).toBe('1');
    }
    expect(log()).toContain(message);
    expect(log()).toContain(`127.0.0.1:${responder.port}`);
  });

  it.each<[string, string, (request: Received) => void]>([
    ['the connection ends', 'Content-Type: a/b\n\nHel', (request) => request.socket.destroy()],
    ['the content is short', 'Content-Type: a/b\nContent-Length: 9\n\nHel', (request) => request.end()],
  ])('in the middle of a response cuts it off: %s', async (_name, output, act) => {
    const responder = await startResponder({
      onContent(request) {
        request.write('stdout', output);
        setTimeout(() => act(request), 50);
      },
    });
    const { url } = await serveFrom({ port: responder.port });
    await expect(fetch(url).then((response) => response.text())).rejects.toThrow('terminated');
  });

  it('of a missing socket, or a port without a responder, is a 502 that says so', async () => {
    const missing = await serveFrom({ path: '/nowhere/fpm.sock' });
    expect((await fetch(missing.url)).status).toBe(502);
    expect(missing.log()).toContain('/nowhere/fpm.sock does not exist');
    const server = createServer().listen(0, '127.0.0.1');
    await until(() => server.listening);
    // It listens on TCP.
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const refused = await serveFrom({ port });
    expect((await fetch(refused.url)).status).toBe(502);
    expect(refused.log()).toContain('refuses connections');
  });
});

describe('a client that leaves', () => {
  it('has the connection closed', async () => {
    const responder = await startResponder({});
    const { port, log } = await serveFrom({ port: responder.port });
    const socket = connect(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await until(() => responder.requests.length === 1)).toBe(true);
    socket.resetAndDestroy();
    expect(await until(() => responder.sockets[0]?.destroyed === true)).toBe(true);
    expect(log()).toBe('');
  });

  it('has its request aborted on a shared connection, and others go on', async () => {
    const responder = await startResponder({
      values: { FCGI_MPXS_CONNS: '1' },
      onAbort: (request) => request.end(),
    });
    const { port, url } = await serveFrom({ port: responder.port, multiplex: 4 });
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /leaves HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await until(() => responder.requests.length === 1)).toBe(true);
    const other = fetch(`${url}/stays`);
    expect(await until(() => responder.requests.length === 2)).toBe(true);
    socket.resetAndDestroy();
    expect(await until(() => responder.requests[0]?.isAborted === true)).toBe(true);
    responder.requests[1]?.answer(HELLO);
    expect(await (await other).text()).toBe('Hello');
    expect(responder.requests[1]?.socket).toBe(responder.requests[0]?.socket);
  });
});

describe('connections', () => {
  it('are not kept by default, and kept if the option says so', async () => {
    for (const [keepAlive, expected] of [
      [0, 3],
      [1, 1],
    ] as const) {
      const responder = await startResponder({ onContent: (request) => request.answer(HELLO) });
      const { url } = await serveFrom({ port: responder.port, keepAlive });
      for (let count = 0; count < 3; count += 1) {
        await (await fetch(url)).text();
        await delay(10);
      }
      expect(responder.sockets).toHaveLength(expected);
    }
  });

  it('that the responder has closed are not used again', async () => {
    const responder = await startResponder({ onContent: (request) => request.answer(HELLO) });
    const { url } = await serveFrom({ port: responder.port, keepAlive: 4 });
    for (let count = 0; count < 5; count += 1) {
      expect((await fetch(url)).status).toBe(200);
      for (const socket of responder.sockets) socket.end();
    }
  });

  it('are closed when they are idle for long', async () => {
    const responder = await startResponder({ onContent: (request) => request.answer(HELLO) });
    const { url } = await serveFrom({ port: responder.port, keepAlive: 1, keepAliveTimeout: 50 });
    await (await fetch(url)).text();
    expect(await until(() => responder.sockets[0]?.destroyed === true)).toBe(true);
  });

  it('are bounded, and so are requests that wait', async () => {
    const responder = await startResponder({});
    const { url } = await serveFrom({ port: responder.port, maxConnections: 2, maxQueued: 1 });
    const waiting = [fetch(url), fetch(url)];
    expect(await until(() => responder.requests.length === 2)).toBe(true);
    waiting.push(fetch(url));
    await delay(50);
    const refused = await fetch(url);
    expect([refused.status, refused.headers.get('Retry-After')]).toEqual([503, '1']);
    responder.requests[0]?.answer(HELLO);
    expect(await until(() => responder.requests.length === 3)).toBe(true);
    for (const request of responder.requests.slice(1)) request.answer(HELLO);
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it('are kept for those that wait, up to the option', async () => {
    const responder = await startResponder({
      onContent: (request) => setTimeout(() => request.answer(HELLO), 2),
    });
    const { url } = await serveFrom({ port: responder.port, keepAlive: 2, maxConnections: 2 });
    const all = Array.from({ length: 12 }, async () => (await fetch(url)).text());
    expect(new Set(await Promise.all(all))).toEqual(new Set(['Hello']));
    expect(responder.sockets).toHaveLength(2);
  });

  it('beyond the option are not kept while another request waits for its first answer', async () => {
    const responder = await startResponder({});
    const { url } = await serveFrom({ port: responder.port, keepAlive: 1 });
    const both = [fetch(url), fetch(url)];
    expect(await until(() => responder.requests.length === 2)).toBe(true);
    responder.requests[0]?.answer(HELLO);
    expect(await until(() => responder.requests[0]?.socket.destroyed === true)).toBe(true);
    responder.requests[1]?.answer(HELLO);
    await Promise.all(both);
  });

  it('are shared only if the responder says that it can', async () => {
    for (const [values, expected] of [
      [{ FCGI_MPXS_CONNS: '1' }, 1],
      [{ FCGI_MPXS_CONNS: '0' }, 3],
      [{}, 3],
    ] as const) {
      const responder = await startResponder({ values });
      const { url } = await serveFrom({ port: responder.port, multiplex: 8 });
      const all = [fetch(url), fetch(url), fetch(url)];
      expect(await until(() => responder.requests.length === 3)).toBe(true);
      // One more connection has asked.
      expect(responder.sockets).toHaveLength(expected + 1);
      for (const request of responder.requests) request.answer(HELLO);
      await Promise.all(all);
    }
  });
});

describe('close()', () => {
  it('lets requests end, and refuses others', async () => {
    const responder = await startResponder({});
    const { url, close, log } = await serveFrom({ port: responder.port, keepAlive: 4 });
    const running = fetch(url);
    expect(await until(() => responder.requests.length === 1)).toBe(true);
    const closed = close();
    expect((await fetch(url)).status).toBe(502);
    expect(log()).toContain('close() was called');
    responder.requests[0]?.answer(HELLO);
    expect((await running).status).toBe(200);
    await closed;
    expect(await until(() => responder.sockets.every((socket) => socket.destroyed))).toBe(true);
  });
});

describe('options', () => {
  it.each<[object, string]>([
    [{}, 'either path'],
    [{ path: '/x', port: 1 }, 'either path'],
    [{ path: '/x', fallback: 'index.php' }, 'needs root'],
    [{ path: '/x', index: '../x.php' }, 'without a folder'],
    [{ socket: '/x' }, 'did you mean path'],
    [{ port: 9000, keepAlive: true }, 'keepAlive must be a number'],
  ])('%j is refused', (options, message) => {
    expect(() => fromFastCgi(options)).toThrow(message);
  });
});

describe('large content', () => {
  it('waits for its reader in both directions', async () => {
    const size = 5_000_000;
    const responder = await startResponder({
      onContent(request) {
        request.write('stdout', `Content-Type: a/b\n\n${request.content.length} `);
        request.write('stdout', Buffer.alloc(size, 'x'));
        request.end();
      },
    });
    const { url } = await serveFrom({ port: responder.port });
    const response = await fetch(url, { method: 'POST', body: Buffer.alloc(size) });
    expect(await response.text()).toHaveLength(size + `${size} `.length);
  });
});

describe('a local redirect', () => {
  const onContent = (request: Received): void => {
    const answers: Readonly<Record<string, string>> = {
      '/from': 'Location: /m/to?x=1\n\n',
      '/out': 'Location: /other?x=1\n\n',
    };
    const path = request.params.get('PATH_INFO') ?? '';
    request.answer(answers[path] ?? `Content-Type: a/b\n\n${path} ${request.params.get('QUERY_STRING')}`);
  };

  it('is answered by the responder itself below its mount, and leads the client elsewhere', async () => {
    const { port } = await startResponder({ onContent });
    const { url } = await serveApplication(dispatch({ '/m': fromFastCgi({ port }) }));
    const below = await fetch(`${url}/m/from`);
    expect([below.redirected, await below.text()]).toEqual([false, '/to x=1']);
    const out = await fetch(`${url}/m/out`, { redirect: 'manual' });
    expect([out.status, out.headers.get('location')]).toEqual([302, '/other?x=1']);
  });

  it('is answered by localRedirect outside of the mount', async () => {
    const { port } = await startResponder({ onContent });
    const site: ApplicationFunction = dispatch({
      '/m': fromFastCgi({ port, localRedirect: (environ, start) => site(environ, start) }),
      '/other': (environ, startResponse) => {
        startResponse('200 OK', [['Content-Type', 'text/plain']]);
        return [Buffer.from(`other ${environ.QUERY_STRING}`)];
      },
    });
    const { url } = await serveApplication(site);
    const response = await fetch(`${url}/m/out`);
    expect([response.redirected, await response.text()]).toEqual([false, 'other x=1']);
  });
});
