/**
 * The load: as many requests as the server can take, over connections that are kept.
 *
 * wrk makes it where it is installed; autocannon, which costs ten times as much itself, elsewhere. Either counts what
 * was answered, and anything but an answer that is right fails the run.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programPath } from './installation.ts';
import { pinned, schedulingDelay } from './processors.ts';
import { track } from './server-process.ts';
import { DIGITS, NUMBER, type RequestTemplate, type Work } from './work.ts';

const CONNECTIONS = 64;
const STREAMS = 4;
/** How many targets there are where each request has another; too many for anything to remember them. */
const TARGETS = 4096;

/** What has been done for how long. */
export interface Served {
  /** Requests, or MiB of streamed content. */
  readonly count: number;
  /** The same for each second of the wall clock. */
  readonly rate: number;
}

/** Milliseconds. */
const WATCH_INTERVAL = 50;

/** Milliseconds that all loads until now were ready to run and did not, because others had their processor. */
let waited = 0;
let isWrkFound: boolean | undefined;
let scratch: string | undefined;
const AUTOCANNON = join(import.meta.dirname, 'node_modules/autocannon/autocannon.js');

/** What makes the load, for those who read the figures. */
export function describeLoad(): string {
  return `${hasWrk() ? 'wrk' : 'autocannon'} with ${CONNECTIONS} connections`;
}

function hasWrk(): boolean {
  isWrkFound ??= spawnSync('wrk', ['-v']).error === undefined;
  return isWrkFound;
}

/** How long all loads until now had to wait for their processor, in milliseconds. */
export function waitingTime(): number {
  return waited;
}

/** Loads a server for so many seconds. */
export function load(work: Work, port: number, seconds: number): Promise<Served> {
  if (work.stream !== undefined) return loadStream(work.stream, port, seconds);
  return hasWrk() ? loadByWrk(work.request, port, seconds) : loadByAutocannon(work.request, port, seconds);
}

async function loadByWrk(request: RequestTemplate, port: number, seconds: number): Promise<Served> {
  const script = join(scratchFolder(), 'request.lua');
  writeFileSync(script, luaScript(request));
  const url = `http://127.0.0.1:${port}${request.path.replace(NUMBER, '')}`;
  const args = ['-t', '1', '-c', String(CONNECTIONS), '-d', `${seconds}s`, '-s', script, url];
  const report = await runLoad(['wrk', ...args]);
  const [, count, duration] = /(\d+) requests in ([\d.]+s)/.exec(report) ?? [];
  if (count === undefined || duration === undefined || /Socket errors|Non-2xx/.test(report)) {
    throw new Error(`Load failed\n${report}`);
  }
  return { count: Number(count) + underWay(request), rate: Number(count) / Number.parseFloat(duration) };
}

/**
 * Requests that were sent and whose answers the load did not wait for: the server has served them as well. Without them
 * a server of 7,000 requests a second would be taken for 1 % dearer than it is, a faster one for less.
 */
function underWay({ pipelining = 1 }: RequestTemplate): number {
  return CONNECTIONS * pipelining;
}

/** Made once, and gone when this process ends, however it does. */
function scratchFolder(): string {
  if (scratch === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'gatebridge-bench-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    scratch = folder;
  }
  return scratch;
}

/** All requests are made before: wrk sends one without asking Lua, and of several asks for the next. */
function luaScript({ method, path, headers, content, pipelining = 1 }: RequestTemplate): string {
  const lines = [`wrk.method = "${method}"`];
  for (const [name, value] of headers) lines.push(`wrk.headers["${name}"] = [==[${value}]==]`);
  if (content !== undefined) lines.push(`wrk.body = [==[${content}]==]`);
  const count = path.includes(NUMBER) ? TARGETS / pipelining : 1;
  if (count * pipelining > 1) lines.push(luaBatches(path, count, pipelining));
  return lines.join('\n');
}

function luaBatches(path: string, count: number, pipelining: number): string {
  return `
local batches, current = {}, 0
init = function()
  for batch = 1, ${count} do
    local requests = {}
    for number = 1, ${pipelining} do
      local path = string.format("${path.replace(NUMBER, `%0${DIGITS}d`)}", batch * ${pipelining} + number)
      requests[number] = wrk.format(nil, path)
    end
    batches[batch] = table.concat(requests)
  end
end
request = function()
  current = current % ${count} + 1
  return batches[current]
end`;
}

async function loadByAutocannon(request: RequestTemplate, port: number, seconds: number): Promise<Served> {
  const { method, headers, content, pipelining = 1, path } = request;
  const args = ['-j', '-n', '-c', String(CONNECTIONS), '-d', String(seconds), '-p', String(pipelining)];
  for (const [name, value] of headers) args.push('-H', `${name}=${value}`);
  if (content !== undefined) args.push('-b', content);
  // Its own way to make each request another one.
  if (path.includes(NUMBER)) args.push('--idReplacement');
  args.push('-m', method, `http://127.0.0.1:${port}${path.replace(NUMBER, '[<id>]')}`);
  const result = JSON.parse(await runLoad([process.execPath, AUTOCANNON, ...args]));
  if (result.errors > 0 || result.non2xx > 0 || result['2xx'] === 0) {
    throw new Error(`Load failed: ${result.errors} errors, ${result.non2xx} answers that are no success`);
  }
  return { count: result['2xx'] + underWay(request), rate: result['2xx'] / result.duration };
}

async function loadStream(direction: 'up' | 'down', port: number, seconds: number): Promise<Served> {
  const { mebibytes, duration } = await runProgram('stream', {
    direction,
    port,
    milliseconds: seconds * 1000,
    connections: STREAMS,
  });
  if (mebibytes === undefined || duration === undefined) throw new Error('Load gave no figures');
  return { count: mebibytes, rate: mebibytes / (duration / 1000) };
}

/** Runs one of our own clients, from loads/, and gives the figures that it prints. */
export async function runProgram(name: string, options: object): Promise<Record<string, number>> {
  // Pauses of the client's own garbage collector would pass for the server's.
  const flags = ['--max-semi-space-size=64'];
  return JSON.parse(
    await runLoad([process.execPath, ...flags, programPath(`loads/${name}`), JSON.stringify(options)]),
  );
}

async function runLoad(line: readonly string[]): Promise<string> {
  const [command, args] = pinned('load', line);
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  track(child);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  let delay = 0;
  const watch = setInterval(() => {
    delay = Math.max(delay, schedulingDelay(child.pid ?? 0));
  }, WATCH_INTERVAL);
  const [code] = await once(child, 'close').finally(() => clearInterval(watch));
  waited += delay;
  if (code !== 0) throw new Error(`Load has ended with ${code}\n${output}`);
  return output;
}
