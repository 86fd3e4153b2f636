/** The environ of a request that repeats its fields is the same as that of the first request with these fields. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { WireClient } from '../../../src/conformance/wire-client.ts';
import { hasUnderscores } from '../../../src/gateway/field-rules.ts';
import { createServer, type Server, type ServerOptions } from '../../../src/server/index.ts';
import type { Environ } from '../../../src/wsgi.ts';

/** More than it takes until an environ is made from memory. */
const REPEATS = 12;

let close = (): Promise<void> => Promise.resolve();
afterEach(() => close());

/** An environ as the application got it: keys in order, with the values of those that can be compared. */
interface Seen {
  readonly keys: string[];
  readonly types: string[];
  readonly strings: Record<string, unknown>;
  readonly rawHeaders: readonly string[];
  /** Names with `_` have become keys: wrapped programs look at this mark. */
  readonly hasUnderscores: boolean;
  readonly content: string;
}

async function describe(environ: Environ): Promise<Seen> {
  const entries = Object.entries(environ);
  const isComparable = ([key, value]: [string, unknown]) =>
    typeof value !== 'object' && key !== 'REMOTE_PORT';
  const strings = Object.fromEntries(
    entries.filter(([, value]) => typeof value !== 'function').filter(isComparable),
  );
  const lines = environ['gateway.raw_headers'] ?? [];
  const rawHeaders = [...lines];
  const keys = entries.map(([key]) => key);
  const types = entries.map(([, value]) => typeof value);
  // Applications may change all that they get.
  for (const key of keys) if (typeof environ[key] === 'string') environ[key] = 'changed';
  // Read-only by its type.
  (lines as string[]).push('X-Added', '1');
  environ['x.added'] = true;
  delete environ.HTTP_HOST;
  const content = Buffer.from(await environ['wsgi.input'].read()).toString('latin1');
  return { keys, types, strings, rawHeaders, hasUnderscores: hasUnderscores(lines), content };
}

/** Starts a server that keeps what it sees. */
async function start(options: ServerOptions = {}): Promise<{ server: Server; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer(async (environ, startResponse) => {
    seen.push(await describe(environ));
    startResponse('200 OK', []);
    return [];
  }, options);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close = () => server.shutdown({ timeout: 0 });
  return { server, seen };
}

/** Sends requests one after another on one connection. */
async function send(server: Server, requests: readonly string[]): Promise<void> {
  const { port } = server.address() as AddressInfo;
  const client = new WireClient(connect({ port, host: '127.0.0.1', allowHalfOpen: true }));
  for (const request of requests) {
    client.send(request);
    await client.readResponse(request.slice(0, request.indexOf(' ')));
  }
  client.destroy();
}

const get = (fields: string, target = '/a?b') => `GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;

const FIELDS = [
  ['of a browser', 'Accept: */*\r\nCookie: a=1\r\nCookie: b=2\r\nAccept-Language: en\r\n'],
  ['with a repeated list', 'X-A: 1\r\nX-A: 2\r\n'],
  ['with an underscore', 'X_A: 1\r\nX-B: 2\r\n'],
  ['that ask for another protocol', 'Connection: upgrade\r\nUpgrade: x\r\n'],
] as const;

const OPTIONS: readonly (readonly [string, ServerOptions])[] = [
  ['no option', {}],
  ['pairs', { environ: { 'x.pair': 1, SERVER_NAME: 'other', REMOTE_ADDR: undefined } }],
  ['a function', { environ: (environ) => ({ 'x.keys': Object.keys(environ).join() }) }],
  ['underscores allowed', { underscoreHeaders: 'allow' }],
];

it.each(
  FIELDS.flatMap(([fields, lines]) =>
    OPTIONS.map(([option, options]) => [fields, option, lines, options] as const),
  ),
)('repeats the environ of fields %s, with %s', async (_fields, _option, lines, options) => {
  const { server, seen } = await start(options);
  await send(
    server,
    Array.from({ length: REPEATS }, () => get(lines)),
  );
  expect(seen).toHaveLength(REPEATS);
  expect(seen.slice(1)).toEqual(Array.from({ length: REPEATS - 1 }, () => seen[0]));
});

it('heeds all that may differ beside the fields', async () => {
  const others = [
    get('X: 1\r\n', '/%41%zz'),
    get('X: 1\r\n', '/?'),
    get('X: 1\r\n', '/a?b?c'),
    get('X: 1\r\n', 'http://b:81/c?d'),
    get('X: 1\r\n', 'http://b'),
    get('X: 1\r\n').replace('GET', 'DELETE'),
    get('X: 1\r\n').replace('GET', 'HEAD'),
    get('X: 1\r\n').replace('HTTP/1.1', 'HTTP/1.0').replace('X: 1', 'Connection: keep-alive'),
    get('X: 1\r\n', '*').replace('GET', 'OPTIONS'),
  ];
  const { server, seen } = await start();
  const usual = get('X: 1\r\n');
  for (const other of others) {
    seen.length = 0;
    await send(server, [other]);
    await send(server, [...Array.from({ length: REPEATS }, () => usual), other, usual]);
    expect(seen.at(-2)).toEqual(seen[0]);
    expect(seen.at(-1)).toEqual(seen[1]);
  }
});

it('gives each request its own content', async () => {
  const { server, seen } = await start();
  const post = (content: string) => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n${content}`;
  const contents = Array.from({ length: REPEATS }, (_, index) => String(index + 10));
  await send(server, contents.map(post));
  expect(seen.map(({ content }) => content)).toEqual(contents);
});

it('notices other fields after many repeats', async () => {
  const { server, seen } = await start();
  const usual = get('X: 1\r\nZ: 3\r\n');
  const other = get('X: 1\r\nY: 2\r\nZ: 4\r\n');
  await send(server, [other]);
  await send(server, [...Array.from({ length: REPEATS }, () => usual), other]);
  expect(seen.at(-1)).toEqual(seen[0]);
});

it('is the same for subscribers of the channels', async () => {
  const keys: string[] = [];
  const listener = (message: unknown) => {
    keys.push(Object.keys((message as { environ: Environ }).environ).join());
  };
  subscribe('gatebridge.request.start', listener);
  try {
    const { server } = await start();
    await send(
      server,
      Array.from({ length: REPEATS }, () => get('X: 1\r\n')),
    );
    expect(keys).toEqual(Array.from({ length: REPEATS }, () => keys[0]));
  } finally {
    unsubscribe('gatebridge.request.start', listener);
  }
});
