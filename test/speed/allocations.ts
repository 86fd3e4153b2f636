/**
 * Measures how many octets a request allocates: a measure of speed that does not depend on other programs.
 *
 * The cost of the collector grows with allocations, and an extra promise, closure or stream per request shows here at
 * once. The young generation is so large that nothing is collected during a batch: heap growth is allocation.
 *
 * The sources are compiled as they are published. A loader that compiles at run time names every closure when it is
 * made, which may cost more than the closure.
 */
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
/** Below node_modules, so that the compiled program finds the frameworks. */
const CACHE = join(ROOT, 'node_modules/.cache');
/**
 * Large enough for a batch. At 128 MB, Node 22 (V8 12.4) sometimes miscompiles Express's `app.get(setting)`, so that
 * a request ends in 500; not with --no-turbo-escape, and not at usual sizes.
 */
const FLAGS = ['--expose-gc', '--max-semi-space-size=32', '--min-semi-space-size=32'];

const CONNECTIONS = 8;
/** Requests until hot code is optimised. */
const WARM_UP = 12_000;
const BATCHES = 7;
const BATCH = 500;

const HOST = 'Host: 127.0.0.1\r\n';
const HELLO = `GET / HTTP/1.1\r\n${HOST}\r\n`;
const JSON_CONTENT = JSON.stringify({ text: 'gatebridge '.repeat(92) });
const BROWSER = [
  ...['GET / HTTP/1.1', 'Host: 127.0.0.1', 'Connection: keep-alive', 'Upgrade-Insecure-Requests: 1'],
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  ...['Sec-Fetch-Site: none', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-User: ?1', 'Sec-Fetch-Dest: document'],
  ...['Accept-Encoding: gzip, deflate, br', 'Accept-Language: en-GB,en;q=0.9', 'Cookie: session=5f2c9a7b'],
];

/** Placeholder for a number of as many digits, which differs in each request. */
const NUMBER = '000000';

/** The request of each work. */
export const REQUESTS = {
  hello: HELLO,
  browser: `${BROWSER.join('\r\n')}\r\n\r\n`,
  // A head that differs from the one before must be parsed.
  varied: `${BROWSER.join('\r\n').replace('/', `/articles/${NUMBER}`)}\r\n\r\n`,
  post: `POST / HTTP/1.1\r\n${HOST}Content-Length: ${JSON_CONTENT.length}\r\n\r\n${JSON_CONTENT}`,
  express: HELLO,
  fastify: HELLO,
  mounted: HELLO,
} as const;

export type WorkName = keyof typeof REQUESTS;

/** Compiles the program; returns its path and a function that removes it. */
export function compileProgram(): { readonly path: string; remove(): void } {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'gatebridge-speed-'));
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const args = [compiler, '-p', import.meta.dirname, '--outDir', folder];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`Sources do not compile\n${stdout}`);
  return {
    path: join(folder, 'test/speed/allocation-program.js'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Measures the octets that one request allocates in the server: the median of several batches. */
export async function measureAllocations(path: string, work: WorkName): Promise<number> {
  const child = fork(path, [work], { execArgv: FLAGS });
  const sockets: Socket[] = [];
  try {
    const { port } = (await answerOf(child)) as { port: number };
    for (let count = 0; count < CONNECTIONS; count += 1) sockets.push(await open(port));
    const request = REQUESTS[work];
    await makeRequests(sockets, request, WARM_UP);
    const found: number[] = [];
    for (let batch = 0; batch < BATCHES; batch += 1) {
      const before = await ask(child, 'collect');
      await makeRequests(sockets, request, BATCH);
      found.push(((await ask(child, 'count')) - before) / BATCH);
    }
    return Math.round(found.sort((a, b) => a - b)[Math.floor(BATCHES / 2)] ?? Number.NaN);
  } finally {
    for (const socket of sockets) socket.destroy();
    child.kill();
  }
}

/** Keeps one request under way on each connection, as the benchmark's load does. */
async function makeRequests(sockets: readonly Socket[], request: string, count: number): Promise<void> {
  let left = count;
  const work = async (socket: Socket): Promise<void> => {
    while (left > 0) {
      left -= 1;
      socket.write(request.replace(NUMBER, String(left).padStart(NUMBER.length, '0')), 'latin1');
      // An answer this small arrives in one piece: it was written as one.
      const [answer] = await once(socket, 'data');
      if (!String(answer).startsWith('HTTP/1.1 200 ')) throw new Error(`Answer is ${answer}`);
    }
  };
  await Promise.all(sockets.map(work));
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.setNoDelay(true);
  await once(socket, 'connect');
  return socket;
}

async function ask(child: ChildProcess, question: 'collect' | 'count'): Promise<number> {
  child.send(question);
  return Number(await answerOf(child));
}

function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`Program has ended with ${code}`));
    child.once('exit', onExit);
    child.once('message', (answer) => {
      child.off('exit', onExit);
      resolve(answer);
    });
  });
}
