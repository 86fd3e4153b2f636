/** How runs of CGI programs end: nothing of them stays. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type FromCgiOptions, fromCgi } from '../../../bridges/cgi/index.ts';
import { createMark, until, zombies } from './processes.ts';
import { folder, program, type Served, serve, serveProgram } from './programs.ts';

/** Asks, and leaves once the program runs. */
async function askAndLeave({ port }: Served, isRunning: () => boolean): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  expect(await until(isRunning)).toBe(true);
  socket.resetAndDestroy();
}

describe('a client that leaves', () => {
  it.each<[string, string]>([
    ['before the head', 'sleep 60'],
    ['in the middle of the content', 'printf "Content-Type: a/b\\n\\n"; sleep 60'],
    ['while the program writes', 'printf "Content-Type: a/b\\n\\n"; yes'],
    ['while children of the program run', 'sleep 60 & sleep 60 & wait'],
    ['though the program ignores SIGTERM', 'trap "" TERM; sleep 60 & sleep 60; sleep 60'],
  ])('%s: nothing runs on', async (_name, source) => {
    const mark = createMark();
    const served = await serveProgram('leaving', source, { env: mark.env, killTimeout: 200 });
    await askAndLeave(served, () => mark.count() > 0);
    expect(await until(() => mark.count() === 0)).toBe(true);
    expect(await until(() => zombies() === 0)).toBe(true);
    expect(served.log()).toBe('');
  });

  it('gives the program time to clean up', async () => {
    const mark = createMark();
    const source = 'trap "sleep 0.1; echo cleaned up >&2; exit" TERM; sleep 60 & wait';
    const served = await serveProgram('cleaning', source, { env: mark.env });
    await askAndLeave(served, () => mark.count() > 1);
    expect(await until(() => mark.count() === 0)).toBe(true);
    expect(await until(() => served.log().includes('cleaned up'))).toBe(true);
  });

  it('may leave while it sends content', async () => {
    const mark = createMark();
    const { port } = await serveProgram('upload', 'cat >/dev/null; sleep 60', { env: mark.env });
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc');
    await until(() => mark.count() > 0);
    socket.resetAndDestroy();
    expect(await until(() => mark.count() === 0)).toBe(true);
  });
});

describe('time-outs', () => {
  it.each<[string, string]>([
    ['writes nothing', 'sleep 60'],
    ['does not read its content', 'exec sleep 60 <&-; '],
    ['leaves its output to a process that writes nothing', 'sleep 60 & exit 0'],
  ])('answer 504 if the program %s', async (_name, source) => {
    const mark = createMark();
    const { url, log } = await serveProgram('late', source, {
      env: mark.env,
      timeout: 400,
      killTimeout: 100,
    });
    const response = await fetch(url, { method: 'POST', body: Buffer.alloc(1_000_000) });
    expect([response.status, await response.text()]).toEqual([504, 'Gateway Timeout\n']);
    expect(log()).toContain(
      '[WSGI_ERR_UPSTREAM_TIMEOUT]: Program did not respond in time: late wrote nothing for 400 ms',
    );
    expect(await until(() => mark.count() === 0)).toBe(true);
  });

  it('cut a response off that stops', async () => {
    const mark = createMark();
    const { url } = await serveProgram('stops', 'printf "Content-Type: a/b\\n\\nx"; sleep 60', {
      env: mark.env,
      timeout: 400,
    });
    await expect(fetch(url).then((response) => response.text())).rejects.toThrow();
    expect(await until(() => mark.count() === 0)).toBe(true);
  });

  it('end a program that runs on after its response', async () => {
    const mark = createMark();
    const source = 'printf "Content-Type: a/b\\n\\nx"; exec >&- 2>&-; sleep 60';
    const { url, log } = await serveProgram('on', source, { env: mark.env, timeout: 400 });
    expect(await (await fetch(url)).text()).toBe('x');
    expect(await until(() => mark.count() === 0)).toBe(true);
    expect(log()).toContain('on ran on for 400 ms after its response');
  });

  it('do not count while a client is slow', async () => {
    const { port } = await serveProgram('patient', 'printf "Content-Type: a/b\\n\\n"; cat', {
      timeout: 1_000,
    });
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.on('data', (octets) => {
      answer += octets;
    });
    socket.write('PUT / HTTP/1.0\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc');
    await delay(1_500);
    socket.write('def');
    await once(socket, 'close');
    expect(answer).toMatch(/\r\n\r\nabcdef$/);
    const reading = await serveProgram('reading', 'printf "Content-Type: a/b\\n\\n"; seq 1 2000000', {
      timeout: 1_000,
    });
    const slow = await new Promise<import('node:http').IncomingMessage>((resolve) => {
      request(reading.url, resolve).end();
    });
    await delay(1_500);
    let size = 0;
    for await (const piece of slow) size += piece.length;
    expect(size).toBe(14_888_896);
  });

  it('are off at 0', async () => {
    const { url } = await serveProgram('zero', 'sleep 0.2; printf "Content-Type: a/b\\n\\nx"', {
      timeout: 0,
    });
    expect(await (await fetch(url)).text()).toBe('x');
  });
});

describe('the bound on processes', () => {
  const source = 'sleep 0.15; printf "Content-Type: a/b\\n\\nx"';

  const statuses = async (
    options: FromCgiOptions,
    count: number,
  ): Promise<[statuses: number[], retry: unknown[]]> => {
    const { url } = await serveProgram('bound', source, options);
    const responses = await Promise.all(Array.from({ length: count }, () => fetch(url)));
    const refused = responses.filter(({ status }) => status === 503);
    return [
      responses.map(({ status }) => status).sort(),
      refused.map(({ headers }) => headers.get('retry-after')),
    ];
  };

  it('lets others wait', async () => {
    const mark = createMark();
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, mark.count());
    }, 10);
    const [all] = await statuses({ env: mark.env, maxProcesses: 2 }, 6);
    clearInterval(watch);
    expect(all).toEqual(Array(6).fill(200));
    // A program and its sleep.
    expect(most).toBeLessThanOrEqual(4);
  });

  it('refuses those that find the queue full', async () => {
    expect(await statuses({ maxProcesses: 1, maxQueued: 1 }, 4)).toEqual([
      [200, 200, 503, 503],
      ['1', '1'],
    ]);
  });

  it('refuses those before it takes their content in', async () => {
    const mark = createMark();
    const { port, url } = await serveProgram('full', 'sleep 60', {
      env: mark.env,
      maxProcesses: 1,
      maxQueued: 0,
    });
    void fetch(url).catch(() => {});
    expect(await until(() => mark.count() > 0)).toBe(true);
    const upload = request({ port, method: 'PUT', agent: false });
    upload.on('error', () => {}).write('the first of much');
    const [response] = await once(upload, 'response');
    expect(response.statusCode).toBe(503);
    upload.destroy();
  });

  it('refuses those that wait too long', async () => {
    expect(await statuses({ maxProcesses: 1, queueTimeout: 50 }, 2)).toEqual([[200, 503], ['1']]);
  });

  it('is not held by slow readers', async () => {
    const { url } = await serveProgram('quick', 'printf "Content-Type: a/b\\n\\n"; head -c 40000 /dev/zero', {
      maxProcesses: 1,
      queueTimeout: 1_000,
    });
    const responses = [];
    for (let count = 0; count < 3; count += 1) responses.push(await fetch(url));
    for (const response of responses) expect((await response.arrayBuffer()).byteLength).toBe(40_000);
  });
});

/** Requests that are aborted, and megabytes in each direction; more by `npm run tour`. */
const ABORTED = process.env.TOUR ? 1_000 : 60;
const MEGABYTES = process.env.TOUR ? 200 : 30;

describe('resources', () => {
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  // Of this file alone: other tests make temporary files too.
  process.env.TMPDIR = folder;
  const files = (): string[] => readdirSync(folder).filter((name) => /^gatebridge-[0-9a-f-]{36}$/.test(name));

  it('are free after aborted requests', { timeout: 120_000 }, async () => {
    const mark = createMark();
    const source =
      'case "$REQUEST_METHOD" in GET) printf "Content-Type: a/b\\n\\n"; yes ;; *) sleep 60 ;; esac';
    const served = await serveProgram('aborted', source, {
      env: mark.env,
      maxProcesses: 8,
      maxQueued: 1_000,
    });
    await fetch(served.url, { method: 'DELETE', signal: AbortSignal.timeout(100) }).catch(() => {});
    await until(() => mark.count() === 0);
    const [before, temporary] = [descriptors(), files()];
    const heads = [
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      'DELETE / HTTP/1.1\r\nHost: x\r\n\r\n',
      'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc',
      'PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
      `PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n12000\r\n${'x'.repeat(0x12000)}\r\n`,
    ];
    const abortOne = async (index: number): Promise<void> => {
      const socket = connect(served.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(heads[index % heads.length] ?? '');
      if (index % 3 === 0) await Promise.race([once(socket, 'data'), delay(20)]);
      else await delay(index % 7);
      socket.resetAndDestroy();
    };
    for (let index = 0; index < ABORTED; index += 10)
      await Promise.all(Array.from({ length: 10 }, (_, at) => abortOne(index + at)));
    expect(await until(() => mark.count() + zombies() === 0 && descriptors() <= before)).toBe(true);
    expect(files()).toEqual(temporary);
    // The place is free for others.
    expect((await fetch(served.url)).status).toBe(200);
  });

  it('are bounded for large content in both directions', { timeout: 60_000 }, async () => {
    const { url } = await serve(fromCgi(program('mirror', 'printf "Content-Type: a/b\\n\\n"; exec cat')));
    const piece = Buffer.alloc(1_000_000, 'x');
    let most = 0;
    const before = process.memoryUsage().rss;
    const upload = request(url, { method: 'PUT', headers: { 'Content-Length': MEGABYTES * 1_000_000 } });
    const answered = once(upload, 'response');
    const sending = (async () => {
      for (let count = 0; count < MEGABYTES; count += 1)
        if (!upload.write(piece)) await once(upload, 'drain');
      upload.end();
    })();
    const [response] = await answered;
    let size = 0;
    for await (const octets of response) {
      size += octets.length;
      most = Math.max(most, process.memoryUsage.rss());
    }
    await sending;
    expect(size).toBe(MEGABYTES * 1_000_000);
    // Client, server and gateway share this process.
    expect(most - before).toBeLessThan(150_000_000);
  });

  it('are free when the parent is killed', async () => {
    const mark = createMark();
    const script = program('orphan', 'trap "" TERM; sleep 60 & sleep 60');
    const parent = spawn(
      process.execPath,
      ['--import', 'tsx', join(import.meta.dirname, 'parent-program.ts'), script],
      { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...mark.env } },
    );
    const [line] = await once(parent.stdout, 'data');
    void fetch(String(line).trim()).catch(() => {});
    // The parent, the guardian, a program and two sleeps.
    expect(await until(() => mark.count() >= 4)).toBe(true);
    parent.kill('SIGKILL');
    expect(await until(() => mark.count() === 0)).toBe(true);
  });
});
