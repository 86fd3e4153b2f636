/**
 * The work at which servers are measured, and the bars to reach, as data.
 *
 * The bars count on Node 26, the version that most people run for speed; on others they are shown.
 */
import { type Crowd, NUMBER, type RequestTemplate, type Work } from './work.ts';

/** The headers that a browser of 2026 sends for a page, besides Host. */
const BROWSER_HEADERS: RequestTemplate['headers'] = [
  ['Connection', 'keep-alive'],
  ['sec-ch-ua', '"Chromium";v="142", "Not=A?Brand";v="24"'],
  ['sec-ch-ua-mobile', '?0'],
  ['sec-ch-ua-platform', '"Linux"'],
  ['User-Agent', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36'],
  ['Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'],
  ['Sec-Fetch-Site', 'none'],
  ['Sec-Fetch-Mode', 'navigate'],
  ['Accept-Encoding', 'gzip, deflate, br, zstd'],
  ['Accept-Language', 'en-GB,en;q=0.9,de;q=0.8'],
  ['Cookie', 'session=5f2c9a7be1d04d6f8a3b; theme=dark; consent=1'],
];

const HELLO: RequestTemplate = { method: 'GET', path: '/', headers: [] };
const VARIED: RequestTemplate = { ...HELLO, path: `/articles/${NUMBER}?from=search` };
const POST: RequestTemplate = {
  method: 'POST',
  path: '/echo',
  headers: [['Content-Type', 'application/json']],
  content: createJson(1024),
};
const DOWN: Pick<Work, 'request' | 'stream' | 'bars'> = {
  request: { ...HELLO, path: '/down' },
  stream: 'down',
  bars: [],
};
const EVENTS: typeof DOWN = { request: { ...HELLO, path: '/events' }, stream: 'events', bars: [] };
const HONO: Pick<Work, 'servers' | 'bars'> = {
  servers: [
    ...['hono', 'hono on gatebridge', "hono on gatebridge, with node's Response", 'hono on srvx'],
    ...['hono on Bun', 'hono on Deno'],
  ],
  bars: [{ server: 'hono on gatebridge', against: 'hono', atLeast: 1.4, on: [26] }],
};
/** Ours and the reference, most often. */
const OURS = ['node:http', 'gatebridge'];
const ENGINES = ['Bun.serve', 'Deno.serve'];
/** The same server under another name, so that one work has it twice. */
const FEW = 'gatebridge, 64 connections';
const MANY_OF_NODE = 'node:http, 10,000 connections';
/** At least as fast, for as little CPU time, and no client waits longer for its next piece. */
const STREAM_BARS: Work['bars'] = [
  { server: 'gatebridge', against: 'node:http', figure: 'rate', atLeast: 1 },
  { server: 'gatebridge', against: 'node:http', atLeast: 1 },
  { server: 'gatebridge', against: 'node:http', figure: 'wait', atMost: 1 },
];

export const WORK: readonly Work[] = [
  {
    name: 'hello',
    title: 'hello, few headers',
    servers: [...OURS, 'floor', ...ENGINES, 'hono', 'srvx'],
    request: HELLO,
    bars: [
      { server: 'gatebridge', against: 'node:http', atLeast: 2 },
      { server: 'gatebridge', against: 'floor', atMost: 1.05 },
    ],
  },
  {
    name: 'varied',
    title: 'hello, another target each time',
    servers: [...OURS, 'floor', ...ENGINES],
    request: VARIED,
    bars: [],
  },
  {
    name: 'browser',
    title: "hello, a browser's 12 headers",
    servers: [...OURS, 'floor', ...ENGINES],
    request: { ...HELLO, headers: BROWSER_HEADERS },
    bars: [],
  },
  {
    name: 'varied-browser',
    title: "a browser's 12 headers, another target each time",
    servers: [...OURS, 'floor', ...ENGINES],
    request: { ...VARIED, headers: BROWSER_HEADERS },
    bars: [
      { server: 'gatebridge', against: 'node:http', atLeast: 1.8 },
      { server: 'gatebridge', against: 'Bun.serve', atMost: 1.15 },
    ],
  },
  {
    name: 'hostile',
    title: '4096 targets, cookies and values that the response repeats',
    servers: [...OURS, ...ENGINES],
    request: {
      method: 'GET',
      path: `/repeat/${NUMBER}?page=${NUMBER}`,
      headers: [...BROWSER_HEADERS.filter(([name]) => name !== 'Cookie'), ['Cookie', `session=${NUMBER}`]],
    },
    bars: [],
  },
  {
    name: 'pipelined',
    title: 'hello, 16 requests pipelined',
    servers: [...OURS, 'floor', ...ENGINES],
    request: { ...HELLO, pipelining: 16 },
    bars: [
      { server: 'gatebridge', against: 'node:http', atLeast: 7 },
      { server: 'gatebridge', against: 'Bun.serve', atLeast: 4 },
    ],
  },
  {
    name: 'varied-pipelined',
    title: '16 requests pipelined, another target each time',
    servers: OURS,
    request: { ...VARIED, pipelining: 16 },
    bars: [],
  },
  {
    name: 'post',
    title: 'POST of 1 KiB of JSON, read and echoed',
    servers: [...OURS, ...ENGINES],
    request: POST,
    bars: [{ server: 'gatebridge', against: 'node:http', atLeast: 2 }],
  },
  {
    name: 'json',
    title: 'POST of 1 KiB of JSON, parsed and written anew',
    servers: [...OURS, ...ENGINES],
    request: { ...POST, path: '/json' },
    bars: [],
  },
  {
    name: 'tls',
    title: 'hello over TLS, on a kept connection',
    servers: ['node:https', 'gatebridge with TLS'],
    request: HELLO,
    isTls: true,
    bars: [{ server: 'gatebridge with TLS', against: 'node:https', atLeast: 1.3 }],
  },
  {
    name: 'down',
    title: '64 MiB streamed down in 64 KiB pieces',
    servers: [...OURS, 'Bun.serve'],
    ...DOWN,
    bars: STREAM_BARS,
  },
  {
    name: 'up',
    title: '64 MiB streamed up in 64 KiB pieces',
    servers: [...OURS, 'Bun.serve'],
    request: { method: 'POST', path: '/up', headers: [] },
    stream: 'up',
    bars: STREAM_BARS,
  },
  {
    name: 'node',
    title: 'a node:http listener through fromNode',
    servers: ['node:http', 'gatebridge with fromNode'],
    request: HELLO,
    bars: [],
  },
  {
    name: 'express',
    title: 'an Express app through fromExpress',
    servers: ['express', 'express on gatebridge', 'express on Bun', 'express on Deno'],
    request: HELLO,
    bars: [
      { server: 'express on gatebridge', against: 'express', atLeast: 4, on: [20] },
      { server: 'express on gatebridge', against: 'express', atLeast: 1.35, on: [24, 26] },
      { server: 'express on gatebridge', against: 'express on Bun', atMost: 1, on: [24, 26] },
    ],
  },
  {
    name: 'fastify',
    title: 'a Fastify app through fromFastify',
    servers: ['fastify', 'fastify on gatebridge', 'fastify on Bun', 'fastify on Deno'],
    request: HELLO,
    bars: [
      { server: 'fastify on gatebridge', against: 'fastify', atLeast: 1.35 },
      { server: 'fastify on gatebridge', against: 'fastify on Bun', atLeast: 1.4 },
    ],
  },
  {
    name: 'hono',
    title: 'an app of Hono through fromFetch: text',
    request: { ...HELLO, path: '/text' },
    ...HONO,
  },
  { name: 'hono-data', title: 'the same: JSON', request: { ...HELLO, path: '/data' }, ...HONO },
  {
    name: 'hono-post',
    title: 'the same: POST of 1 KiB of JSON, parsed and written anew',
    request: { ...POST, path: '/json' },
    ...HONO,
  },
  {
    name: 'hono-params',
    title: "the same: parameter, query and header read, two headers set, a browser's 12 headers",
    request: { ...VARIED, headers: BROWSER_HEADERS },
    ...HONO,
  },
  {
    name: 'down-node',
    title: '64 MiB streamed down by a listener through fromNode',
    servers: ['node:http', 'gatebridge with fromNode'],
    ...DOWN,
  },
  {
    name: 'down-express',
    title: '64 MiB streamed down by Express through fromExpress',
    servers: ['express', 'express on gatebridge'],
    ...DOWN,
  },
  {
    name: 'down-fastify',
    title: '64 MiB streamed down by Fastify through fromFastify',
    servers: ['fastify', 'fastify on gatebridge'],
    ...DOWN,
  },
  {
    name: 'sse-node',
    title: '100 server-sent events of a listener through fromNode',
    servers: ['node:http', 'gatebridge with fromNode'],
    ...EVENTS,
  },
  {
    name: 'sse-express',
    title: '100 server-sent events of Express through fromExpress',
    servers: ['express', 'express on gatebridge'],
    ...EVENTS,
  },
  {
    name: 'sse-fastify',
    title: '100 server-sent events of Fastify through fromFastify',
    servers: ['fastify', 'fastify on gatebridge'],
    ...EVENTS,
  },
  {
    name: 'sse-clients',
    title: '1000 clients, 10 server-sent events a second each; for each event',
    servers: [...OURS, 'gatebridge with fromNode'],
    request: { ...HELLO, path: '/ticks' },
    crowd: crowd('events', 10_000, {
      'node:http': 1000,
      gatebridge: 1000,
      'gatebridge with fromNode': 1000,
    }),
    bars: [{ server: 'gatebridge', against: 'node:http', atLeast: 1.2 }],
  },
  {
    name: 'connections',
    title: '10,000 connections, one request a second each',
    servers: [FEW, 'gatebridge, 10,000 connections', 'node:http, 64 connections', MANY_OF_NODE],
    request: HELLO,
    crowd: crowd('requests', 10_000, {
      [FEW]: 64,
      'node:http, 64 connections': 64,
      'gatebridge, 10,000 connections': 10_000,
      [MANY_OF_NODE]: 10_000,
    }),
    bars: [
      { server: 'gatebridge, 10,000 connections', against: FEW, atMost: 1.2 },
      { server: 'gatebridge, 10,000 connections', against: MANY_OF_NODE, figure: 'p99', atMost: 1 },
    ],
  },
  {
    name: 'workers',
    title: 'two workers of the command beside one, all processes together',
    servers: ['gatebridge, one worker', 'gatebridge, two workers'],
    request: HELLO,
    bars: [
      { server: 'gatebridge, two workers', against: 'gatebridge, one worker', atMost: 1.05 },
      { server: 'gatebridge, two workers', figure: 'balance', atMost: 1.1 },
    ],
  },
  {
    name: 'mounted-express',
    title: 'an application mounted in Express, against the same answer by hand',
    servers: ['express by hand', 'mounted in express'],
    request: HELLO,
    bars: [{ server: 'mounted in express', against: 'express by hand', atMost: 1.08 }],
  },
  {
    name: 'mounted-fastify',
    title: 'an application mounted in Fastify, against the same answer by hand',
    servers: ['fastify by hand', 'mounted in fastify'],
    request: HELLO,
    bars: [{ server: 'mounted in fastify', against: 'fastify by hand', atMost: 1.08 }],
  },
  {
    name: 'http2',
    title: 'hello over HTTP/2, 8 connections with 16 streams at once',
    servers: ['node:http2', 'gatebridge over HTTP/2', 'node:http2, streams'],
    request: HELLO,
    http2: true,
    isOnRequest: true,
    bars: [{ server: 'gatebridge over HTTP/2', against: 'node:http2', atMost: 1 }],
  },
  {
    name: 'flask',
    title: 'hello of Flask in two Python processes, in Express, all processes together',
    servers: ['flask behind a proxy', 'flask in express'],
    request: HELLO,
    isOnRequest: true,
    bars: [{ server: 'flask in express', against: 'flask behind a proxy', atLeast: 1.5 }],
  },
  {
    name: 'php',
    title: 'hello of PHP in two children of php-fpm, all processes together',
    servers: ['php behind nginx', 'php on gatebridge'],
    request: HELLO,
    isOnRequest: true,
    bars: [{ server: 'php on gatebridge', against: 'php behind nginx', atMost: 1.3 }],
  },
];

/** Other measurements, which are not CPU time of a request. */
export const OTHER_WORK = ['latency', 'memory', 'start-up', 'imports'] as const;

function crowd(kind: Crowd['kind'], rate: number, connections: Crowd['connections']): Crowd {
  return { kind, rate, connections };
}

/** Makes JSON of about that many octets, shaped like what clients send. */
function createJson(length: number): string {
  const items: object[] = [];
  const text = (): string => JSON.stringify({ order: 4711, customer: 'A. Turing', items });
  for (let id = 1; text().length < length - 50; id += 1) {
    items.push({ id, name: `item ${id}`, price: id * 1.25, tags: ['a', 'b'] });
  }
  return text();
}
