/**
 * What nothing may leave behind with a real php-fpm: clients that leave, large content, a php-fpm or a gateway that is killed. The tour
 * has more of each.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readlinkSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it, type TestContext } from 'vitest';
import { type FromFastCgiOptions, fromFastCgi, serveFastCgi } from '../../bridges/fastcgi/index.ts';
import { createServer } from '../../src/server/index.ts';
import { validate } from '../../src/validate/index.ts';
import { requirePeer } from '../support/peer.ts';
import { PHP_FPM, PhpSite } from './php-site.ts';

const IS_TOUR = process.env.TOUR !== undefined;
const MEBIBYTE = 1_048_576;

const sites: PhpSite[] = [];
const cleanUps: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

afterAll(async () => {
  for (const site of sites) await site.remove();
});

/** Starts a php-fpm of its own. */
async function startPhp(context: TestContext, children = 4): Promise<PhpSite> {
  const php = new PhpSite(requirePeer(context, ...PHP_FPM));
  sites.push(php);
  php.write('index.php', '<?php usleep(2000); echo "ok";');
  php.write('large.php', '<?php ob_end_clean(); while (true) echo str_repeat("x", 65536);');
  php.write('length.php', '<?php echo strlen(file_get_contents("php://input"));');
  php.write(
    'echo.php',
    '<?php ob_end_clean(); $in = fopen("php://input", "r"); while (!feof($in)) echo fread($in, 65536);',
  );
  await php.start(children);
  return php;
}

async function serve(php: PhpSite, options: FromFastCgiOptions = {}): Promise<number> {
  const application = fromFastCgi({ path: php.socket, root: php.root, ...options });
  const errors = { write() {}, writelines() {}, flush() {} };
  const server = createServer(validate(application), { environ: { 'wsgi.errors': errors } });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUps.push(async () => {
    await server.shutdown({ timeout: 100 });
    await application.close();
  });
  // It listens on TCP.
  return (server.address() as AddressInfo).port;
}

/** Counts the open descriptors of this process that are sockets or temporary files. */
function descriptors(): number {
  const links = readdirSync('/proc/self/fd').map((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`);
    } catch {
      return '';
    }
  });
  return links.filter((link) => link.startsWith('socket:') || link.includes('/gatebridge-')).length;
}

async function until(holds: () => boolean, milliseconds = 10_000): Promise<boolean> {
  for (let waited = 0; waited < milliseconds && !holds(); waited += 20) await delay(20);
  return holds();
}

function open(port: number, path: string, headers: Record<string, string | number> = {}): ClientRequest {
  const method = 'Content-Length' in headers || 'Transfer-Encoding' in headers ? 'PUT' : 'GET';
  return request({ port, path, method, headers, agent: false }).on('error', () => {});
}

describe('clients that leave', () => {
  it('leave no socket, no file and no busy child', async (context) => {
    const php = await startPhp(context);
    const port = await serve(php, { maxConnections: 4, maxQueued: 1_000 });
    const before = descriptors();
    const leaveOne = async (index: number): Promise<void> => {
      const [path, headers] = [
        ['/index.php', {}],
        ['/large.php', {}],
        ['/length.php', { 'Content-Length': 1_000_000 }],
        ['/length.php', { 'Transfer-Encoding': 'chunked' }],
      ][index % 4] as [string, Record<string, string | number>];
      const client = open(port, path, headers);
      if (path === '/length.php') client.write(Buffer.alloc(200_000));
      else client.end();
      if (path === '/large.php') await Promise.race([once(client, 'response'), delay(200)]);
      else await delay(index % 7);
      client.destroy();
    };
    const count = IS_TOUR ? 1_000 : 60;
    for (let index = 0; index < count; index += 20)
      await Promise.all(Array.from({ length: 20 }, (_none, part) => leaveOne(index + part)));
    expect(await until(() => descriptors() <= before)).toBe(true);
    for (let again = 0; again < 8; again += 1)
      expect(await (await fetch(`http://127.0.0.1:${port}/index.php`)).text()).toBe('ok');
  });
});

/** 200 MiB on a slow machine. */
const PATIENCE = { timeout: IS_TOUR ? 180_000 : 60_000 };

describe('large content', PATIENCE, () => {
  it('goes both ways in bounded memory', async (context) => {
    const php = await startPhp(context, 1);
    const port = await serve(php);
    const size = (IS_TOUR ? 200 : 4) * MEBIBYTE;
    const piece = Buffer.alloc(65_536, 'x');
    for (const headers of [{ 'Content-Length': size }, { 'Transfer-Encoding': 'chunked' }]) {
      const client = open(port, '/echo.php', headers);
      const answered = once(client, 'response');
      const pieces = Readable.from(
        (function* () {
          for (let sent = 0; sent < size; sent += piece.length) yield piece;
        })(),
      );
      const sent = pipeline(pieces, client);
      // An http.ClientRequest gives that.
      const [response] = (await answered) as [IncomingMessage];
      let length = 0;
      let most = 0;
      for await (const chunk of response) {
        length += chunk.length;
        most = Math.max(most, process.memoryUsage().arrayBuffers);
      }
      await sent;
      expect(length).toBe(size);
      // In all of this process, client and server together.
      expect(most).toBeLessThan(64 * MEBIBYTE);
    }
  });

  it('is uploaded to PHP', async (context) => {
    const php = await startPhp(context, 1);
    const port = await serve(php);
    const size = (IS_TOUR ? 100 : 5) * MEBIBYTE;
    const answer = await fetch(`http://127.0.0.1:${port}/length.php`, {
      method: 'POST',
      body: Buffer.alloc(size),
    });
    expect(await answer.text()).toBe(`${size}`);
  });
});

describe('a php-fpm', () => {
  it.for([0, 2])(
    'with fewer children than requests serves all, with keepAlive %i',
    async (keepAlive, context) => {
      const php = await startPhp(context, 2);
      const port = await serve(php, { keepAlive });
      const all = Array.from({ length: IS_TOUR ? 100 : 30 }, async () => {
        return (await fetch(`http://127.0.0.1:${port}/index.php`)).status;
      });
      expect(new Set(await Promise.all(all))).toEqual(new Set([200]));
    },
  );

  it.runIf(IS_TOUR).for(['is reloaded', 'is killed and started again'])(
    'that %s under load loses few requests',
    async (how, context) => {
      const php = await startPhp(context);
      const port = await serve(php, { keepAlive: 2 });
      const before = descriptors();
      const statuses = new Map<number, number>();
      let isOver = false;
      const clients = Array.from({ length: 4 }, async () => {
        while (!isOver) {
          const { status } = await fetch(`http://127.0.0.1:${port}/index.php`);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          // Refused requests must not make the test a loop.
          if (status !== 200) await delay(10);
        }
      });
      for (let count = 0; count < 3; count += 1) {
        await delay(500);
        if (how === 'is reloaded') php.kill('SIGUSR2');
        else {
          await php.killAll();
          await php.start();
        }
      }
      await delay(500);
      isOver = true;
      await Promise.all(clients);
      expect([...statuses.keys()].filter((status) => status !== 200 && status !== 502)).toEqual([]);
      // Only requests that a child was killed with are lost: at most one a child and reload.
      if (how === 'is reloaded') expect(statuses.get(502) ?? 0).toBeLessThanOrEqual(12);
      expect(statuses.get(200)).toBeGreaterThan(50);
      expect((await fetch(`http://127.0.0.1:${port}/index.php`)).status).toBe(200);
      // Clients keep connections to the server.
      expect(await until(() => descriptors() <= before + 10)).toBe(true);
    },
  );
});

describe('a gateway that is killed', () => {
  const PROGRAM = join(import.meta.dirname, 'gateway-program.ts');

  async function start(kind: string, folder: string, ...words: readonly string[]) {
    const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, kind, ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: folder },
    });
    const [line] = await once(child.stdout, 'data');
    const kill = async (): Promise<void> => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    };
    return { line: `${line}`.trim(), kill };
  }

  it('leaves no file, and frees the children of php-fpm', async (context) => {
    const php = await startPhp(context, 1);
    const folder = join(php.folder, 'tmp');
    mkdirSync(folder);
    const gateway = await start('ask', folder, php.socket, join(php.root, 'large.php'));
    const endless = open(Number(gateway.line), '/');
    const answered = once(endless, 'response');
    endless.end();
    await answered;
    const upload = open(Number(gateway.line), '/', { 'Transfer-Encoding': 'chunked' });
    upload.write(Buffer.alloc(500_000));
    await delay(200);
    await gateway.kill();
    expect(readdirSync(folder).filter((name) => name.startsWith('gatebridge-'))).toEqual([]);
    const port = await serve(php);
    expect((await fetch(`http://127.0.0.1:${port}/index.php`)).status).toBe(200);
  });

  it('leaves a socket of serveFastCgi that the next one replaces', async (context) => {
    const php = await startPhp(context, 1);
    const path = join(php.folder, 'app.sock');
    const gateway = await start('serve', php.folder, path);
    await gateway.kill();
    expect(existsSync(path)).toBe(true);
    const server = await serveFastCgi(() => [], { path });
    await server.close();
    expect(existsSync(path)).toBe(false);
  });
});
