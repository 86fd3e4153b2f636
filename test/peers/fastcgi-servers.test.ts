/** serveFastCgi behind nginx; the tour has lighttpd and Apache too. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { fromExpress } from '../../bridges/express/index.ts';
import { serveFastCgi } from '../../bridges/fastcgi/index.ts';
import { requirePeer } from '../support/peer.ts';

/** A web server. */
interface WebServer {
  readonly name: string;
  readonly program: string;
  /** Gives the arguments, and writes the files of its settings. */
  prepare(folder: string, port: number, socket: string): readonly string[];
}

const PARAMS = [
  ...['QUERY_STRING $query_string', 'REQUEST_METHOD $request_method', 'CONTENT_TYPE $content_type'],
  ...['CONTENT_LENGTH $content_length', 'SCRIPT_NAME $fastcgi_script_name', 'REQUEST_URI $request_uri'],
  ...['SERVER_PROTOCOL $server_protocol', 'SERVER_NAME $server_name', 'SERVER_PORT $server_port'],
  ...['REMOTE_ADDR $remote_addr', 'REMOTE_USER ada', 'HTTPS on'],
];

const SERVERS: readonly WebServer[] = [
  {
    name: 'nginx',
    program: 'nginx',
    prepare(folder, port, socket) {
      const file = join(folder, 'nginx.conf');
      const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (one) => `${one}_temp_path ${folder}/${one};`,
      );
      writeFileSync(
        file,
        `daemon off; error_log ${folder}/error.log; pid ${folder}/nginx.pid; events {}
http { access_log off; ${paths.join(' ')} client_max_body_size 1g;
upstream app { server unix:${socket}; keepalive 4; }
server { listen 127.0.0.1:${port}; location / { ${PARAMS.map((one) => `fastcgi_param ${one};`).join(' ')}
fastcgi_keep_conn on; fastcgi_buffering off; fastcgi_pass app; } } }`,
      );
      return ['-c', file, '-e', join(folder, 'error.log')];
    },
  },
  {
    name: 'lighttpd',
    program: 'lighttpd',
    prepare(folder, port, socket) {
      const file = join(folder, 'lighttpd.conf');
      writeFileSync(
        file,
        `server.document-root = "${folder}"
server.bind = "127.0.0.1"
server.port = ${port}
server.modules = ("mod_fastcgi", "mod_setenv")
server.stream-response-body = 1
server.errorlog = "${folder}/error.log"
setenv.add-environment = ("REMOTE_USER" => "ada", "HTTPS" => "on")
fastcgi.server = ("/" => (("socket" => "${socket}", "check-local" => "disable", "fix-root-scriptname" => "enable")))
`,
      );
      return ['-D', '-f', file];
    },
  },
  {
    name: 'Apache',
    program: 'apache2',
    prepare(folder, port, socket) {
      const file = join(folder, 'apache.conf');
      const modules = ['mpm_event', 'authz_core', 'proxy', 'proxy_fcgi', 'env', 'setenvif'];
      writeFileSync(
        file,
        `${modules.map((one) => `LoadModule ${one}_module /usr/lib/apache2/modules/mod_${one}.so`).join('\n')}
ServerRoot ${folder}
ServerName 127.0.0.1
PidFile ${folder}/apache.pid
Listen 127.0.0.1:${port}
ErrorLog ${folder}/error.log
SetEnv REMOTE_USER ada
SetEnv HTTPS on
ProxyPass / "unix:${socket}|fcgi://localhost/" flushpackets=on
`,
      );
      return ['-D', 'FOREGROUND', '-f', file];
    },
  },
];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  // It listens on TCP.
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function start(
  { program }: WebServer,
  parameters: readonly string[],
  url: string,
): Promise<ChildProcess> {
  const child = spawn(program, parameters, { stdio: 'inherit' });
  for (let tries = 0; tries < 250; tries += 1) {
    const isUp = await fetch(`${url}/up`).then(
      (response) => response.body?.cancel().then(() => true),
      () => false,
    );
    if (isUp) return child;
    await delay(20);
  }
  child.kill();
  throw new Error(`${program} did not start`);
}

/** An Express app behind the web server. */
function createApp(): express.Express {
  const app = express();
  app.get('/hello/:name', (request, response) => {
    response
      .cookie('a', '1')
      .cookie('b', '2')
      .send(`${request.params.name} ${request.query.x} ${request.secure}`);
  });
  app.post('/length', (request, response) => {
    let length = 0;
    request.on('data', (chunk) => {
      length += chunk.length;
    });
    request.on('end', () => response.status(201).send(`${length}`));
  });
  app.get('/stream', async (_request, response) => {
    response.write('first');
    await delay(400);
    response.end('second');
  });
  app.get('/large', (_request, response) => response.end(Buffer.alloc(5_000_000, 'z')));
  app.get('/cut', (_request, response) => {
    response.write('begun');
    setTimeout(() => response.destroy(), 50);
  });
  return app;
}

describe.each(process.env.TOUR ? SERVERS : SERVERS.slice(0, 1))('an Express app behind $name', (server) => {
  it('answers through serveFastCgi', async (context) => {
    requirePeer(context, `/usr/sbin/${server.program}`, server.program);
    const folder = mkdtempSync(join(tmpdir(), 'gatebridge-fastcgi-'));
    chmodSync(folder, 0o755);
    const path = join(folder, 'app.sock');
    const responder = await serveFastCgi(fromExpress(createApp()), { path, mode: 0o777 });
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const child = await start(server, server.prepare(folder, port, path), url);
    try {
      for (let count = 0; count < 3; count += 1) {
        const response = await fetch(`${url}/hello/caf%C3%A9?x=1`);
        expect(await response.text()).toBe('café 1 true');
        expect(response.headers.getSetCookie()).toHaveLength(2);
      }
      const sent = await fetch(`${url}/length`, { method: 'POST', body: Buffer.alloc(3_000_000) });
      expect([sent.status, await sent.text()]).toEqual([201, '3000000']);
      expect((await fetch(`${url}/hello/x`, { method: 'HEAD' })).status).toBe(200);
      expect((await (await fetch(`${url}/large`)).arrayBuffer()).byteLength).toBe(5_000_000);
      expect((await fetch(`${url}/none`)).status).toBe(404);
      const reader = (await fetch(`${url}/stream`)).body?.getReader();
      const begin = Date.now();
      await reader?.read();
      expect(Date.now() - begin).toBeLessThan(390);
      await reader?.cancel();
      const lengths = Array.from({ length: 20 }, async () => {
        return (await fetch(`${url}/length`, { method: 'POST', body: Buffer.alloc(100_000) })).text();
      });
      expect(new Set(await Promise.all(lengths))).toEqual(new Set(['100000']));
      const cut = await fetch(`${url}/cut`)
        .then((response) => response.text())
        .catch(() => 'noticed');
      expect(cut).toBe('noticed');
    } finally {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      await responder.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
