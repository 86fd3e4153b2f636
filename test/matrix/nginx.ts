/** An nginx that asks a responder of FastCGI, and passes on what it gets at once. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A running nginx. */
export interface Nginx {
  readonly port: number;
  /** The socket at which it expects the responder. */
  readonly path: string;
  close(): Promise<void>;
}

const PARAMS = [
  ...['QUERY_STRING $query_string', 'REQUEST_METHOD $request_method', 'CONTENT_TYPE $content_type'],
  ...['CONTENT_LENGTH $content_length', 'SCRIPT_NAME $fastcgi_script_name', 'REQUEST_URI $request_uri'],
  ...['SERVER_PROTOCOL $server_protocol', 'SERVER_NAME $server_name', 'SERVER_PORT $server_port'],
  'REMOTE_ADDR $remote_addr',
];

/** Starts nginx. */
export async function startNginx(program: string): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'gatebridge-matrix-'));
  // Its workers are another user.
  chmodSync(folder, 0o755);
  const port = await freePort();
  const path = join(folder, 'app.sock');
  const log = join(folder, 'error.log');
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (one) => `${one}_temp_path ${folder}/${one};`,
  );
  const file = join(folder, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off; error_log ${log}; pid ${folder}/nginx.pid; worker_processes 1; events {}
http { access_log off; ${places.join(' ')}
upstream app { server unix:${path}; keepalive 4; }
server { listen 127.0.0.1:${port}; location / { ${PARAMS.map((one) => `fastcgi_param ${one};`).join(' ')}
fastcgi_keep_conn on; fastcgi_buffering off; fastcgi_pass app; } } }`,
  );
  const child = spawn(program, ['-c', file, '-e', log], { stdio: 'ignore' });
  await listening(port, child).catch((cause: unknown) => {
    throw new Error(`nginx did not start: ${readFileSync(log, 'utf8')}`, { cause });
  });
  return {
    port,
    path,
    async close() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 250; tries += 1) {
    const socket = connect(port, '127.0.0.1');
    const isUp = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isUp) return;
    await delay(20);
  }
  child.kill();
  throw new Error('Nobody listens');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  // It listens on TCP.
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
