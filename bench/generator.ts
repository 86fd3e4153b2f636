/**
 * As many requests as the server can take, over persistent connections. h2load makes those of HTTP/2.
 *
 * wrk makes them if it is installed, else autocannon, which needs ten times the CPU. Both count answers; an error or an
 * answer without success fails the run.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RUN_FOLDER } from './installation.ts';
import { runLoad } from './load-process.ts';
import type { LoadTarget, Served } from './load-target.ts';
import { NUMBER } from './work.ts';
import { luaScript } from './wrk-script.ts';

let isWrkFound: boolean | undefined;
const AUTOCANNON = join(import.meta.dirname, 'node_modules/autocannon/autocannon.js');

/** Names the generator, for the report. */
export function describeLoad(connections: number): string {
  return `${hasWrk() ? 'wrk' : 'autocannon'} with ${connections} connections`;
}

function hasWrk(): boolean {
  isWrkFound ??= spawnSync('wrk', ['-v']).error === undefined;
  return isWrkFound;
}

/** Loads a server for so many seconds. */
export function loadByGenerator(target: LoadTarget, seconds: number): Promise<Served> {
  if (target.work.http2) return loadByH2load(target, seconds);
  return hasWrk() ? loadByWrk(target, seconds) : loadByAutocannon(target, seconds);
}

/** Streams at once of a connection of h2load: as many as a browser may have for a page. */
const STREAMS_AT_ONCE = 16;
const HTTP2_CONNECTIONS = 8;

async function loadByH2load(target: LoadTarget, seconds: number): Promise<Served> {
  const streams = ['-c', String(HTTP2_CONNECTIONS), '-m', String(STREAMS_AT_ONCE)];
  const url = urlOf(target, target.work.request.path);
  const report = await runLoad(['h2load', ...streams, '-D', String(seconds), url]);
  const [, count, failed, errored] = /(\d+) succeeded, (\d+) failed, (\d+) errored/.exec(report) ?? [];
  if (count === undefined || Number(failed) > 0 || Number(errored) > 0)
    throw new Error(`Load failed\n${report}`);
  return { count: Number(count) + HTTP2_CONNECTIONS * STREAMS_AT_ONCE, rate: Number(count) / seconds };
}

async function loadByWrk(target: LoadTarget, seconds: number): Promise<Served> {
  const { request } = target.work;
  const script = join(RUN_FOLDER, 'request.lua');
  writeFileSync(script, luaScript(request));
  const url = urlOf(target, request.path.replaceAll(NUMBER, ''));
  const args = ['-t', '1', '-c', String(target.connections), '-d', `${seconds}s`, '-s', script, url];
  const report = await runLoad(['wrk', ...args]);
  const [, count, duration] = /(\d+) requests in ([\d.]+s)/.exec(report) ?? [];
  if (count === undefined || duration === undefined || /Socket errors|Non-2xx/.test(report)) {
    throw new Error(`Load failed\n${report}`);
  }
  return { count: Number(count) + underWay(target), rate: Number(count) / Number.parseFloat(duration) };
}

/**
 * Requests whose answers the load did not wait for. The server has served them too; without them a slow server would
 * look more expensive than it is.
 */
function underWay({ work, connections }: LoadTarget): number {
  return connections * (work.request.pipelining ?? 1);
}

async function loadByAutocannon(target: LoadTarget, seconds: number): Promise<Served> {
  const { method, headers, content, pipelining = 1, path } = target.work.request;
  const args = [
    '-j',
    '-n',
    '-c',
    String(target.connections),
    '-d',
    String(seconds),
    '-p',
    String(pipelining),
  ];
  for (const [name, value] of headers) args.push('-H', `${name}=${value}`);
  if (content !== undefined) args.push('-b', content);
  // autocannon's way to vary the requests.
  if (path.includes(NUMBER)) args.push('--idReplacement');
  args.push('-m', method, urlOf(target, path.replaceAll(NUMBER, '[<id>]')));
  const result = JSON.parse(await runLoad([process.execPath, AUTOCANNON, ...args]));
  if (result.errors > 0 || result.non2xx > 0 || result['2xx'] === 0) {
    throw new Error(`Load failed: ${result.errors} errors, ${result.non2xx} answers that are no success`);
  }
  return { count: result['2xx'] + underWay(target), rate: result['2xx'] / result.duration };
}

function urlOf({ work, server }: LoadTarget, path: string): string {
  return `${work.isTls === true ? 'https' : 'http'}://127.0.0.1:${server.port}${path}`;
}
