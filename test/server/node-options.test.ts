/** Options of http.createServer. Each is obeyed as on node:http, or accepted where it has no meaning. */
import { readFileSync } from 'node:fs';
import {
  createServer as createNodeServer,
  IncomingMessage,
  type RequestListener,
  ServerResponse,
} from 'node:http';
import { createServer as createSecureNodeServer } from 'node:https';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { fromExpress, toExpress } from '../../bridges/express/index.ts';
import { fromNode, toNode } from '../../bridges/node/index.ts';
import { createServer, type ServerOptions } from '../../src/server/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { listen, pause, request, transcript, withoutDate } from '../messages/side-by-side.ts';

const REPEATED = request('GET', '/', ['From: a', 'From: b']);

class TracedRequest extends IncomingMessage {
  readonly mark: string = 'request';
}
class TracedResponse extends ServerResponse<IncomingMessage> {
  readonly mark: string = 'response';
}

const folder = new URL('../support/tls/', import.meta.url);
const tls = {
  key: readFileSync(new URL('key.pem', folder)),
  cert: readFileSync(new URL('cert.pem', folder)),
};

/** The makers of node's server and of ours. */
const MAKERS = {
  'plain HTTP': [
    (options: object, listener: RequestListener) => createNodeServer(options, listener),
    (options: object, listener: RequestListener) =>
      createServer(fromNode(listener), options as ServerOptions),
  ],
  TLS: [
    (options: object, listener: RequestListener) => createSecureNodeServer({ ...tls, ...options }, listener),
    (options: object, listener: RequestListener) => createServer(fromNode(listener), { ...options, tls }),
  ],
} as const;

/** Gives what a program sees and what its client gets, on node's server and on ours. */
async function onBoth(
  kind: keyof typeof MAKERS,
  options: object,
  program: (note: (...values: unknown[]) => void) => RequestListener,
  octets: string,
): Promise<[node: unknown[], ours: unknown[]]> {
  const outcomes = [];
  for (const make of MAKERS[kind]) {
    const seen: unknown[] = [];
    const listening = await listen(
      make(
        options,
        program((...values) => void seen.push(...values)),
      ),
    );
    const isSecure = kind === 'TLS';
    seen.push(await (isSecure ? secureTranscript(listening.port, octets) : transcript(listening, octets)));
    await listening.close();
    outcomes.push(seen);
  }
  const [node = [], ours = []] = outcomes;
  return [node, ours];
}

async function secureTranscript(port: number, octets: string): Promise<string> {
  const client = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  client.write(octets);
  return withoutDate(Buffer.concat(await client.toArray()).toString('latin1'));
}

/** Notes what a request is from the start, and what it tells. */
const noteRequest: (note: (...values: unknown[]) => void) => RequestListener = (note) => (req, res) => {
  note(req.readableEnded, req.destroyed, req.closed, req.readable, req.read());
  for (const event of ['data', 'end', 'close', 'error']) req.on(event, () => note(event));
  req.resume();
  res.on('finish', () => note('finish'));
  setTimeout(() => res.end('x'), 10);
};

const OPTIMIZED = { optimizeEmptyRequests: true };

const cases: Record<
  string,
  [object, (note: (...values: unknown[]) => void) => RequestListener, octets?: string]
> = {
  // Since Node 24.
  'optimizeEmptyRequests, without content': [OPTIMIZED, noteRequest],
  'optimizeEmptyRequests, with empty content': [
    OPTIMIZED,
    noteRequest,
    request('POST', '/', ['Content-Length: 0']),
  ],
  'optimizeEmptyRequests, with content': [
    OPTIMIZED,
    noteRequest,
    `${request('POST', '/', ['Content-Length: 2'])}ab`,
  ],
  'optimizeEmptyRequests, with empty chunked content': [
    OPTIMIZED,
    noteRequest,
    `${request('POST', '/', ['Transfer-Encoding: chunked'])}0\r\n\r\n`,
  ],
  'IncomingMessage and ServerResponse': [
    { IncomingMessage: TracedRequest, ServerResponse: TracedResponse },
    (note) => (req, res) => {
      note(req instanceof TracedRequest, res instanceof TracedResponse, Reflect.get(req, 'mark'));
      res.end(String(Reflect.get(res, 'mark')));
    },
  ],
  joinDuplicateHeaders: [
    { joinDuplicateHeaders: true },
    (note) => (req, res) => {
      note(req.headers.from);
      res.end();
    },
  ],
  uniqueHeaders: [
    { uniqueHeaders: ['X-once', 'x-twice'] },
    () => (_req, res) => {
      res.setHeader('X-Once', ['a', 'b']);
      res.setHeader('X-More', ['a', 'b']);
      res.end();
    },
  ],
  rejectNonStandardBodyWrites: [
    { rejectNonStandardBodyWrites: true },
    (note) => (_req, res) => {
      res.statusCode = 304;
      try {
        res.write('x');
      } catch (error) {
        note(Reflect.get(Object(error), 'code'));
      }
      res.end();
    },
  ],
  highWaterMark: [
    { highWaterMark: 1000 },
    (note) => (_req, res) => {
      note(res.writableHighWaterMark, res.write('x'.repeat(2000)));
      res.end();
    },
  ],
};

describe('an option of http.createServer', () => {
  describe.each(['plain HTTP', 'TLS'] as const)('over %s', (kind) => {
    it.each(Object.entries(cases))('is obeyed: %s', async (_name, [options, program, octets]) => {
      const [node, ours] = await onBoth(kind, options, program, octets ?? REPEATED);
      expect(ours).toEqual(node);
    });
  });

  // A request that is closed from the start has not lost its client.
  it.each(['toNode', 'toExpress'])('of node’s server is no departure for a mount: %s', async (host) => {
    const application: Application = async (environ, startResponse) => {
      const content = await environ['wsgi.input'].read();
      startResponse('200 OK', []);
      return [`${content.length} octets`];
    };
    const handler = host === 'toNode' ? toNode(application) : express().use(toExpress(application));
    const listening = await listen(createNodeServer(OPTIMIZED as object, handler));
    expect(await transcript(listening, REPEATED)).toMatch(/^HTTP\/1\.1 200 [\s\S]*0 octets$/);
    await listening.close();
  });

  it('is obeyed for an Express app, and beside other listeners', async () => {
    const app = express().get('/', (req, res) => {
      res.send(`${req.headers.from} ${Reflect.get(req, 'mark')}`);
    });
    const server = createServer(fromExpress(app), {
      IncomingMessage: TracedRequest,
      joinDuplicateHeaders: true,
    });
    const joined: unknown[] = [];
    server.on('request', (req) => joined.push(req.headers.from));
    const listening = await listen(server);
    expect(await transcript(listening, request('GET', '/', ['From: a', 'From: b']))).toMatch(/a, b request$/);
    expect(joined).toEqual(['a, b']);
    await listening.close();
  });

  it.each([true, false])('decides about upgrades: shouldUpgradeCallback gives %s', async (answer) => {
    const upgrade = 'GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: chat\r\n\r\n';
    const asked: unknown[] = [];
    const server = createServer(
      fromNode((_req, res) => res.end('served')),
      {
        shouldUpgradeCallback(this: unknown, req) {
          asked.push(this === server, req.url);
          return answer;
        },
      },
    );
    server.on('upgrade', (_request, socket: Socket) => socket.end('HTTP/1.1 101 Yes\r\n\r\n'));
    const listening = await listen(server);
    expect(await transcript(listening, upgrade)).toMatch(answer ? /101 Yes/ : /served$/);
    expect(asked).toEqual([true, '/up']);
    await listening.close();
  });

  it.each([true, false])('httpAllowHalfOpen = %s is obeyed for a wrapped program', async (allows) => {
    const program: RequestListener = (_req, res) => void setTimeout(() => res.end('late'), 200);
    const answers = [];
    for (const server of [createNodeServer(program), createServer(fromNode(program))]) {
      Reflect.set(server, 'httpAllowHalfOpen', allows);
      const listening = await listen(server);
      answers.push((await transcript(listening, request('GET', '/'), 'end')).includes('late'));
      await pause(250);
      await listening.close();
    }
    expect(answers).toEqual([allows, allows]);
  });

  it.each([
    { IncomingMessage: 5 },
    { shouldUpgradeCallback: true },
    { joinDuplicateHeaders: 'yes' },
    { optimizeEmptyRequests: 1 },
    { uniqueHeaders: 'x' },
    { requireHostHeader: 1 },
    { headersTimeout: '1' },
    { keepAliveTimeout: -1 },
  ])('with a wrong value carries a code of node: %o', (options) => {
    expect(() =>
      createServer(
        fromNode(() => {}),
        options as never,
      ),
    ).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE)$/) }),
    );
  });

  it('without a meaning is accepted: insecureHTTPParser', async () => {
    const server = await listen(
      createServer(
        fromNode(() => {}),
        { insecureHTTPParser: true } as ServerOptions,
      ),
    );
    const octets = 'GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n';
    expect(await transcript(server, octets)).toMatch(/^HTTP\/1\.1 400 /);
    await server.close();
  });
});
