/**
 * Gateway → FastCGI: serves an application as a responder behind nginx, lighttpd or Apache.
 *
 * This file listens and fixes the order of events. server-connection.ts speaks the protocol; the environ is that of CGI.
 */
import { chmodSync, existsSync, lstatSync } from 'node:fs';
import { lstat, unlink } from 'node:fs/promises';
import {
  type AddressInfo,
  connect,
  createServer,
  type ListenOptions,
  type Server,
  type Socket,
} from 'node:net';
import {
  isClusterWorker,
  MAX_DELAY,
  Members,
  type OptionsOf,
  refuseOnWorkers,
  type SettingsOf,
  settingsOf,
  socketPathFault,
  tryPairs,
} from '../../src/gateway/index.ts';
import {
  type Application,
  type ApplicationFunction,
  checkGatewayOptions,
  type EnvironOptions,
  encodeNative,
  type GatewayOptions,
  runApplication,
  toApplication,
} from '../../src/index.ts';
import { CGI_ENVIRON_OPTIONS, type CgiEnvironOptions, createCgiEnviron } from '../_cgi/environ.ts';
import type { ReceivedContent } from './received-content.ts';
import { ServerConnection, type ServerRequest } from './server-connection.ts';

/** The options of `serveFastCgi` besides those of the environ and of every host. */
export const FASTCGI_SERVER_OPTIONS = {
  /** The unix socket to listen at. A socket that nobody listens at any more is replaced. */
  path: { type: 'text', example: "'/run/app.sock'" },
  /** The permissions of the unix socket, such as `0o660`: the web server must be allowed to write. */
  mode: { type: 'mode' },
  /** The TCP port, in place of `path`. 0 means any free one. */
  port: { type: 'port', example: '9000' },
  /** The address of the port. FastCGI knows no passwords: let only the web server reach it. */
  host: { type: 'text', default: '127.0.0.1' },
  /** The descriptor of a socket that somebody else has opened, in place of `path`: 0 from lighttpd, mod_fcgid and spawn-fcgi, 3 from systemd. */
  fd: { type: 'count' },
  /**
   * The path of the application on the site, such as `/app`: it becomes SCRIPT_NAME, and the rest PATH_INFO. What servers make of the two
   * differs, so they are taken together first.
   */
  mount: { type: 'text', default: '' },
  /** At most this many requests share a connection. */
  maxRequests: { type: 'count', default: 1_024, least: 1 },
  /** At most this many connections are open. */
  maxConnections: { type: 'count', default: 1_024, least: 1 },
  /** Octets of the parameters of a request. More ends the connection. */
  maxParamsSize: { type: 'octets', default: 1_048_576 },
  /** `close()` waits this many milliseconds for requests under way, then it ends them. */
  closeDeadline: { type: 'milliseconds', default: 10_000 },
} as const;

/** Options of {@link serveFastCgi}. */
export interface ServeFastCgiOptions
  extends GatewayOptions,
    Pick<EnvironOptions, 'environ'>,
    CgiEnvironOptions,
    OptionsOf<typeof FASTCGI_SERVER_OPTIONS> {}

/** A responder that listens. */
export interface FastCgiServer extends AsyncDisposable {
  /** The path of the unix socket, or address and port. */
  address(): AddressInfo | string | null;
  /** Accepts no more connections, lets requests under way end, and closes. Never rejects. */
  close(): Promise<void>;
}

/**
 * Serves an application as a FastCGI responder.
 *
 * @param application The application, in any of its forms
 * @param options Where to listen
 * @returns the responder, once it listens
 * @throws TypeError or RangeError if the application or an option is invalid; what listening fails with
 * @example
 * // nginx: location / { include fastcgi_params; fastcgi_pass unix:/run/app.sock; }
 * await serveFastCgi(fromExpress(app), { path: '/run/app.sock', mode: 0o660 });
 */
export async function serveFastCgi(
  application: Application,
  options: ServeFastCgiOptions,
): Promise<FastCgiServer> {
  checkGatewayOptions(options, { ...FASTCGI_SERVER_OPTIONS, ...CGI_ENVIRON_OPTIONS });
  if ([options.path, options.port, options.fd].filter((place) => place !== undefined).length !== 1)
    throw new TypeError("Options must have one of path, such as '/run/app.sock', port and fd");
  if (!/^(?:\/.*[^/])?$/.test(options.mount ?? ''))
    throw new RangeError('Option mount must begin with a slash, and not end with one');
  refuseOnWorkers('serveFastCgi cannot listen', 'export default { fetch: toFetch(application) }');
  const responder = new Responder(toApplication(application), options);
  await responder.listen();
  const close = (): Promise<void> => responder.close();
  return { address: () => responder.server.address(), close, [Symbol.asyncDispose]: close };
}

class Responder {
  readonly server: Server;
  readonly #application: ApplicationFunction;
  readonly #options: ServeFastCgiOptions;
  readonly #settings: SettingsOf<typeof FASTCGI_SERVER_OPTIONS>;
  readonly #connections = new Members<ServerConnection>();
  /** FastCGI §3.2: who starts a program tells it the addresses of the web servers. Without the variable it takes connections from all. */
  readonly #servers: readonly string[] | undefined = process.env.FCGI_WEB_SERVER_ADDRS?.split(',');

  constructor(application: ApplicationFunction, options: ServeFastCgiOptions) {
    this.#application = application;
    this.#options = options;
    this.#settings = settingsOf(FASTCGI_SERVER_OPTIONS, options);
    this.server = createServer((socket) => this.#accept(socket));
    this.server.maxConnections = this.#settings.maxConnections;
  }

  async listen(): Promise<void> {
    const { path, host, port, fd, mode } = this.#settings;
    if (fd !== undefined) {
      await this.#listenAt({ fd }).catch((cause: unknown) => {
        throw new Error(`Option fd: descriptor ${fd} is no listening socket`, { cause });
      });
      return;
    }
    if (path === undefined) {
      await this.#listenAt({ host, port: Number(port) });
      return;
    }
    const found = socketPathFault(path, { existsSync, lstatSync, platform: process.platform });
    if (found !== undefined) throw new Error(`${found.fault}. ${found.cure}`);
    try {
      await this.#listenAt({ path });
    } catch (error) {
      if (!(await isLeftSocket(path))) throw error;
      await unlink(path).catch(() => {});
      await this.#listenAt({ path });
    }
    if (mode !== undefined) chmodSync(path, mode);
  }

  #listenAt(place: ListenOptions & { readonly fd?: number }): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject).listen(place, () => {
        // Later ones tell of connections that could not be accepted.
        this.server.off('error', reject).on('error', (error) => this.#warn(error.message));
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const connection of this.#connections) connection.drain();
    const timer = setTimeout(
      () => {
        for (const connection of this.#connections) connection.destroy();
      },
      Math.min(this.#settings.closeDeadline, MAX_DELAY),
    );
    await closed;
    clearTimeout(timer);
  }

  #accept(socket: Socket): void {
    const remoteAddress = socket.remoteAddress?.replace(/^::ffff:/, '');
    if (remoteAddress !== undefined && this.#servers?.includes(remoteAddress) === false) {
      this.#warn(`${remoteAddress} is none of FCGI_WEB_SERVER_ADDRS`);
      socket.destroy();
      return;
    }
    const { maxConnections, maxRequests, maxParamsSize } = this.#settings;
    const connection = new ServerConnection(socket, {
      maxConnections,
      maxRequests,
      maxParamsSize,
      answer: (request) => this.#answer(request),
      warn: (fault) => this.#warn(fault),
    });
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
  }

  #warn(fault: string): void {
    process.stderr.write(`${new Date().toISOString()} FastCGI: ${fault}\n`);
  }

  async #answer({ variables, content, sink }: ServerRequest): Promise<void> {
    const options = this.#options;
    const createInput = (length: number | undefined): ReceivedContent => content.expect(length);
    const host = { createInput, runsOnce: false, multiprocess: isClusterWorker() };
    const environ = createCgiEnviron(this.#complete(variables), host, options);
    const failure = tryPairs(environ, options.environ);
    await runApplication(failure ?? this.#application, environ, sink, options);
  }

  /** nginx has all of the path in SCRIPT_NAME, others have parts of it. */
  #complete(variables: ReadonlyMap<string, string>): Record<string, string> {
    const path = `${variables.get('SCRIPT_NAME') ?? ''}${variables.get('PATH_INFO') ?? ''}`;
    const mount = encodeNative(this.#settings.mount);
    const isBelow = `${path}/`.startsWith(`${mount}/`);
    return {
      ...Object.fromEntries(variables),
      ...(mayHaveContent(variables) ? { HTTP_TRANSFER_ENCODING: 'chunked' } : {}),
      SCRIPT_NAME: isBelow ? mount : '',
      PATH_INFO: isBelow ? path.slice(mount.length) : path,
    };
  }
}

/** Methods whose requests have content only if they say so. */
const BARE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS']);

/**
 * Tells if only FCGI_STDIN says if there is content. Servers that pass content on as it comes, in chunks or from HTTP/2, know no length, and
 * not all of them tell. Wrapped programs read only what is announced (RFC 9112 §6.3).
 */
function mayHaveContent(variables: ReadonlyMap<string, string>): boolean {
  return !variables.get('CONTENT_LENGTH') && !BARE.has(variables.get('REQUEST_METHOD') ?? 'GET');
}

/** Tells if a path is that of a unix socket at which nobody listens any more. */
async function isLeftSocket(path: string): Promise<boolean> {
  // A connection to a file of another kind is refused too (Linux).
  const isSocket = await lstat(path).then(
    (found) => found.isSocket(),
    () => false,
  );
  return (
    isSocket &&
    new Promise((resolve) => {
      const socket = connect(path);
      socket.once('connect', () => {
        socket.destroy();
        resolve(false);
      });
      socket.once('error', (error) => resolve('code' in error && error.code === 'ECONNREFUSED'));
    })
  );
}
