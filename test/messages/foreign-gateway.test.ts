/** Wrapped programs in a gateway that offers only PEP 3333: no extension keys, and read(n) as the only input. */
import type { RequestListener } from 'node:http';
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { fromExpress } from '../../bridges/express/index.ts';
import { fromFastify } from '../../bridges/fastify/index.ts';
import { fromNode } from '../../bridges/node/index.ts';
import type { ApplicationFunction, Body, Environ, HeaderList } from '../../src/wsgi.ts';
import { pause, until } from './side-by-side.ts';

interface Answer {
  status: string;
  headers: HeaderList;
  /** Chunks that were yielded, in order. */
  readonly pieces: string[];
  /** Chunks that were passed to `write`. */
  readonly written: string[];
  /** Octets asked for, one number a call of `read`. */
  readonly reads: number[];
  error?: unknown;
}

interface Call {
  readonly environ?: Record<string, unknown>;
  readonly content?: string;
  /** Called with the count after each chunk; the gateway waits for its promise. */
  readonly onChunk?: (count: number) => Promise<void> | undefined;
  /** The gateway stops asking for chunks after this many. */
  readonly leaveAfter?: number;
}

function environFor(call: Call, reads: number[]): Environ {
  const content = Buffer.from(call.content ?? '');
  let offset = 0;
  const input = {
    async read(size?: number) {
      if (size === undefined) throw new Error('PEP 3333: read() without a size may never end');
      reads.push(size);
      const piece = content.subarray(offset, offset + size);
      offset += piece.length;
      return piece;
    },
  };
  return {
    REQUEST_METHOD: 'GET',
    SCRIPT_NAME: '',
    PATH_INFO: '/',
    QUERY_STRING: '',
    SERVER_NAME: 'gateway.test',
    SERVER_PORT: '8080',
    SERVER_PROTOCOL: 'HTTP/1.1',
    HTTP_HOST: 'example.test',
    ...(call.content !== undefined && { CONTENT_LENGTH: `${content.length}` }),
    'wsgi.version': [1, 0],
    'wsgi.url_scheme': 'http',
    // Incomplete on purpose: the type asks for more.
    'wsgi.input': input as never,
    'wsgi.errors': { write() {}, writelines() {}, flush() {} },
    'wsgi.multithread': false,
    'wsgi.multiprocess': false,
    'wsgi.run_once': false,
    ...call.environ,
  };
}

/** Runs an application by the letter of PEP 3333. */
async function run(application: ApplicationFunction, call: Call = {}): Promise<Answer> {
  const answer: Answer = { status: '', headers: [], pieces: [], written: [], reads: [] };
  let body: Body | undefined;
  try {
    body = await application(environFor(call, answer.reads), (status, headers) => {
      answer.status = status;
      answer.headers = [...headers];
      return async (data) => {
        answer.written.push(Buffer.from(data as Uint8Array).toString());
      };
    });
    const iterator: AsyncIterator<unknown> | Iterator<unknown> =
      Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
    for (;;) {
      const step = await iterator.next();
      if (step.done === true) break;
      expect(step.value).toBeInstanceOf(Uint8Array);
      answer.pieces.push(Buffer.from(step.value as Uint8Array).toString());
      await call.onChunk?.(answer.pieces.length);
      if (answer.pieces.length === call.leaveAfter) break;
    }
  } catch (error) {
    answer.error = error;
  }
  await body?.close?.();
  return answer;
}

describe('a gateway without extensions', () => {
  it('runs a listener, an Express app and a Fastify instance', async () => {
    const app = express();
    app.get(
      '/',
      (req, res) => void res.json({ host: req.hostname, ip: req.ip ?? null, raw: req.rawHeaders }),
    );
    const instance = fastify();
    instance.get('/', async (req) => ({ host: req.host }));
    const listener: RequestListener = (req, res) => res.end(req.url);
    expect((await run(fromNode(listener))).pieces).toEqual(['/']);
    expect((await run(fromExpress(app))).pieces.join('')).toBe(
      '{"host":"example.test","ip":null,"raw":["Host","example.test"]}',
    );
    const fromInstance = await run(fromFastify(instance));
    expect(fromInstance.pieces).toEqual(['{"host":"example.test"}']);
    expect(fromInstance.headers).toContainEqual(['content-length', '23']);
  });

  it('turns CGI variables into header fields and a target', async () => {
    const environ = {
      REQUEST_METHOD: 'POST',
      SCRIPT_NAME: '/caf\xc3\xa9',
      PATH_INFO: '/a b/\xe2\x82\xac',
      QUERY_STRING: 'x=%20',
      CONTENT_TYPE: 'text/plain',
      CONTENT_LENGTH: '',
      HTTP_X_LONG_NAME: '1, 2',
      HTTP_COOKIE: 'a=1; b=2',
      REMOTE_ADDR: '192.0.2.1',
      REMOTE_PORT: '4711',
    };
    const seen: unknown[] = [];
    const app = express();
    app.use((req, res) => {
      seen.push(req.url, req.baseUrl, req.originalUrl, req.rawHeaders);
      seen.push(
        req.socket.remoteAddress,
        req.socket.remotePort,
        req.socket.localPort,
        req.socket.remoteFamily,
      );
      res.end();
    });
    await run(fromExpress(app), { environ });
    expect(seen).toEqual([
      '/a%20b/%E2%82%AC?x=%20',
      '/caf%C3%A9',
      '/caf%C3%A9/a%20b/%E2%82%AC?x=%20',
      ['Host', 'example.test', 'Content-Type', 'text/plain', 'X-Long-Name', '1, 2', 'Cookie', 'a=1; b=2'],
      '192.0.2.1',
      4711,
      8080,
      'IPv4',
    ]);
  });

  it('reads only when the program reads, and not beyond CONTENT_LENGTH', async () => {
    const unread = await run(
      fromNode((_req, res) => void res.end('x')),
      { content: 'content' },
    );
    expect(unread.reads).toEqual([]);
    const app = express().use(express.text(), (req, res) => void res.send(req.body));
    const environ = { CONTENT_TYPE: 'text/plain', CONTENT_LENGTH: '5', REQUEST_METHOD: 'POST' };
    const read = await run(fromExpress(app), { content: 'content', environ });
    expect(read.reads).toEqual([5]);
    expect(read.pieces).toEqual(['conte']);
  });

  it('reads to the end of an input that ends by itself', async () => {
    const environ = {
      HTTP_TRANSFER_ENCODING: 'chunked',
      'wsgi.input_terminated': true,
      CONTENT_LENGTH: undefined,
    };
    const echo: RequestListener = (req, res) => void req.pipe(res);
    const answer = await run(fromNode(echo), { content: 'x'.repeat(100_000), environ });
    expect(answer.pieces.join('')).toHaveLength(100_000);
    expect(answer.reads).toEqual([65_536, 65_536, 65_536]);
  });

  it('takes an early end of input as a client that left', async () => {
    let error: NodeJS.ErrnoException | undefined;
    const listener: RequestListener = (req) => {
      req.on('error', (given) => {
        error = given;
      });
      req.resume();
    };
    await run(fromNode(listener), { content: 'abc', environ: { CONTENT_LENGTH: '5' } });
    await until(() => error !== undefined);
    expect(error?.code).toBe('ECONNRESET');
  });

  it('yields its content, waits for the gateway, and emits finish at the end', async () => {
    const trail: string[] = [];
    const listener: RequestListener = (_req, res) => {
      res.on('drain', () => trail.push('drain')).on('finish', () => trail.push('finish'));
      res.on('close', () => trail.push('close'));
      trail.push(`${res.write('x'.repeat(res.writableHighWaterMark))}`);
      res.once('drain', () => res.end('rest'));
    };
    const onChunk = async (): Promise<void> => {
      await pause(5);
      trail.push('taken');
    };
    const answer = await run(fromNode(listener), { onChunk });
    expect(answer.written).toEqual([]);
    expect(answer.pieces.at(-1)).toBe('rest');
    await until(() => trail.includes('close'));
    expect(trail).toEqual(['false', 'taken', 'drain', 'taken', 'finish', 'close']);
  });

  it('closes the body to tell the program that the client left', async () => {
    const trail: string[] = [];
    const listener: RequestListener = (req, res) => {
      req.on('aborted', () => trail.push('aborted'));
      res.on('finish', () => trail.push('finish')).on('close', () => trail.push('close'));
      res.write('first');
    };
    await run(fromNode(listener), { leaveAfter: 1 });
    await until(() => trail.includes('close'));
    expect(trail).toEqual(['aborted', 'close']);
  });

  it('closes the body after an error, which fails the writes of the program', async () => {
    const trail: string[] = [];
    const listener: RequestListener = (_req, res) => {
      res.on('close', () => trail.push('close'));
      res.write('first', (error) => trail.push(`${(error as NodeJS.ErrnoException).code}`));
    };
    const answer = await run(fromNode(listener), { onChunk: () => Promise.reject(new Error('gone')) });
    await until(() => trail.includes('close'));
    expect(trail.sort()).toEqual(['ERR_STREAM_DESTROYED', 'close']);
    expect(answer.error).toMatchObject({ message: 'gone' });
  });

  it('obeys an AbortSignal where there is one', async () => {
    const controller = new AbortController();
    const trail: string[] = [];
    const listener: RequestListener = (_req, res) => {
      res.on('close', () => trail.push(`close ${res.writableEnded}`));
    };
    const running = run(fromNode(listener), { environ: { 'gateway.signal': () => controller.signal } });
    controller.abort(new Error('gone'));
    await until(() => trail.length > 0);
    expect(trail).toEqual(['close false']);
    expect((await running).error).toMatchObject({ message: 'gone' });
  });

  it('gets an error when the program cuts the connection', async () => {
    const before = await run(fromNode((_req, res) => void res.destroy()));
    expect(before.error).toMatchObject({ code: 'WSGI_ERR_DISCONNECTED' });
    const during = await run(
      fromNode((_req, res) => {
        res.write('x');
        setTimeout(() => res.destroy(new Error('boom')), 5);
      }),
    );
    expect(during.error).toMatchObject({ code: 'WSGI_ERR_DISCONNECTED', cause: { message: 'boom' } });
  });

  it('gets no hop-by-hop fields and no trailers', async () => {
    const listener: RequestListener = (_req, res) => {
      const fields = {
        Connection: 'close',
        'Keep-Alive': 'x',
        'Transfer-Encoding': 'chunked',
        Upgrade: 'x',
        TE: 'x',
      };
      res.writeHead(200, { ...fields, Trailer: 'A', 'X-Kept': 'yes', 'Set-Cookie': ['a=1', 'b=2'] });
      res.addTrailers({ A: '1' });
      res.end('x');
    };
    const { headers } = await run(fromNode(listener));
    expect(headers).toEqual([
      ['X-Kept', 'yes'],
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ]);
  });

  it('throws the error of startResponse, before and after the call has returned', async () => {
    const refusal = new Error('refused');
    const refuse = () => {
      throw refusal;
    };
    const environ = environFor({}, []);
    expect(() => fromNode((_req, res) => void res.end())(environ, refuse)).toThrow(refusal);
    const later = fromNode((_req, res) => void setTimeout(() => res.end(), 2));
    await expect(later(environFor({}, []), refuse)).rejects.toBe(refusal);
    const streamed = fromNode((_req, res) => void res.write('x'));
    await expect(streamed(environFor({}, []), refuse)).rejects.toBe(refusal);
  });
});
