/** Octets that wait to be parsed are bounded, however fast a client pipelines and however slow it is answered. */
import { readFileSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fromNode } from '../../bridges/node/index.ts';
import type { ServerOptions } from '../../src/server/index.ts';
import type { Application } from '../../src/wsgi.ts';
import { get, type RunningServer, startServer } from './support.ts';

const folder = new URL('../support/tls/', import.meta.url);
const tls = {
  key: readFileSync(new URL('key.pem', folder)),
  cert: readFileSync(new URL('cert.pem', folder)),
};

let running: RunningServer;
let client: Socket;
afterEach(async () => {
  client.destroy();
  await running.stop();
});

const REQUEST = get('/');
const REQUESTS = 40_000;
/** Two packets, and what one read of TLS holds besides. */
const BOUND = 260_000;

/** The octets that a server has read and not served yet, at their most. */
interface Backlog {
  served: number;
  most: number;
}

/** Notes the backlog in each call. */
function measured(application: Application, backlog: Backlog): Application {
  return (environ, startResponse) => {
    // Our server has it.
    const { bytesRead } = environ['gateway.socket'] as Socket;
    backlog.served += 1;
    backlog.most = Math.max(backlog.most, bytesRead - backlog.served * REQUEST.length);
    // The applications here are functions.
    return (application as (...given: unknown[]) => string[])(environ, startResponse);
  };
}

const answer: Application = (_environ, startResponse) => {
  startResponse('200 OK', []);
  return ['x'.repeat(100)];
};

const APPLICATIONS: Record<string, Application> = {
  'a synchronous application': answer,
  'an asynchronous application': async (environ, startResponse) => {
    await Promise.resolve();
    return (answer as (...given: unknown[]) => string[])(environ, startResponse);
  },
  'a generator': function* (_environ, startResponse) {
    startResponse('200 OK', []);
    yield 'x'.repeat(100);
  },
  'a wrapped program': fromNode((_request, response) => void response.end('x'.repeat(100))),
};

async function pipeline(options: ServerOptions, application: Application): Promise<Backlog> {
  const backlog: Backlog = { served: 0, most: 0 };
  running = await startServer(measured(application, backlog), options);
  const { port } = running.server.address() as AddressInfo;
  client =
    options.tls === undefined
      ? connect(port, '127.0.0.1')
      : connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  // Reads all answers.
  client.resume();
  client.write(REQUEST.repeat(REQUESTS));
  await vi.waitFor(() => expect(backlog.served).toBe(REQUESTS), { timeout: 20_000, interval: 20 });
  return backlog;
}

describe.each(Object.entries(APPLICATIONS))('requests without pause to %s', (_name, application) => {
  it.each<[string, ServerOptions]>([
    ['plain', {}],
    ['TLS', { tls }],
  ])('wait in bounded memory, over %s', async (_kind, options) => {
    expect((await pipeline(options, application)).most).toBeLessThan(BOUND);
  });
});

describe('requests without pause', () => {
  it('wait in bounded memory while one of them is not answered', async () => {
    let socket: Socket | undefined;
    running = await startServer((environ) => {
      socket = environ['gateway.socket'] as Socket;
      return new Promise(() => {});
    });
    client = connect((running.server.address() as AddressInfo).port, '127.0.0.1');
    client.write(REQUEST.repeat(REQUESTS));
    await vi.waitFor(() => expect(socket?.bytesRead).toBeGreaterThan(0));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(socket?.bytesRead).toBeLessThan(BOUND);
  });
});
