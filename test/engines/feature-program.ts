/**
 * Uses what hosts and bridges offer beyond an exchange, in the runtime that executes this file, and prints a line of JSON for each: its
 * name and what came of it. `features.test.ts` says what must come.
 *
 *     bun test/engines/feature-program.ts
 *
 * Descriptor 3 is a listening socket.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, connect, type NetConnectOpts } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fromCgi } from '../../bridges/cgi/index.ts';
import { fromFastCgi, serveFastCgi } from '../../bridges/fastcgi/index.ts';
import { toNode } from '../../bridges/node/index.ts';
import { fromPython } from '../../bridges/python/index.ts';
import type { ApplicationFunction } from '../../src/index.ts';
import { createServer, type Server, serve } from '../../src/server/index.ts';
import { APPS, PYTHON } from '../bridges/python/places.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatebridge-engines-'));

const ok = (text: string): ReturnType<ApplicationFunction> => [Buffer.from(text)];

const hello: ApplicationFunction = (_environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return ok('Hello');
};

/** What a raw request gets back. */
async function ask(
  place: NetConnectOpts,
  request: string,
  { isHalf = false }: { readonly isHalf?: boolean } = {},
): Promise<string> {
  const socket = connect({ ...place, allowHalfOpen: true });
  let received = '';
  socket.on('data', (octets) => {
    received += octets.toString('latin1');
  });
  socket.on('error', () => {});
  await once(socket, 'connect');
  if (isHalf) socket.end(request);
  else socket.write(request);
  const [head, ...rest] = request.split('\r\n\r\n');
  // A client that expects 100 sends its content behind it.
  if (head?.includes('Expect:') && rest.join('') === '') {
    for (let count = 0; count < 100 && !received.includes('100 Continue'); count += 1) await delay(20);
    socket.write('abc');
  }
  for (let count = 0; count < 150 && !/ 200 OK.*\r\n\r\n.*(?:end|Hello|\})/s.test(received); count += 1)
    await delay(20);
  // The trailers.
  await delay(50);
  socket.destroy();
  return received;
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n';

/** Runs one application on the standalone server and behind toNode. */
async function onBoth(application: ApplicationFunction, request: string, isHalf = false): Promise<string[]> {
  const own = await serve(application, { port: 0 });
  const behind = createHttpServer(toNode(application)).listen(0, '127.0.0.1');
  await once(behind, 'listening');
  const answers: string[] = [];
  for (const server of [own, behind]) {
    // Both listen on TCP.
    const { port } = server.address() as AddressInfo;
    answers.push(await ask({ port, host: '127.0.0.1' }, request, { isHalf }));
    server.close();
    server.closeAllConnections();
  }
  return answers;
}

async function on(server: Server, request: string = GET): Promise<string> {
  const address = server.address();
  // It listens on TCP or on a unix socket.
  const place = typeof address === 'string' ? { path: address } : { port: (address as AddressInfo).port };
  const answer = await ask(place, request);
  await server.shutdown({ timeout: 100 });
  return answer;
}

const FEATURES: Readonly<Record<string, () => Promise<unknown>>> = {
  'early hints': () =>
    onBoth((environ, startResponse) => {
      environ['gateway.early_hints']?.([['Link', '</a>; rel=preload']]);
      startResponse('200 OK', []);
      return ok('end');
    }, GET),
  'interim responses': () =>
    onBoth((environ, startResponse) => {
      environ['gateway.informational']?.(102, [['X-Step', '1']]);
      startResponse('200 OK', []);
      return ok('end');
    }, GET),
  'trailers of responses': () =>
    onBoth(async function* (environ, startResponse) {
      startResponse('200 OK', []);
      yield Buffer.from('begin');
      environ['gateway.send_trailers']?.([['X-End', 'yes']]);
      yield Buffer.from('end');
      await delay(10);
    }, GET),
  'trailers of requests': () =>
    onBoth(async (environ, startResponse) => {
      await environ['wsgi.input'].read();
      const trailers = await environ['gateway.trailers']?.();
      startResponse('200 OK', []);
      return [Buffer.from(JSON.stringify({ trailers }))];
    }, 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-End: yes\r\n\r\n'),
  '100 (Continue)': () =>
    onBoth(async (environ, startResponse) => {
      const content = await environ['wsgi.input'].read();
      startResponse('200 OK', []);
      return ok(`${content} end`);
    }, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n'),
  'half-closed client': async () => {
    const late: ApplicationFunction = async (_environ, startResponse) => {
      await delay(50);
      startResponse('200 OK', []);
      return ok('end');
    };
    const server = await serve(late, { port: 0 });
    const { port } = server.address() as AddressInfo; // TCP
    const answer = await ask({ port, host: '127.0.0.1' }, GET, { isHalf: true });
    await server.shutdown({ timeout: 100 });
    return answer;
  },
  'event upgrade': async () => {
    const server = await serve(hello, { port: 0 });
    server.on('upgrade', (_request, socket) => {
      socket.end(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n 200 OK\r\n\r\nend',
      );
    });
    return on(server, 'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
  },
  proxyProtocol: async () => {
    const who: ApplicationFunction = (environ, startResponse) => {
      startResponse('200 OK', []);
      return ok(`${environ.REMOTE_ADDR} end`);
    };
    const server = await serve(who, { port: 0, proxyProtocol: ['loopback'] });
    return on(server, `PROXY TCP4 192.0.2.9 192.0.2.1 1 2\r\n${GET}`);
  },
  'unix socket': async () => on(await serve(hello, { path: join(folder, 'unix.sock') })),
  'tls with a shared key': async () => {
    const server = createServer(hello, { tls: { pskCallback: () => Buffer.from('key') } });
    try {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return 'listens';
    } finally {
      server.close();
    }
  },
  'HTTP/2 behind toNode': async () => {
    // Its messages have the same methods with other types.
    const listener = toNode(hello) as unknown as Parameters<typeof createHttp2Server>[1];
    const server = createHttp2Server({}, listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo; // TCP
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const stream = session.request({ ':path': '/' });
    let text = '';
    stream.on('data', (octets) => {
      text += octets;
    });
    await once(stream, 'end');
    session.destroy();
    server.close();
    return text;
  },
  'serveFastCgi and fromFastCgi': async () => {
    const responder = await serveFastCgi(hello, { port: 0 });
    const { port } = responder.address() as AddressInfo; // TCP
    const client = fromFastCgi({ port });
    const answer = await on(await serve(client, { port: 0 }));
    await client.close();
    await responder.close();
    return answer;
  },
  fromCgi: async () => {
    const script = 'printf "Content-Type: a/b\\n\\n$PATH_INFO "; cat; printf " end"';
    const request = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc';
    return on(await serve(fromCgi(['/bin/sh', '-c', script]), { port: 0 }), request);
  },
  runCgi: async () => {
    const program = join(import.meta.dirname, '../bridges/cgi/environ-program.ts');
    const variables = { REQUEST_METHOD: 'GET', SCRIPT_NAME: '', PATH_INFO: '/x', SERVER_NAME: 'a' };
    const words = [...(process.env.ENGINE_RUN ?? '').split(' ').filter(Boolean), program, 'pairs'];
    const child = spawn(process.execPath, words, { env: { ...process.env, ...variables } });
    let output = '';
    child.stdout.on('data', (octets) => {
      output += octets;
    });
    const [code] = await once(child, 'close');
    return `${output} code ${code}`;
  },
  fromPython: async () => {
    const application = fromPython({ application: 'probe:environ', folder: APPS, python: PYTHON });
    await application.ready();
    const answer = await on(await serve(application, { port: 0 }));
    await application.close();
    return answer;
  },
  fd: async () => on(await serve(hello, { fd: 3 })),
};

process.on('uncaughtException', () => {});
process.on('unhandledRejection', () => {});

const LIMIT = 15_000;

for (const [name, trial] of Object.entries(FEATURES)) {
  const late = delay(LIMIT, undefined, { ref: false }).then(() => 'nothing came');
  const outcome = await Promise.race([trial(), late]).catch((error: unknown) => `threw ${error}`);
  console.log(JSON.stringify({ name, outcome: [outcome].flat() }));
}
rmSync(folder, { recursive: true, force: true });
process.exit(0);
