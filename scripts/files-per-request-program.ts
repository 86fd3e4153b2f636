/**
 * The child process of files-per-request.ts: `node files-per-request-program.js PATH CONNECTION`. It makes requests
 * on that path and sends its parent the files of gatebridge that run for each request, and the loaded files.
 *
 * The parent puts this program, compiled, beside the compiled package, so that node resolves `gatebridge/…` by the
 * `exports` of package.json. Each path imports only the entries that it needs.
 */
import { once } from 'node:events';
import { Agent, createServer, get, type IncomingMessage } from 'node:http';
import type { Profiler } from 'node:inspector';
import { Session } from 'node:inspector/promises';
import type { AddressInfo, Server } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { ApplicationFunction } from 'gatebridge';
import type { FilesFound, PathName } from './files-per-request.ts';

const PACKAGE = new URL('dist/', import.meta.url).href;
const HOST = '127.0.0.1';
const TEXT = 'Hello, world!';
/** Requests before the first measured one. */
const WARM_UP = 5;
/** Measured requests. A file counts only if it runs for each; a timer of the server runs only during some. */
const MEASURED = 10;
/** Milliseconds to wait after a response for work that follows it. */
const AFTERMATH = 20;

const hello: ApplicationFunction = (_environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [Buffer.from(TEXT)];
};

/** Starts a server and gives its port. runCgi has no server. */
const STARTS: Readonly<Record<Exclude<PathName, 'runCgi'>, () => Promise<number>>> = {
  async 'standalone server'() {
    const { serve } = await import('gatebridge/server');
    return portOf(await serve(hello, { port: 0 }));
  },
  async toNode() {
    const { toNode } = await import('gatebridge/node');
    return listen(createServer(toNode(hello)));
  },
  async toExpress() {
    const { default: express } = await import('express');
    const { toExpress } = await import('gatebridge/express');
    return listen(createServer(express().use(toExpress(hello))));
  },
  async toFastify() {
    const { fastify } = await import('fastify');
    const { toFastify } = await import('gatebridge/fastify');
    const instance = fastify();
    await instance.register(toFastify(hello));
    await instance.listen({ port: 0, host: HOST });
    return portOf(instance.server);
  },
  async fromNode() {
    const { fromNode } = await import('gatebridge/node');
    const { serve } = await import('gatebridge/server');
    const application = fromNode((_req, res) => res.end(TEXT));
    return portOf(await serve(application, { port: 0 }));
  },
  async fromExpress() {
    const { default: express } = await import('express');
    const { fromExpress } = await import('gatebridge/express');
    const { serve } = await import('gatebridge/server');
    const app = express();
    app.get('/*path', (_req, res) => {
      res.send(TEXT);
    });
    return portOf(await serve(fromExpress(app), { port: 0 }));
  },
  async fromFastify() {
    const { fastify } = await import('fastify');
    const { fromFastify } = await import('gatebridge/fastify');
    const { serve } = await import('gatebridge/server');
    const instance = fastify();
    instance.get('/*', (_request, reply) => {
      reply.send(TEXT);
    });
    return portOf(await serve(fromFastify(instance), { port: 0 }));
  },
};

const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

// The parent passes a name of its list.
const [name, isConnectionCounted] = process.argv.slice(2) as [PathName, string];
const found = await (name === 'runCgi' ? measureCgi() : measureServer(STARTS[name]));
process.send?.(found, () => process.exit());

async function measureServer(start: () => Promise<number>): Promise<FilesFound> {
  const origin = `http://${HOST}:${await start()}`;
  const agent = new Agent({ keepAlive: true });
  const takes: Profiler.ScriptCoverage[][] = [];
  for (let count = 0; count < WARM_UP + MEASURED; count += 1) {
    if (count >= WARM_UP) takes.push(await takeCoverage());
    await request(`${origin}/${count}`, agent);
    if (isConnectionCounted === 'true') agent.destroy();
    await setTimeout(AFTERMATH);
  }
  return findFiles([...takes, await takeCoverage()]);
}

async function measureCgi(): Promise<FilesFound> {
  const { runCgi } = await import('gatebridge/cgi');
  const before = await takeCoverage();
  await runCgi(hello);
  return findFiles([before, await takeCoverage()]);
}

async function request(url: string, agent: Agent): Promise<void> {
  // 'response' has this argument.
  const [response] = (await once(get(url, { agent }), 'response')) as [IncomingMessage];
  const text = (await response.setEncoding('utf8').toArray()).join('');
  const { statusCode } = response;
  if (statusCode !== 200 || text !== TEXT) throw new Error(`Answer is ${statusCode} ${text}`);
}

/** Gives V8's call counts for gatebridge since the last call. The first call gives every loaded module. */
async function takeCoverage(): Promise<Profiler.ScriptCoverage[]> {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  return result.filter(({ url }) => url.startsWith(PACKAGE));
}

/** Finds the files in the takes: one from before the requests, then one for each request. */
function findFiles(takes: readonly Profiler.ScriptCoverage[][]): FilesFound {
  const requests = takes.slice(1).map((take) => new Set(take.filter(hasCall).map(sourceOf)));
  const loaded = [...new Set(takes.flat().map(sourceOf))];
  return { loaded, run: loaded.filter((path) => requests.every((files) => files.has(path))) };
}

/** Tells if a function was called. The top level of the module, without a name and at offset 0, does not count. */
function hasCall({ functions }: Profiler.ScriptCoverage): boolean {
  return functions.some(({ functionName, ranges: [whole] }) => {
    return whole !== undefined && whole.count > 0 && (functionName !== '' || whole.startOffset > 0);
  });
}

function sourceOf({ url }: Profiler.ScriptCoverage): string {
  return url.slice(PACKAGE.length).replace(/\.js$/, '.ts');
}

async function listen(server: Server): Promise<number> {
  await once(server.listen(0, HOST), 'listening');
  return portOf(server);
}

function portOf(server: { address(): AddressInfo | string | null }): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Server listens on no port');
  return address.port;
}
