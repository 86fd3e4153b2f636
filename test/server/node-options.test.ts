/** Options of http.createServer. Each is obeyed as on node:http, or accepted where it has no meaning. */
import {
  createServer as createNodeServer,
  IncomingMessage,
  type RequestListener,
  ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { fromExpress } from '../../bridges/express/index.ts';
import { fromNode } from '../../bridges/node/index.ts';
import { createServer, type ServerOptions } from '../../src/server/index.ts';
import { listen, pause, request, transcript } from '../messages/side-by-side.ts';

class TracedRequest extends IncomingMessage {
  readonly mark: string = 'request';
}
class TracedResponse extends ServerResponse<IncomingMessage> {
  readonly mark: string = 'response';
}

/** Gives what a program sees and what its client gets, on node:http and on ours. */
async function onBoth(
  options: object,
  program: (note: (...values: unknown[]) => void) => RequestListener,
  octets: string = request('GET', '/', ['From: a', 'From: b']),
  prepare: (server: {
    on(event: 'upgrade', listener: (request: IncomingMessage, socket: Socket) => void): unknown;
  }) => void = () => {},
): Promise<[node: unknown[], ours: unknown[]]> {
  const outcomes = [];
  const makers = [
    (listener: RequestListener) => createNodeServer(options, listener),
    (listener: RequestListener) => createServer(fromNode(listener), options as ServerOptions),
  ];
  for (const make of makers) {
    const seen: unknown[] = [];
    const server = make(program((...values) => void seen.push(...values)));
    prepare(server);
    const listening = await listen(server);
    seen.push(await transcript(listening, octets));
    await listening.close();
    outcomes.push(seen);
  }
  const [node = [], ours = []] = outcomes;
  return [node, ours];
}

const cases: Record<string, [object, (note: (...values: unknown[]) => void) => RequestListener]> = {
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
  it.each(Object.entries(cases))('is obeyed: %s', async (_name, [options, program]) => {
    const [node, ours] = await onBoth(options, program);
    expect(ours).toEqual(node);
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
