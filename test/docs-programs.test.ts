/**
 * The programs of the pages run, and answer as their pages say. Blocks that hold themselves run in docs.test.ts.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { io } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { fromFastCgi, serveFastCgi } from '../bridges/fastcgi/index.ts';
import { createClient } from '../src/testing/index.ts';
import { BLOCKS, BlockProject, holdsItself } from './support/doc-blocks.ts';

const ANY_PORT = join(import.meta.dirname, 'support/any-port.mjs');
const TLS = join(import.meta.dirname, 'support/tls');

/** Text before a block whose application is only declared, and text after one that serves nothing itself. */
interface Surroundings {
  readonly before?: string;
  readonly after?: string;
  /** Servers that it starts. */
  readonly servers?: number;
  /** Texts of the block that name what only its user has, and what the test has instead. */
  readonly replace?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

interface Exchange {
  readonly ask: string;
  /** Which of its servers, from 0. */
  readonly server?: number;
  readonly init?: RequestInit;
  readonly answer: string;
}

type Row = readonly [block: string, exchanges: readonly Exchange[], surroundings?: Surroundings];

const get = (ask: string, answer: string, server = 0): Exchange => ({ ask, answer, server });
const post = (ask: string, body: string | URLSearchParams, answer: string): Exchange => {
  const headers = typeof body === 'string' ? { 'Content-Type': 'application/json' } : {};
  return { ask, answer, init: { method: 'POST', body, headers } };
};
/** Serves what a block exports. */
const served = (expression: string): Surroundings => ({
  after: `await (await import('gatebridge/server')).serve(${expression}, { port: 0 });`,
});
const SHOP = `globalThis.application = globalThis.shop = (environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [Buffer.from(\`\${environ.SCRIPT_NAME} and \${environ.PATH_INFO}\`)];
};`;
const FROM_EXPRESS = "(await import('gatebridge/express')).fromExpress(app)";

/** Programs that serve HTTP. */
const SERVING: readonly Row[] = [
  [
    'README.md/mount.ts',
    [
      get('/hello', 'Hello from /hello'),
      get('/site/hello', 'Hello from /site/hello'),
      get('/site/api/', '{"from":"fastify"}'),
    ],
  ],
  ['docs/environ.md/block-1.ts', [get('/caf%C3%A9', 'You asked for /café')], served('application')],
  [
    'docs/environ.md/block-4.ts',
    [post('/', new URLSearchParams({ name: 'Ada' }), 'Hello Ada')],
    served('application'),
  ],
  [
    'docs/environ.md/with-user.ts',
    [{ ask: '/', init: { headers: { 'X-User': 'Ada' } }, answer: 'Hello Ada' }, get('/', 'Hello nobody')],
    served('withUser(hello)'),
  ],
  [
    'docs/errors.md/block-1.ts',
    [
      post('/', '{"tea":1}', 'Thank you for {"tea":1}'),
      post('/', JSON.stringify('x'.repeat(10_000)), 'One order at a time, please'),
    ],
    served('application'),
  ],
  [
    'docs/express.md/block-1.ts',
    [get('/shop/books', '/shop and /books'), get('/acme/shop/books', '/acme/shop and /books')],
  ],
  ['docs/express.md/block-2.ts', [post('/echo', '{"a":[1]}', '{"a":[1]}')]],
  ['docs/fastify.md/block-1.ts', [get('/shop/books', '/shop and /books')]],
  ['docs/fastify.md/block-2.ts', [get('/orders/7', '{"order":{"id":"7"}}')]],
  ['docs/fastify.md/block-3.ts', [get('/', '{"hello":"world"}')]],
  [
    'docs/fetch.md/block-3.ts',
    [
      post('/here', '"tea"', '{"pathname":"/here","sent":"\\"tea\\""}'),
      { ...post('/api/here', '"tea"', '{"pathname":"/here","sent":"\\"tea\\""}'), server: 1 },
    ],
    { servers: 2 },
  ],
  ['docs/fetch.md/block-4.ts', [get('/', 'Welcome to the lamp shop')]],
  ['docs/fetch.md/block-5.ts', [get('/', 'Hello')], served('application')],
  [
    'docs/getting-started.md/block-4.ts',
    [get('/hello', 'Hello from /hello'), get('/hello', 'Hello from /hello', 1)],
    { servers: 2 },
  ],
  ['docs/getting-started.md/block-5.ts', [get('/', 'Hello'), get('/orders', '{"orders":[]}')]],
  ['docs/migrating.md/app.ts', [get('/', 'Hello')], served(FROM_EXPRESS)],
  ['docs/node.md/block-1.ts', [get('/a/b', '/a/b')]],
  ['docs/node.md/block-2.ts', [get('/a?b', 'You asked for /a?b')]],
  ['docs/server.md/block-1.ts', [get('/', ''), get('/', '', 1)], { servers: 2 }],
  ['docs/server.md/block-5.ts', [get('/', 'Hello 127.0.0.1, by way of undefined')]],
  ['docs/start-response.md/block-1.ts', [get('/', '0\n1\n2\n')], served('clock')],
  ...['first', 'second', 'third', 'bound'].map(
    (name): Row => ['docs/start-response.md/block-2.ts', [get('/x', '/x')], served(name)],
  ),
  [
    'docs/troubleshooting.md/block-2.ts',
    [get('/x', ' and /x')],
    { before: SHOP, after: 'await start(application);', env: { HOST: '127.0.0.1', PORT: '8124' } },
  ],
  [
    'docs/validate.md/block-2.ts',
    [get('/x', ' and /x')],
    { before: SHOP, after: 'await start(application);' },
  ],
  [
    'docs/environ.md/block-2.ts',
    [get('/old/x', '/old and /x')],
    {
      before: SHOP,
      replace: { "express().use('/old'": "const app = express().use('/old'" },
      after: 'app.listen(0);',
    },
  ],
];

/** Programs that serve WebSockets: where, and what a client is told first. */
const SOCKETS: readonly (readonly [block: string, path: string, says: string, sends?: string])[] = [
  ['docs/fastify.md/block-4.ts', '/chat/echo', 'again', 'again'],
  ['docs/server.md/block-2.ts', '/', 'Hello'],
  ['docs/websockets.md/block-2.ts', '/chat/room', 'hello'],
  ['docs/websockets.md/block-5.ts', '/live', 'Hello'],
];

const SOCKET_IO: readonly (readonly [block: string, path: string])[] = [
  ['docs/websockets.md/block-1.ts', '/chat/socket.io'],
  ['docs/websockets.md/block-3.ts', '/site/socket.io'],
];

const INVOKE = (event: object): Surroundings => ({
  after: `console.log((await handler(${JSON.stringify(event)}, {})).body);`,
});
const EVENT = { requestContext: { elb: {} }, httpMethod: 'GET', path: '/items/7', headers: {} };

/** Programs that end, with what they print. */
const PRINTING: readonly (readonly [block: string, output: string, surroundings: Surroundings])[] = [
  [
    'docs/cgi.md/block-1.ts',
    'Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 15\r\n\r\nHello 192.0.2.1',
    { env: { REQUEST_METHOD: 'GET', SERVER_PROTOCOL: 'HTTP/1.1', REMOTE_ADDR: '192.0.2.1' } },
  ],
  ['docs/fetch.md/block-1.ts', 'Hello from /there\n', { after: 'console.log(await response.text());' }],
  [
    'docs/fetch.md/block-2.ts',
    '/shop and /tea\n',
    { before: SHOP, after: "console.log(await (await app.request('http://a/shop/tea')).text());" },
  ],
  [
    'docs/start-response.md/no-store.ts',
    '["200 OK",[["Cache-Control","no-store"]],null]\n',
    {
      after: `noStore((_environ, startResponse) => { startResponse('200 OK', []); return []; })({}, (...call) =>
        console.log(JSON.stringify(call)));`,
    },
  ],
  ['docs/lambda.md/block-2.ts', '/items/7\n', INVOKE(EVENT)],
  [
    'docs/lambda.md/block-3.ts',
    'ada\n',
    INVOKE({ path: '/', httpMethod: 'GET', requestContext: { authorizer: { principalId: 'ada' } } }),
  ],
  ['docs/migrating.md/block-2.ts', '{"id":"7"}\n', INVOKE(EVENT)],
  [
    'docs/lambda.md/handler.ts',
    'Hello 192.0.2.1\n',
    INVOKE({ ...EVENT, path: '/', headers: { 'x-forwarded-for': '192.0.2.1' } }),
  ],
];

const HELD: readonly string[] = [
  ...['cgi.md/block-2.ts', 'fastcgi.md/block-1.ts', 'fastcgi.md/block-3.ts', 'http2.md/block-1.ts'],
  'websockets.md/block-4.ts',
].map((name) => `docs/${name}`);

/** Blocks that do not run here, and why. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'README.md/hello.ts': 'run.ts imports it',
  'README.md/run.ts': 'docs.test.ts',
  'README.md/wrap.ts': 'docs.test.ts',
  'docs/getting-started.md/hello.ts': 'run.ts imports it',
  'docs/getting-started.md/run.ts': 'docs.test.ts',
  'docs/getting-started.md/develop.ts': 'docs.test.ts',
  'docs/hosts.md/host.ts': 'docs-hosts.test.ts holds it against the audits',
  'docs/conformance.md/block-1.ts': 'test/conformance/assert-conforms.test.ts calls it on a host',
  'docs/cli.md/app.ts': 'the command serves such modules in test/cli',
  'docs/cli.md/sockets.ts': 'the command serves such modules in test/cli',
  'docs/cli.md/block-3.ts': 'the command reads such files in test/cli',
  'docs/environ.md/read-fields.ts': 'no page shows a request for it; recipes.md has the whole program',
  'docs/errors.md/errors-to-file.ts': 'it writes a file that the user names',
  'docs/fastcgi.md/block-2.ts': 'it needs five applications of Debian; test/peers runs them',
  'docs/fastcgi.md/block-4.ts': 'it needs an inherited socket; inherited-socket.test.ts has one',
  'docs/lambda.md/block-4.ts': 'it needs the streams of the platform; stream-sink.test.ts has them',
  'docs/python.md/block-1.ts': 'it needs a virtual environment; test/bridges/python has one',
  'docs/troubleshooting.md/block-1.ts': 'types alone',
};

let project: BlockProject;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  project = await BlockProject.compile();
}, 60_000);

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});

afterAll(() => {
  project.remove();
});

describe('programs that serve', () => {
  it.each(SERVING.map((row) => ({ block: row[0], row })))(
    '$block',
    async ({ row: [block, exchanges, surroundings] }) => {
      const { urls } = await serve(block, surroundings);
      for (const { ask, init, answer, server = 0 } of exchanges) {
        const response = await fetch(`${urls[server]}${ask}`, init);
        expect(await response.text(), ask).toBe(answer);
      }
    },
  );
});

describe('programs that serve WebSockets', () => {
  it.each(SOCKETS.map((row) => ({ block: row[0], row })))(
    '$block',
    async ({ row: [block, path, says, sends] }) => {
      const { urls } = await serve(block);
      const socket = new WebSocket(`${urls[0]?.replace('http', 'ws')}${path}`);
      const first = once(socket, 'message');
      await once(socket, 'open');
      if (sends !== undefined) socket.send(sends);
      expect(String((await first)[0])).toBe(says);
      socket.terminate();
    },
  );

  it.each(SOCKET_IO)('%s at %s', async (block, path) => {
    const { urls } = await serve(block);
    const client = io(urls[0] ?? '', { path, transports: ['websocket'] });
    await new Promise((resolve) => client.once('hello', resolve));
    client.close();
  });

  it('docs/websockets.md/block-4.ts', async () => {
    const { urls } = await serve('docs/websockets.md/block-4.ts', served('shout'));
    expect(await (await fetch(urls[0] ?? '')).text()).toBe('Here is only shouting');
    const socket = connect(Number(new URL(urls[0] ?? '').port), '127.0.0.1');
    socket.end('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\nhello');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 101 [\s\S]*\r\n\r\nHELLO$/);
  });
});

describe('programs that end', () => {
  it.each(PRINTING)('%s', async (block, output, surroundings) => {
    const child = start(block, surroundings);
    if (child.stdout === null) throw new Error('The program has no output');
    expect(await text(child.stdout)).toBe(output);
  });
});

describe('programs beside others', () => {
  it('docs/cgi.md/block-2.ts', async () => {
    const program = join(project.folder, 'counter.sh');
    writeFileSync(program, '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n$SCRIPT_NAME$PATH_INFO"\n');
    chmodSync(program, 0o755);
    const { urls } = await serve('docs/cgi.md/block-2.ts', {
      replace: { '/srv/cgi-bin/counter.pl': program, '/usr/lib/git-core/git-http-backend': program },
    });
    expect(await (await fetch(`${urls[0]}/counter/one`)).text()).toBe('/counter/one');
    expect(await (await fetch(`${urls[0]}/git/project.git`)).text()).toBe('/git/project.git');
  });

  it('docs/fastcgi.md/block-1.ts', async () => {
    const path = join(project.folder, 'php.sock');
    const root = join(project.folder, 'blog');
    mkdirSync(root);
    writeFileSync(join(root, 'index.php'), '');
    writeFileSync(join(root, 'style.css'), 'a {}');
    const responder = await serveFastCgi(
      (environ, startResponse) => {
        startResponse('200 OK', [['Content-Type', 'text/plain']]);
        return [`${environ.SCRIPT_FILENAME} ${environ.REQUEST_URI}`];
      },
      { path },
    );
    const { urls } = await serve('docs/fastcgi.md/block-1.ts', {
      replace: { '/srv/blog/public': root, '/run/php/php8.2-fpm.sock': path },
    });
    expect(await (await fetch(`${urls[0]}/blog/news`)).text()).toBe(`${root}/index.php /blog/news`);
    expect(await (await fetch(`${urls[0]}/blog/style.css`)).text()).toBe('a {}');
    await responder.close();
  });

  it('docs/fastcgi.md/block-3.ts', async () => {
    const path = join(project.folder, 'app.sock');
    const { child } = await serve('docs/fastcgi.md/block-3.ts', { replace: { '/run/app/app.sock': path } });
    const response = await createClient(fromFastCgi({ path })).get('/', {
      environ: { REMOTE_ADDR: '192.0.2.1' },
    });
    expect(await response.text()).toBe('Hello 192.0.2.1');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('docs/http2.md/block-1.ts', async () => {
    for (const name of ['key.pem', 'cert.pem']) copyFileSync(join(TLS, name), join(project.folder, name));
    const { urls } = await serve('docs/http2.md/block-1.ts', { before: SHOP });
    const session = connectHttp2(urls[0]?.replace('http', 'https') ?? '', { rejectUnauthorized: false });
    expect(await text(session.request({ ':path': '/tea' }))).toBe(' and /tea');
    session.close();
  });
});

describe('every block', () => {
  const named = [SERVING, SOCKETS, SOCKET_IO, PRINTING].flatMap((table) => table.map(([block]) => block));
  const known = new Set([...named, ...HELD, ...Object.keys(ELSEWHERE)]);
  const blocks = new Set(BLOCKS.filter((block) => !holdsItself(block)).map(({ path }) => path));

  it('holds itself, is run here, or is in the list of those that are not', () => {
    expect([...blocks].filter((path) => !known.has(path))).toEqual([]);
  });

  it('that is named is there', () => {
    expect([...known].filter((path) => !blocks.has(path))).toEqual([]);
  });
});

/** Runs a block, and waits until its servers listen. */
async function serve(block: string, surroundings: Surroundings = {}) {
  const child = start(block, surroundings);
  const urls: string[] = [];
  while (urls.length < (surroundings.servers ?? 1)) {
    const [message] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
    if (typeof message !== 'object') throw new Error(`${block} ended with ${message}`);
    urls.push(`http://127.0.0.1:${message?.address.port}`);
  }
  return { child, urls };
}

function start(
  block: string,
  { before = '', after = '', replace = {}, env = {} }: Surroundings,
): ChildProcess {
  const source = project.compiledText(block);
  let program = `${before}\n${source}\n${after}\n`;
  for (const [from, to] of Object.entries(replace)) {
    if (!program.includes(from)) throw new Error(`${block} does not say ${from}`);
    program = program.replaceAll(from, to);
  }
  const path = join(dirname(project.compiledPath(block)), `run-${children.size}-${Date.now()}.js`);
  writeFileSync(path, program);
  const child = spawn(process.execPath, ['--import', ANY_PORT, path], {
    cwd: project.folder,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  children.add(child);
  return child;
}
