/** The mounts over HTTP/2, whose compatibility API looks like HTTP/1.1 and behaves differently. */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type Http2Server,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { toFastify } from '../../bridges/fastify/to-fastify.ts';
import { fromNode } from '../../bridges/node/from-node.ts';
import { toNode } from '../../bridges/node/to-node.ts';
import { toApplication } from '../../src/index.ts';
import type { Application, Environ, HeaderList, InputStream } from '../../src/wsgi.ts';
import { answering, atEnd, createLog, extension, listen, report, siteOf, until } from './site.ts';

interface Answer {
  readonly headers: IncomingHttpHeaders & IncomingHttpStatusHeader;
  readonly content: string;
  readonly trailers: IncomingHttpHeaders;
  readonly interim: IncomingHttpHeaders[];
  readonly resetCode: number;
}

async function openSession(server: Http2Server): Promise<ClientHttp2Session> {
  const { port } = await listen(server);
  return connectTo(port);
}

function connectTo(port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  atEnd(() => session.destroy());
  return session;
}

function serve(application: Application, options = {}): Promise<ClientHttp2Session> {
  return openSession(createServer(toNode(application, options)));
}

function read(stream: ClientHttp2Stream): Promise<Answer> {
  return new Promise((resolve) => {
    let headers: Answer['headers'] = {};
    let trailers: IncomingHttpHeaders = {};
    let content = '';
    const interim: IncomingHttpHeaders[] = [];
    stream.on('headers', (fields) => interim.push(fields));
    stream.on('response', (fields) => {
      headers = fields;
    });
    stream.on('trailers', (fields) => {
      trailers = fields;
    });
    stream.on('data', (chunk) => {
      content += chunk;
    });
    stream.on('error', () => {});
    stream.on('close', () =>
      resolve({ headers, content, trailers, interim, resetCode: stream.rstCode ?? -1 }),
    );
  });
}

function fetch(
  session: ClientHttp2Session,
  fields: Record<string, string> = {},
  content = '',
): Promise<Answer> {
  const stream = session.request({ ':path': '/', ...fields }, { endStream: false });
  stream.end(content);
  return read(stream);
}

function fetchWithoutContent(session: ClientHttp2Session, method: string): Promise<Answer> {
  return read(session.request({ ':path': '/', ':method': method }, { endStream: true }));
}

/** Reads all content, with a pause after each piece. @returns its length */
async function readSlowly(input: InputStream, pause: number): Promise<number> {
  let length = 0;
  for await (const piece of input.chunks()) {
    length += piece.length;
    await delay(pause);
  }
  return length;
}

const CANCEL = 8;
const INTERNAL_ERROR = 2;

describe('toNode over HTTP/2', () => {
  it('makes an environ without pseudo-header fields', async () => {
    const { content } = await fetch(await serve(report), { ':path': '/a?b', ':authority': 'h2.test' });
    const environ = JSON.parse(content);
    expect(environ).toMatchObject({ SERVER_PROTOCOL: 'HTTP/2.0', PATH_INFO: '/a', HTTP_HOST: 'h2.test' });
  });

  it('gives raw header fields without pseudo-fields, and no socket', async () => {
    let environ: Environ | undefined;
    const session = await serve((given, startResponse) => {
      environ = given;
      startResponse('200 OK', []);
      return [];
    });
    await fetch(session, { 'x-own': '1' });
    const rawHeaders = environ?.['gateway.raw_headers'];
    expect(rawHeaders).toEqual(['host', expect.any(String), 'x-own', '1']);
    expect(environ).not.toHaveProperty(['gateway.socket']);
  });

  it('sends repeated headers, and reads content', async () => {
    const cookies = answering('x', [
      ['Set-Cookie', 'a=1'],
      ['X-Own', 'v'],
      ['Set-Cookie', 'b=2'],
    ]);
    const { headers } = await fetch(await serve(cookies));
    expect(headers).toMatchObject({ 'set-cookie': ['a=1', 'b=2'], 'x-own': 'v', 'content-length': '1' });
    const { content } = await fetch(await serve(report), { ':method': 'POST' }, 'content');
    expect(JSON.parse(content).content).toBe('content');
  });

  it('resets the stream if HTTP/2 refuses the head', async () => {
    const log = createLog();
    const session = await serve(answering('x', [], '799 Odd'), { environ: log.environ });
    const { resetCode } = await fetch(session);
    expect(resetCode).toBe(INTERNAL_ERROR);
    expect(log.text).toContain('Invalid status code: 799');
  });

  it('resets the stream if the response is cut off', async () => {
    const log = createLog();
    const session = await serve(
      function* (_environ, startResponse) {
        startResponse('200 OK', []);
        yield Buffer.from('begun');
        throw new Error('late');
      },
      { environ: log.environ },
    );
    const { headers, resetCode } = await fetch(session);
    expect([headers[':status'], resetCode]).toEqual([200, INTERNAL_ERROR]);
    expect(log.text).toContain('late');
  });

  it('notices a client that cancels, but not at the end of a response', async () => {
    const outcomes: unknown[] = [];
    const application: Application = async function* (environ, startResponse) {
      const onFinished = extension<(callback: (...args: unknown[]) => void) => void>(
        environ,
        'gateway.on_finished',
      );
      onFinished((_environ, _status, _headers, error) => outcomes.push(error));
      startResponse('200 OK', []);
      yield Buffer.from('begun');
      if (environ.PATH_INFO === '/endless') {
        for (;;) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          yield Buffer.from('tick');
        }
      }
    };
    const session = await serve(application);
    expect((await fetch(session)).content).toBe('begun');
    await until(() => outcomes.length === 1);
    const stream = session.request({ ':path': '/endless' });
    stream.once('data', () => stream.close(CANCEL));
    await until(() => outcomes.length === 2);
    expect(outcomes).toEqual([undefined, expect.objectContaining({ code: 'WSGI_ERR_DISCONNECTED' })]);
  });

  it.each([
    [
      'a generator',
      async function* (_environ, startResponse) {
        startResponse('200 OK', []);
        for (;;) yield Buffer.alloc(200_000);
      },
    ],
    [
      'write',
      async (_environ, startResponse) => {
        const write = startResponse('200 OK', []);
        for (;;) await write(Buffer.alloc(200_000));
      },
    ],
    [
      'small chunks',
      async function* (_environ, startResponse) {
        startResponse('200 OK', []);
        for (;;) yield Buffer.alloc(10_000);
      },
    ],
  ] as [string, Application][])(
    'notices a client that cancels without an error: %s',
    async (_form, application) => {
      const errors: unknown[] = [];
      let response: Http2ServerResponse | undefined;
      const watched: Application = (environ, startResponse) => {
        // Added by toNode.
        response = environ['node.res'] as Http2ServerResponse;
        environ['gateway.on_finished']?.((_environ, _status, _headers, error) => errors.push(error));
        return toApplication(application)(environ, startResponse);
      };
      const session = await serve(watched, { closeTimeout: 50 });
      const stream = session.request({ ':path': '/' });
      stream.on('error', () => {});
      await new Promise((resolve) => stream.once('response', resolve));
      // The client's window is full.
      await delay(30);
      stream.close(0);
      await until(() => errors.length > 0);
      expect(errors).toEqual([expect.objectContaining({ code: 'WSGI_ERR_DISCONNECTED' })]);
      expect(response?.stream.destroyed).toBe(true);
    },
  );

  it('rejects reads when the client leaves during its upload', async () => {
    let failure: unknown;
    const session = await serve(async (environ) => {
      await environ['wsgi.input'].read().catch((error) => {
        failure = error;
      });
      throw failure;
    });
    const stream = session.request({ ':method': 'POST' }, { endStream: false });
    stream.on('error', () => {});
    stream.write('some');
    setTimeout(() => session.destroy(), 30);
    await until(() => failure !== undefined);
    expect(failure).toMatchObject({ code: 'WSGI_ERR_DISCONNECTED' });
  });

  it('carries interim responses and trailer sections', async () => {
    const session = await serve(function* (environ, startResponse) {
      extension<(headers: HeaderList) => void>(environ, 'gateway.early_hints')([['X-Hint', '1']]);
      startResponse('200 OK', []);
      yield Buffer.from('x');
      extension<(headers: HeaderList) => void>(environ, 'gateway.send_trailers')([['X-Sum', '7']]);
    });
    const { interim, trailers } = await fetch(session);
    expect(interim).toMatchObject([{ ':status': 103, 'x-hint': '1' }]);
    expect(trailers).toMatchObject({ 'x-sum': '7' });
  });

  it('does not wait for an upload that is not read, or only in part', async () => {
    const session = await serve(async (environ, startResponse) => {
      const octets = environ.PATH_INFO === '/part' ? await environ['wsgi.input'].read(2) : Buffer.from('no');
      startResponse('200 OK', []);
      return [octets];
    });
    const upload = 'u'.repeat(1024 * 1024);
    for (const [path, content] of [
      ['/part', 'uu'],
      ['/none', 'no'],
      ['/part', 'uu'],
    ] as const) {
      expect((await fetch(session, { ':method': 'POST', ':path': path }, upload)).content).toBe(content);
    }
  });

  it('gives content that is read on after the response, to its end', async () => {
    const content = `${'0'.repeat(99)}\n`.repeat(2000);
    for (const pause of [0, 1]) {
      let reading: Promise<number> | undefined;
      const session = await serve((environ, startResponse) => {
        reading = readSlowly(environ['wsgi.input'], pause);
        startResponse('200 OK', []);
        return ['hello'];
      });
      expect((await fetch(session, { ':method': 'POST' }, content)).content).toBe('hello');
      await expect(reading).resolves.toBe(content.length);
    }
  });

  it.each(['GET', 'HEAD', 'POST'])(
    'does not take the end of a stream for a departure while the wrapped program still runs: %s',
    async (method) => {
      const events: string[] = [];
      const program = fromNode((_request, response) => {
        response.on('finish', () => events.push('finish'));
        response.on('close', () => events.push(`close ${response.writableFinished}`));
        response.setHeader('Content-Length', '3');
        response.write('abc');
        setTimeout(() => response.end(), 20);
      });
      const session = await serve(program);
      if (method === 'POST') await fetch(session, { ':method': method }, 'unread');
      else await fetchWithoutContent(session, method);
      await until(() => events.length >= 2);
      expect(events).toEqual(['finish', 'close true']);
    },
  );

  it('sends 100 (Continue) when the content is read', async () => {
    const server = createServer(toNode(report));
    server.on('checkContinue', toNode(report));
    const session = await openSession(server);
    const stream = session.request({ ':method': 'POST', expect: '100-continue' }, { endStream: false });
    stream.once('continue', () => stream.end('go'));
    expect(JSON.parse((await read(stream)).content).content).toBe('go');
  });
});

describe('toFastify over HTTP/2', () => {
  it('answers with one chunk and with many', async () => {
    const app = fastify({ http2: true });
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('set-cookie', 'h=1');
    });
    app.register(toFastify(report), { prefix: '/report' });
    const stream: Application = function* (_environ, startResponse) {
      startResponse('200 OK', [['Set-Cookie', 'a=1']]);
      for (let index = 0; index < 40; index += 1) yield Buffer.alloc(64 * 1024, 's');
    };
    app.register(toFastify(stream), { prefix: '/stream' });
    await app.listen({ port: 0, host: '127.0.0.1' });
    atEnd(() => app.close());
    const session = connectTo(siteOf(app.server).port);
    const first = await fetch(session, { ':method': 'POST', ':path': '/report/x?y' }, 'content');
    expect(JSON.parse(first.content)).toMatchObject({
      SCRIPT_NAME: '/report',
      PATH_INFO: '/x',
      content: 'content',
    });
    const second = await fetch(session, { ':path': '/stream' });
    expect(second.headers['set-cookie']).toEqual(['h=1', 'a=1']);
    expect(second.content.length).toBe(40 * 64 * 1024);
  });
});
