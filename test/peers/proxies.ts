/**
 * Real proxies in front of a server of ours, each with a folder of its own and a port of loopback.
 *
 * Rule: no proxy is stopped by name. Each runs in the foreground, as a child that is killed in the end.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

/** The server behind a proxy: a port of loopback, or the path of a unix socket. */
export type Upstream = number | string;

/** A place for one run of a proxy. */
export interface Place {
  readonly folder: string;
  readonly port: number;
  readonly upstream: Upstream;
}

/** How to run a proxy. */
export interface Recipe {
  /** The names of its program. */
  readonly programs: readonly string[];
  readonly hasUnixSockets: boolean;
  configure(place: Place): string;
  parameters(place: Place, configuration: string): readonly string[];
  /** Variables for it. */
  environment?(place: Place): Readonly<Record<string, string>>;
  /** Makes it read its configuration anew: a signal, or the words of commands. */
  readonly reload?:
    | NodeJS.Signals
    | ((place: Place, configuration: string) => readonly (readonly string[])[]);
}

const isRoot = userInfo().uid === 0;

const HAPROXY: Recipe = {
  programs: ['haproxy'],
  hasUnixSockets: true,
  configure: ({ port, upstream }) => `
defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 20s
listen proxy
  bind 127.0.0.1:${port}
  server upstream ${typeof upstream === 'number' ? `127.0.0.1:${upstream}` : `unix@${upstream}`}
`,
  parameters: (_place, configuration) => ['-db', '-f', configuration],
};

/** The proxies, by name. */
export const PROXIES: Readonly<Record<string, Recipe>> = {
  // Over TCP HTTP/1.0, its default before 1.29.7. Over a unix socket it could not tell a response that was cut off.
  nginx: {
    programs: ['nginx'],
    hasUnixSockets: true,
    configure: ({ folder, port, upstream }) => `
daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/log;
${isRoot ? 'user root;' : ''}
events {}
http {
  access_log off; client_max_body_size 0; proxy_http_version ${typeof upstream === 'number' ? '1.0' : '1.1'};
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://${typeof upstream === 'number' ? `127.0.0.1:${upstream}` : `unix:${upstream}`}; }
  }
}`,
    parameters: ({ folder }, configuration) => ['-p', folder, '-e', `${folder}/log`, '-c', configuration],
  },
  HAProxy: HAPROXY,
  Apache: {
    programs: ['apache2', 'httpd'],
    hasUnixSockets: true,
    configure: ({ folder, port, upstream }) => `
ServerRoot ${folder}
ServerName localhost
PidFile ${folder}/pid
DefaultRuntimeDir ${folder}
ErrorLog ${folder}/log
Listen 127.0.0.1:${port}
${isRoot ? 'User www-data\nGroup www-data' : ''}
${['mpm_event', 'authz_core', 'proxy', 'proxy_http']
  .map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`)
  .join('\n')}
ProxyPass / ${typeof upstream === 'number' ? `http://127.0.0.1:${upstream}/` : `unix:${upstream}|http://localhost/`}
`,
    parameters: (_place, configuration) => ['-D', 'FOREGROUND', '-f', configuration],
  },
  Varnish: {
    programs: ['varnishd'],
    hasUnixSockets: true,
    configure: ({ upstream }) => `
vcl 4.1;
backend default { ${typeof upstream === 'number' ? `.host = "127.0.0.1"; .port = "${upstream}"` : `.path = "${upstream}"`}; }
sub vcl_recv { return (pass); }
`,
    parameters: ({ folder, port }, configuration) => [
      ...['-F', '-j', 'none', '-n', join(folder, 'run'), '-s', 'malloc,16m'],
      ...['-a', `127.0.0.1:${port}`, '-f', configuration],
    ],
    reload: ({ folder }, configuration) => {
      const name = `again-${Date.now()}`;
      const admin = ['varnishadm', '-n', join(folder, 'run')];
      return [
        [...admin, 'vcl.load', name, configuration],
        [...admin, 'vcl.use', name],
      ];
    },
  },
  Caddy: {
    programs: ['caddy'],
    hasUnixSockets: true,
    configure: ({ folder, port, upstream }) => `
{
  admin unix/${folder}/admin
  auto_https off
}
http://:${port} {
  bind 127.0.0.1
  reverse_proxy ${typeof upstream === 'number' ? `127.0.0.1:${upstream}` : `unix/${upstream}`}
}
`,
    parameters: (_place, configuration) => ['run', '--adapter', 'caddyfile', '--config', configuration],
    environment: ({ folder }) => ({ XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder }),
    reload: ({ folder }, configuration) => [
      [
        ...['caddy', 'reload', '--force', '--address', `unix/${folder}/admin`],
        ...['--adapter', 'caddyfile', '--config', configuration],
      ],
    ],
  },
};

/**
 * The same proxies, as they run for long: nginx keeps its connections to the server, for which it has to be told, and HAProxy has
 * a master that hands its listening sockets to the next process.
 */
export const KEEPING_PROXIES: Readonly<Record<string, Recipe>> = {
  ...PROXIES,
  HAProxy: {
    ...HAPROXY,
    configure: (place) =>
      `global\n  stats socket ${place.folder}/admin level admin expose-fd listeners\n${HAPROXY.configure(place)}`,
    parameters: (_place, configuration) => ['-W', '-db', '-f', configuration],
    reload: 'SIGUSR2',
  },
  nginx: {
    programs: ['nginx'],
    hasUnixSockets: true,
    configure: ({ folder, port, upstream }) => `
daemon off; pid ${folder}/pid; error_log ${folder}/log;
${isRoot ? 'user root;' : ''}
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  upstream application {
    server ${typeof upstream === 'number' ? `127.0.0.1:${upstream}` : `unix:${upstream}`};
    keepalive 16;
  }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://application; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}`,
    parameters: ({ folder }, configuration) => ['-p', folder, '-e', `${folder}/log`, '-c', configuration],
    reload: 'SIGHUP',
  },
};

/** A running proxy. */
export interface RunningProxy {
  readonly url: string;
  /** Makes it read its configuration anew. */
  reload(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a proxy.
 *
 * @param program The path of its program
 * @param recipe How to run it
 * @param upstream The server behind it
 */
export async function startProxy(program: string, recipe: Recipe, upstream: Upstream): Promise<RunningProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'gatebridge-proxy-'));
  const place = { folder, port: await freePort(), upstream };
  const configuration = join(folder, 'configuration');
  await writeFile(configuration, recipe.configure(place));
  const env = { ...process.env, ...recipe.environment?.(place) };
  const child = spawn(program, recipe.parameters(place, configuration), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (octets: Buffer) => {
      said += octets.toString();
    });
  }
  const reload = async (): Promise<void> => {
    if (typeof recipe.reload === 'string') child.kill(recipe.reload);
    else
      for (const [command = '', ...words] of recipe.reload?.(place, configuration) ?? [])
        await promisify(execFile)(command, words, { env });
  };
  const stop = async (): Promise<void> => {
    await kill(child);
    await rm(folder, { recursive: true, force: true });
  };
  for (let count = 0; count < 200; count += 1) {
    if (child.exitCode !== null) break;
    if (await isListening(place.port)) return { url: `http://127.0.0.1:${place.port}/`, reload, stop };
    await delay(50);
  }
  await stop();
  throw new Error(`${program} does not listen: ${said}`);
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
  await ended;
  clearTimeout(timer);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
