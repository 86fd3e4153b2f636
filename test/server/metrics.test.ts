/** What a server counts, and its form for Prometheus. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WireClient } from '../../src/conformance/wire-client.ts';
import {
  countersOf,
  formatMetrics,
  METRICS_CONTENT_TYPE,
  type Server,
  type ServerMetrics,
  serve,
  sumMetrics,
} from '../../src/server/index.ts';
import { NO_METRICS } from '../../src/server/metrics.ts';
import type { Application } from '../../src/wsgi.ts';
import { parsePrometheusText } from './prometheus-text.ts';
import { get, hello, type RunningServer, startServer } from './support.ts';

let running: RunningServer | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

async function start(...given: Parameters<typeof startServer>): Promise<RunningServer> {
  running = await startServer(...given);
  return running;
}

/** Answers with the status in the path. */
const answerStatus: Application = (environ, startResponse) => {
  startResponse(`${environ.PATH_INFO.slice(1)} Status`, []);
  return [];
};

describe('server.metrics()', () => {
  it('begins with nothing', async () => {
    const { server } = await start(hello);
    expect(server.metrics()).toEqual(NO_METRICS);
  });

  it('counts responses by class, and all requests, open connections and closed ones', async () => {
    const { server, connect } = await start(answerStatus);
    const client = connect();
    for (const status of [200, 204, 299, 301, 304, 404, 500, 599]) {
      client.send(get(`/${status}`));
      await client.readResponse();
    }
    const responses = { '1xx': 0, '2xx': 3, '3xx': 2, '4xx': 1, '5xx': 2 };
    const whole = { responses, requests: { total: 8, inFlight: 0 } };
    expect(server.metrics()).toMatchObject({ ...whole, connections: { open: 1, accepted: 1, idle: 1 } });
    client.destroy();
    await vi.waitFor(() => expect(server.metrics().connections.open).toBe(0));
    expect(server.metrics()).toMatchObject({ ...whole, connections: { accepted: 1, idle: 0, busy: 0 } });
  });

  it('tells what is in flight, and the states of connections', async () => {
    let finish = (): void => {};
    const { server, connect } = await start(async (environ, startResponse) => {
      if (environ.PATH_INFO === '/wait') {
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
      }
      startResponse('200 OK', []);
      return [];
    });
    const busy = connect();
    busy.send(get('/wait'));
    const partial = connect();
    partial.send('GET / HT');
    const idle = connect();
    idle.send(get('/'));
    await idle.readResponse();
    connect();
    await vi.waitFor(() => expect(server.metrics().connections.accepted).toBe(4));
    await delay(20);
    expect(server.metrics()).toMatchObject({
      connections: { open: 4, busy: 2, idle: 2, closing: 0 },
      requests: { total: 2, inFlight: 1 },
    });
    finish();
    await busy.readResponse();
    expect(server.metrics().requests).toEqual({ total: 2, inFlight: 0 });
    // The server closes its half; the client does not.
    const closing = connect();
    closing.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await closing.readResponse();
    expect(server.metrics().connections.closing).toBe(1);
  });

  it('counts octets of open connections and of closed ones', async () => {
    const { server, connect } = await start(hello);
    const client = connect();
    client.send(get('/'));
    const { raw, content } = await client.readResponse();
    const bytes = { received: get('/').length, sent: raw.length + content.length };
    expect(server.metrics().bytes).toEqual(bytes);
    client.destroy();
    await vi.waitFor(() => expect(server.metrics().connections.open).toBe(0));
    expect(server.metrics().bytes).toEqual(bytes);
  });

  it('counts pipelined requests', async () => {
    const { server, connect } = await start(hello);
    const client = connect();
    client.send(get('/').repeat(100));
    for (let count = 0; count < 100; count += 1) await client.readResponse();
    expect(server.metrics()).toMatchObject({ requests: { total: 100 }, responses: { '2xx': 100 } });
  });

  it.each([
    ['no HTTP', 'nonsense\r\n\r\n', '4xx', 0],
    ['a head that is too large', get(`/${'x'.repeat(20_000)}`), '4xx', 0],
    ['a fault of content', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n', '4xx', 1],
  ] as const)('counts %s as an error of the client', async (_name, request, responses, total) => {
    const { server, connect } = await start(async (environ, startResponse) => {
      await environ['wsgi.input'].read();
      return hello(environ, startResponse);
    });
    const client = connect();
    client.send(request);
    await client.readResponse();
    expect(server.metrics()).toMatchObject({
      clientErrors: 1,
      requests: { total },
      responses: { [responses]: 1, '2xx': 0 },
    });
  });

  it('counts a failure of the application as 5xx, and not as an error of the client', async () => {
    const { server, connect } = await start(() => {
      throw new Error('broken');
    });
    const client = connect();
    client.send(get('/'));
    await client.readResponse();
    expect(server.metrics()).toMatchObject({ clientErrors: 0, responses: { '5xx': 1 } });
  });

  it('counts time-outs by their kind', async () => {
    const { server, connect } = await start(
      async (environ, startResponse) => {
        await environ['wsgi.input'].read();
        return hello(environ, startResponse);
      },
      {
        headersTimeout: 400,
        requestTimeout: 400,
        keepAliveTimeout: 400,
        keepAliveTimeoutBuffer: 0,
        connectionsCheckingInterval: 10,
      },
    );
    const head = connect();
    head.send('GET / HT');
    const content = connect();
    content.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n');
    const idle = connect();
    idle.send(get('/'));
    await vi.waitFor(
      () => expect(server.metrics().timeouts).toMatchObject({ idle: 1, head: 1, content: 1 }),
      {
        timeout: 5000,
      },
    );
    await delay(50);
    expect(server.metrics()).toMatchObject({
      timeouts: { idle: 1, head: 1, content: 1, unresponsive: 0 },
      clientErrors: 0,
    });
  });

  it('counts connections beyond maxConnections', async () => {
    const { server, connect } = await start(hello, { maxConnections: 1 });
    const first = connect();
    first.send(get('/'));
    await first.readResponse();
    await connect()
      .readRest()
      .catch(() => {});
    expect(server.metrics().connections).toMatchObject({ refused: 1, accepted: 1, open: 1 });
  });

  it('counts requests beyond maxRequestsPerSocket as 5xx', async () => {
    const { server, connect } = await start(hello, { maxRequestsPerSocket: 1 });
    server.on('dropRequest', () => {});
    const client = connect();
    client.send(get('/'));
    await client.readResponse();
    client.send(get('/'));
    await client.readResponse();
    expect(server.metrics()).toMatchObject({ responses: { '2xx': 1, '5xx': 1 }, requests: { total: 2 } });
  });

  it('counts connections that a listener of upgrade has taken over, with their octets', async () => {
    const { server, connect } = await start(hello);
    let taken: Socket | undefined;
    server.on('upgrade', (_request, socket: Socket) => {
      taken = socket;
      socket.write('12345');
    });
    const client = connect();
    const request = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: a\r\n\r\n';
    client.send(request);
    await client.readOctets(5);
    const { length } = request;
    expect(server.metrics()).toMatchObject({
      connections: { open: 1, upgraded: 1, idle: 0, busy: 0, closing: 0 },
      requests: { total: 1, inFlight: 0 },
      bytes: { received: length, sent: 5 },
    });
    taken?.destroy();
    await vi.waitFor(() => expect(server.metrics().connections.open).toBe(0));
    expect(server.metrics()).toMatchObject({
      connections: { upgraded: 0, accepted: 1 },
      requests: { total: 1 },
      bytes: { received: length, sent: 5 },
    });
  });

  it('counts handshakes of TLS, and octets inside of it', async () => {
    const read = (name: string): Buffer => readFileSync(new URL(`../support/tls/${name}`, import.meta.url));
    const cert = read('cert.pem');
    await using server: Server = await serve(hello, { port: 0, tls: { key: read('key.pem'), cert } });
    const { port } = server.address() as AddressInfo;
    const failed = connect(port, '127.0.0.1');
    failed.on('error', () => {}).write('nonsense\r\n\r\n');
    await once(failed, 'close');
    const slow = connect(port, '127.0.0.1');
    const client = new WireClient(connectTls({ port, host: '127.0.0.1', ca: cert, servername: 'localhost' }));
    client.send(get('/'));
    const { raw, content } = await client.readResponse();
    const bytes = { received: get('/').length, sent: raw.length + content.length };
    expect(server.metrics()).toMatchObject({
      connections: { open: 2, idle: 1, handshaking: 1, accepted: 3, handshakeErrors: 1 },
      bytes,
    });
    client.destroy();
    slow.destroy();
    await vi.waitFor(() => expect(server.metrics().connections.open).toBe(0));
    expect(server.metrics().bytes).toEqual(bytes);
  });
});

const SNAPSHOT: ServerMetrics = {
  connections: {
    open: 15,
    idle: 1,
    busy: 2,
    closing: 3,
    handshaking: 4,
    upgraded: 5,
    accepted: 60,
    refused: 7,
    handshakeErrors: 8,
  },
  requests: { total: 90, inFlight: 2 },
  responses: { '1xx': 1, '2xx': 2, '3xx': 3, '4xx': 4, '5xx': 5 },
  clientErrors: 6,
  timeouts: { idle: 1, head: 2, content: 3, unresponsive: 4 },
  bytes: { received: 1e21, sent: 12_345 },
};

describe('sumMetrics', () => {
  it('adds every number', () => {
    const copy: ServerMetrics = JSON.parse(JSON.stringify(SNAPSHOT));
    const sum = sumMetrics([SNAPSHOT, copy]);
    expect(
      JSON.parse(JSON.stringify(sum), (_key, value) => (typeof value === 'number' ? value / 2 : value)),
    ).toEqual(SNAPSHOT);
  });

  it('gives nothing for none, and takes what a worker of another version lacks for 0', () => {
    expect(sumMetrics([])).toEqual(NO_METRICS);
    const { timeouts: _, ...old } = SNAPSHOT;
    // As it comes from another process.
    const sum = sumMetrics([old as ServerMetrics, { ...SNAPSHOT, more: 1 } as ServerMetrics]);
    expect(sum.timeouts).toEqual(SNAPSHOT.timeouts);
    expect(Object.keys(sum)).toEqual(Object.keys(NO_METRICS));
  });
});

describe('countersOf', () => {
  it('keeps what never falls', () => {
    expect(countersOf(SNAPSHOT)).toEqual({
      ...SNAPSHOT,
      connections: { ...NO_METRICS.connections, accepted: 60, refused: 7, handshakeErrors: 8 },
      requests: { total: 90, inFlight: 0 },
    });
  });
});

describe('formatMetrics', () => {
  it('gives text that a strict parser reads', () => {
    const families = parsePrometheusText(formatMetrics(SNAPSHOT));
    const samples = [...families.values()].flatMap((family) => family.samples);
    expect(samples.map(({ name, labels, value }) => [name, ...Object.entries(labels).flat(), value])).toEqual(
      [
        ['gatebridge_connections', 'state', 'idle', 1],
        ['gatebridge_connections', 'state', 'busy', 2],
        ['gatebridge_connections', 'state', 'closing', 3],
        ['gatebridge_connections', 'state', 'handshaking', 4],
        ['gatebridge_connections', 'state', 'upgraded', 5],
        ['gatebridge_connections_accepted_total', 60],
        ['gatebridge_connections_refused_total', 7],
        ['gatebridge_tls_handshake_errors_total', 8],
        ['gatebridge_requests_total', 90],
        ['gatebridge_requests_in_flight', 2],
        ...[1, 2, 3, 4, 5].map((digit) => ['gatebridge_responses_total', 'class', `${digit}xx`, digit]),
        ['gatebridge_client_errors_total', 6],
        ['gatebridge_timeouts_total', 'kind', 'idle', 1],
        ['gatebridge_timeouts_total', 'kind', 'head', 2],
        ['gatebridge_timeouts_total', 'kind', 'content', 3],
        ['gatebridge_timeouts_total', 'kind', 'unresponsive', 4],
        ['gatebridge_received_bytes_total', 1e21],
        ['gatebridge_sent_bytes_total', 12_345],
      ],
    );
    expect(METRICS_CONTENT_TYPE).toContain('version=0.0.4');
  });

  it('adds up workers', () => {
    expect(formatMetrics([SNAPSHOT, SNAPSHOT])).toBe(formatMetrics(sumMetrics([SNAPSHOT, SNAPSHOT])));
    expect(parsePrometheusText(formatMetrics([])).get('gatebridge_requests_total')?.samples).toEqual([
      { name: 'gatebridge_requests_total', labels: {}, value: 0 },
    ]);
  });

  it('puts labels at every sample, and escapes their values', () => {
    const value = 'a"b\\c\nd{e}=f,\\n é';
    const families = parsePrometheusText(formatMetrics(SNAPSHOT, { app: value, _zone1: '' }));
    for (const { samples } of families.values()) {
      for (const { labels } of samples) expect(labels).toMatchObject({ app: value, _zone1: '' });
    }
  });

  it.each(['', '1a', 'a-b', '__name__', 'é', 'a b', 'state', 'class', 'kind'])(
    'refuses the label %j',
    (name) => {
      expect(() => formatMetrics(SNAPSHOT, { [name]: 'x' })).toThrow(TypeError);
    },
  );

  it('gives what a server has counted', async () => {
    const { server, connect } = await start(hello);
    const client = connect();
    client.send(get('/'));
    await client.readResponse();
    const families = parsePrometheusText(formatMetrics(server.metrics()));
    expect(families.get('gatebridge_requests_total')).toMatchObject({
      type: 'counter',
      samples: [{ value: 1 }],
    });
    expect(families.get('gatebridge_connections')).toMatchObject({ type: 'gauge' });
  });
});

describe('the parser of the tests', () => {
  it.each([
    '# HELP a_total A.\n# TYPE a_total counter\na_total 1',
    '# TYPE a_total counter\na_total 1\n',
    '# HELP a A.\n# TYPE a counter\na 1\n',
    '# HELP a A.\n# TYPE b gauge\na 1\n',
    '# HELP a A.\n# TYPE a gauge\nb 1\n',
    '# HELP a A.\n# TYPE a gauge\na 1\na 1\n',
    '# HELP a A.\n# TYPE a gauge\na{b="c} 1\n',
    '# HELP a A.\n# TYPE a gauge\na{b="\\c"} 1\n',
    '# HELP a A.\n# TYPE a gauge\na x\n',
    '# HELP a A.\n# TYPE a gauge\na 1\n\n',
  ])('refuses %j', (text) => {
    expect(() => parsePrometheusText(text)).toThrow();
  });
});
