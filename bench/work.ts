/**
 * The work at which servers are measured, and the bars to reach, as data.
 *
 * Rule 1: the first of `servers` is the reference for the others, the second is ours.
 * Rule 2: a bar is a ratio of CPU time per request. `atLeast`: the peer's to ours. `atMost`: ours to the peer's.
 */

export interface RequestTemplate {
  readonly method: 'GET' | 'POST';
  /** `{number}` is replaced by a different number in each request. */
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly content?: string;
  /** Requests that are sent before waiting for an answer. @default 1 */
  readonly pipelining?: number;
}

export interface Bar {
  readonly server: string;
  readonly against: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  /** The major versions of Node to which it applies. @default the oldest supported one */
  readonly on?: readonly number[];
}

export interface Work {
  readonly name: string;
  readonly title: string;
  readonly servers: readonly string[];
  readonly request: RequestTemplate;
  /**
   * Work for a client of our own: content in pieces of 64 KiB, counted by the MiB, or server-sent events, counted by
   * the response.
   */
  readonly stream?: 'up' | 'down' | 'events';
  readonly bars: readonly Bar[];
  /** It needs more than npm installs, and is measured only if `--only` names it. */
  readonly isOnRequest?: true;
}

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

/** Placeholder for a number in a path, so that successive requests differ. */
export const NUMBER = '{number}';
/** Its digits: the same in each, because heads of the same length are the most expensive for our parser. */
export const DIGITS = 6;

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
const EVERYWHERE = [24, 26];
const HONO: Pick<Work, 'servers' | 'bars'> = {
  servers: ['hono', 'hono on gatebridge', "hono on gatebridge, with node's Response", 'hono on srvx'],
  bars: [{ server: 'hono on gatebridge', against: 'hono', atLeast: 1.4, on: [26] }],
};

export const WORK: readonly Work[] = [
  {
    name: 'hello',
    title: 'hello, few headers',
    servers: ['node:http', 'gatebridge', 'floor', 'hono', 'srvx'],
    request: HELLO,
    bars: [
      { server: 'gatebridge', against: 'node:http', atLeast: 1.5 },
      { server: 'gatebridge', against: 'floor', atMost: 1.15 },
    ],
  },
  {
    name: 'varied',
    title: 'hello, another target each time',
    servers: ['node:http', 'gatebridge', 'floor'],
    request: VARIED,
    bars: [],
  },
  {
    name: 'browser',
    title: "hello, a browser's 12 headers",
    servers: ['node:http', 'gatebridge', 'floor'],
    request: { ...HELLO, headers: BROWSER_HEADERS },
    bars: [{ server: 'gatebridge', against: 'node:http', atLeast: 1.4 }],
  },
  {
    name: 'varied-browser',
    title: "a browser's 12 headers, another target each time",
    servers: ['node:http', 'gatebridge', 'floor'],
    request: { ...VARIED, headers: BROWSER_HEADERS },
    bars: [],
  },
  {
    name: 'pipelined',
    title: 'hello, 16 requests pipelined',
    servers: ['node:http', 'gatebridge', 'floor'],
    request: { ...HELLO, pipelining: 16 },
    bars: [{ server: 'gatebridge', against: 'node:http', atLeast: 8 }],
  },
  {
    name: 'varied-pipelined',
    title: '16 requests pipelined, another target each time',
    servers: ['node:http', 'gatebridge'],
    request: { ...VARIED, pipelining: 16 },
    bars: [],
  },
  {
    name: 'post',
    title: 'POST of 1 KiB of JSON, read and echoed',
    servers: ['node:http', 'gatebridge'],
    request: POST,
    bars: [{ server: 'gatebridge', against: 'node:http', atLeast: 1.3 }],
  },
  {
    name: 'json',
    title: 'POST of 1 KiB of JSON, parsed and written anew',
    servers: ['node:http', 'gatebridge'],
    request: { ...POST, path: '/json' },
    bars: [],
  },
  {
    name: 'down',
    title: '64 MiB streamed down in 64 KiB pieces',
    servers: ['node:http', 'gatebridge'],
    ...DOWN,
    bars: [{ server: 'gatebridge', against: 'node:http', atLeast: 1 }],
  },
  {
    name: 'up',
    title: '64 MiB streamed up in 64 KiB pieces',
    servers: ['node:http', 'gatebridge'],
    request: { method: 'POST', path: '/up', headers: [] },
    stream: 'up',
    bars: [{ server: 'gatebridge', against: 'node:http', atLeast: 1 }],
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
    servers: ['express', 'express on gatebridge'],
    request: HELLO,
    bars: [
      { server: 'express on gatebridge', against: 'express', atLeast: 4 },
      { server: 'express on gatebridge', against: 'express', atLeast: 1.15, on: EVERYWHERE },
    ],
  },
  {
    name: 'fastify',
    title: 'a Fastify app through fromFastify',
    servers: ['fastify', 'fastify on gatebridge'],
    request: HELLO,
    bars: [{ server: 'fastify on gatebridge', against: 'fastify', atLeast: 1.15, on: [20, ...EVERYWHERE] }],
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
    name: 'mounted-express',
    title: 'an application mounted in Express, against the same answer by hand',
    servers: ['express by hand', 'mounted in express'],
    request: HELLO,
    bars: [{ server: 'mounted in express', against: 'express by hand', atMost: 1.1 }],
  },
  {
    name: 'mounted-fastify',
    title: 'an application mounted in Fastify, against the same answer by hand',
    servers: ['fastify by hand', 'mounted in fastify'],
    request: HELLO,
    bars: [{ server: 'mounted in fastify', against: 'fastify by hand', atMost: 1.1 }],
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
export const OTHER_WORK = ['latency', 'memory', 'start-up'] as const;

/** Tells if the unit of some work is a MiB; otherwise it is a request. */
export function isByMebibyte({ stream }: Work): boolean {
  return stream === 'up' || stream === 'down';
}

/** The title of a row in a table of different units. */
export function unitTitle(work: Work): string {
  return isByMebibyte(work) ? `${work.title}, for each MiB` : work.title;
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
