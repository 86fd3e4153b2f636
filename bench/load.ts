/**
 * The load: as many requests as the server can take, over persistent connections.
 *
 * wrk makes it if it is installed, else autocannon, which needs ten times the CPU. Both count answers; an error or an
 * answer without success fails the run.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programPath, RUN_FOLDER } from './installation.ts';
import { pinned, schedulingDelay } from './processors.ts';
import { track } from './server-process.ts';
import { NUMBER, type RequestTemplate, type Work } from './work.ts';
import { luaScript } from './wrk-script.ts';

const CONNECTIONS = 64;
const STREAMS = 4;

/** The work that was done. */
export interface Served {
  /** Requests, or MiB of streamed content. */
  readonly count: number;
  /** The same for each second of the wall clock. */
  readonly rate: number;
}

const WARM_UP_REQUESTS = 60_000;
const MOST_WARM_UP_SECONDS = 5;
/** Milliseconds. */
const WATCH_INTERVAL = 50;

/** Milliseconds that all loads so far were ready to run while others had their processor. */
let waited = 0;
let isWrkFound: boolean | undefined;
const AUTOCANNON = join(import.meta.dirname, 'node_modules/autocannon/autocannon.js');

/** Names the load generator, for the report. */
export function describeLoad(): string {
  return `${hasWrk() ? 'wrk' : 'autocannon'} with ${CONNECTIONS} connections`;
}

function hasWrk(): boolean {
  isWrkFound ??= spawnSync('wrk', ['-v']).error === undefined;
  return isWrkFound;
}

/** Returns the milliseconds that all loads so far had to wait for their processor. */
export function waitingTime(): number {
  return waited;
}

/** Loads a server for so many seconds. */
export function load(work: Work, port: number, seconds: number): Promise<Served> {
  if (work.stream === 'events') return loadEvents(port, seconds);
  if (work.stream !== undefined) return loadStream(work.stream, port, seconds);
  return hasWrk() ? loadByWrk(work.request, port, seconds) : loadByAutocannon(work.request, port, seconds);
}

/**
 * Loads a server until its hot code is compiled. That takes a number of requests, not a time: one second is enough
 * for hello, and too short for Express.
 */
export async function warmUp(work: Work, port: number): Promise<void> {
  let count = 0;
  for (let seconds = 0; count < WARM_UP_REQUESTS && seconds < MOST_WARM_UP_SECONDS; seconds += 1) {
    const served = await load(work, port, 1);
    // A stream sends many pieces or events in one second.
    count += work.stream === undefined ? served.count : WARM_UP_REQUESTS;
  }
}

async function loadByWrk(request: RequestTemplate, port: number, seconds: number): Promise<Served> {
  const script = join(RUN_FOLDER, 'request.lua');
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
 * Requests whose answers the load did not wait for. The server has served them too; without them a slow server would
 * look more expensive than it is.
 */
function underWay({ pipelining = 1 }: RequestTemplate): number {
  return CONNECTIONS * pipelining;
}

async function loadByAutocannon(request: RequestTemplate, port: number, seconds: number): Promise<Served> {
  const { method, headers, content, pipelining = 1, path } = request;
  const args = ['-j', '-n', '-c', String(CONNECTIONS), '-d', String(seconds), '-p', String(pipelining)];
  for (const [name, value] of headers) args.push('-H', `${name}=${value}`);
  if (content !== undefined) args.push('-b', content);
  // autocannon's way to vary the requests.
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

async function loadEvents(port: number, seconds: number): Promise<Served> {
  const { responses, duration } = await runProgram('events', {
    port,
    milliseconds: seconds * 1000,
    connections: CONNECTIONS,
  });
  if (responses === undefined || duration === undefined) throw new Error('Load gave no figures');
  return { count: responses, rate: responses / (duration / 1000) };
}

/** Runs one of our own clients, from loads/, and returns the figures that it prints. */
export async function runProgram(name: string, options: object): Promise<Record<string, number>> {
  // Fewer pauses of the client's garbage collector, which would count as the server's.
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
