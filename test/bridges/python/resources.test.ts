/** What nothing may leave behind: clients that leave, large contents, a gateway that is killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAlive, until } from './python-site.ts';

const IS_TOUR = process.env.TOUR !== undefined;
const MEBIBYTE = 1_048_576;
/** Octets of a large content. */
const LARGE = (IS_TOUR ? 200 : 50) * MEBIBYTE;
const ABORTS = IS_TOUR ? 1_000 : 200;

let gateway: ChildProcess;
let url = '';
let worker = 0;

beforeEach(async () => {
  const program = join(import.meta.dirname, 'site-program.ts');
  gateway = spawn(process.execPath, ['--import', 'tsx', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (gateway.stdout === null) throw new Error('It has a standard output');
  const [line] = await once(createInterface(gateway.stdout), 'line');
  url = String(line);
  worker = Number(await text('pid'));
}, 60_000);

afterEach(async () => {
  gateway.kill('SIGKILL');
  await until(() => worker === 0 || !isAlive(worker), 'the end of the worker');
});

async function text(path: string, init?: RequestInit): Promise<string> {
  return (await fetch(url + path, init)).text();
}

/** The most memory that a process has had, in MiB. */
function peakOf(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** Waits until a process has no more open files than before. */
async function untilClosed(pid: number, count: number): Promise<void> {
  await until(() => openFiles(pid) <= count, `the end of sockets: ${openFiles(pid)} are open, ${count} were`);
}

function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Sends a request over a socket of its own, and resets the connection at a moment. */
async function abort(
  path: string,
  moment: 'at once' | 'with the response' | 'during the content',
): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  const isPost = moment === 'during the content';
  socket.write(
    `${isPost ? 'POST' : 'GET'} /${path} HTTP/1.1\r\nHost: a\r\n${isPost ? 'Content-Length: 1000000\r\n' : ''}\r\n${isPost ? 'some' : ''}`,
  );
  if (moment === 'with the response') await once(socket, 'data');
  else await new Promise((resolve) => setTimeout(resolve, 10));
  socket.resetAndDestroy();
}

describe('memory', () => {
  it('stays small while large contents pass in both directions', async () => {
    const [before, beforeWorker] = [peakOf(gateway.pid ?? 0), peakOf(worker)];
    const response = await fetch(`${url}down?${LARGE}`);
    let size = 0;
    for await (const chunk of response.body ?? []) size += chunk.length;
    expect(size).toBe(LARGE);
    const block = new Uint8Array(65_536);
    let sent = 0;
    const content = new ReadableStream({
      pull(controller) {
        if (sent === LARGE) return controller.close();
        sent += block.length;
        controller.enqueue(block);
      },
    });
    expect(await text('up', { method: 'POST', body: content, duplex: 'half' })).toBe(`${LARGE}`);
    expect(peakOf(worker) - beforeWorker).toBeLessThan(10);
    expect(peakOf(gateway.pid ?? 0) - before).toBeLessThan(60);
  }, 60_000);

  it('stays small while a client does not read, and while an application does not', async () => {
    const [before, beforeWorker] = [peakOf(gateway.pid ?? 0), peakOf(worker)];
    const response = await fetch(`${url}endless`);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(peakOf(worker) - beforeWorker).toBeLessThan(5);
    expect(peakOf(gateway.pid ?? 0) - before).toBeLessThan(30);
    await response.body?.cancel();
    expect(await text('pid')).toBe(`${worker}`);
  });
});

describe('requests that are aborted', () => {
  it('leave no socket and no process, and are closed each', async () => {
    const files = openFiles(gateway.pid ?? 0);
    const workerFiles = openFiles(worker);
    const moments = ['at once', 'with the response', 'during the content'] as const;
    const paths = { 'at once': 'endless', 'with the response': 'endless', 'during the content': 'echo' };
    for (let count = 0; count < ABORTS; count += 10) {
      const ten = Array.from({ length: 10 }, (_, index) => {
        const moment = moments[(count + index) % 3] ?? 'at once';
        // One lane serves them in turn: only the first gets its response soon.
        return abort(
          paths[moment],
          index === 0 ? moment : moment === 'with the response' ? 'at once' : moment,
        );
      });
      await Promise.all(ten);
    }
    expect(await text('pid')).toBe(`${worker}`);
    await untilClosed(gateway.pid ?? 0, files + 1);
    expect(openFiles(worker)).toBe(workerFiles);
  }, 60_000);
});

describe('a gateway that is killed', () => {
  it('takes its worker along', async () => {
    gateway.kill('SIGKILL');
    await until(() => !isAlive(worker), 'the end of the worker');
  });

  it('takes its worker along in the middle of a response, and while it works', async () => {
    const response = await fetch(`${url}ticks`);
    await response.body?.getReader().read();
    gateway.kill('SIGKILL');
    await until(() => !isAlive(worker), 'the end of the worker');
  });

  it.runIf(IS_TOUR)('takes a worker along that is stuck', async () => {
    fetch(`${url}spin`).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 200));
    gateway.kill('SIGKILL');
    await until(() => !isAlive(worker), 'the end of the worker');
  });
});
