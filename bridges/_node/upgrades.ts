/**
 * Sends requests that ask for another protocol through a framework, so that they reach the mounts: with its routing, its
 * middleware and its authentication.
 *
 * node:http emits `upgrade` on the server and makes no response. This listener makes one on the same socket. A mounted
 * application either takes the socket over (hand-over.ts), or somebody answers, and the connection ends after that.
 *
 * Rule: whatever happens, the socket is taken, answered and closed, or left to another listener of the server.
 */
import type { EventEmitter } from 'node:events';
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { checkOptions, describe, type OptionsOf, settingsOf } from '../../src/gateway/index.ts';
import { destroyIfUnused, octetsWritten, responseOn } from '../../src/node-internals/index.ts';
import { forgetUpgrade, noteUpgrade } from './hand-over.ts';
import { pathOf } from './routing.ts';
import { hasContent, isForServer, serveAnew } from './serve-anew.ts';

/** The options of `upgrades`. */
export const UPGRADES_OPTIONS = {
  /**
   * Paths, as `/chat`. If the server has other listeners of `upgrade` too, all other paths are left to them. Without this option
   * every request goes through the app.
   */
  paths: { type: 'names', default: ['/'] },
} as const;

/** Options of `upgrades`. */
export interface UpgradesOptions extends OptionsOf<typeof UPGRADES_OPTIONS> {}

/** A listener for the event `upgrade` of a server. */
export type UpgradeListener = (this: unknown, request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Answers a request, as a listener of `request` does. */
export type Dispatch = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Milliseconds that a client has to close its half after an answer. */
const LINGER = 2_000;

/**
 * Makes a listener for `upgrade`, so that applications that are mounted in an app can take sockets over, as WebSockets need.
 *
 * Each request that asks for another protocol goes through the app, with its middleware, as if it were any other. If nobody
 * takes its socket, the app's answer goes out, and the connection ends.
 *
 * @param app An app of Express or Connect, or another listener of `request`, such as that of `toNode`
 * @param options The paths
 * @returns a listener for the server on which the app listens
 * @throws TypeError if the app is no function, or an option is wrong
 * @example
 * app.use('/chat', toExpress(chat));
 * const server = app.listen(8124);
 * server.on('upgrade', upgrades(app));
 */
export function upgrades(
  app: (request: never, response: never) => unknown,
  options: UpgradesOptions = {},
): UpgradeListener {
  if (typeof app !== 'function') {
    throw new TypeError(
      `App must be a function of request and response, not ${describe(app)}; for an instance of Fastify use upgrades of gatebridge/fastify`,
    );
  }
  // Express and others declare types of their own, which are node's with more members.
  return listenForUpgrades(app as Dispatch, options);
}

/**
 * Makes a listener for `upgrade`.
 *
 * @param dispatch Sends a request through the framework
 * @param options The paths
 * @throws TypeError if an option is wrong
 */
export function listenForUpgrades(dispatch: Dispatch, options: UpgradesOptions): UpgradeListener {
  checkOptions(options, UPGRADES_OPTIONS, { likely: 'paths' });
  const paths = settingsOf(UPGRADES_OPTIONS, options).paths.map(toPrefix);
  return function onUpgrade(this: unknown, request, socket, head) {
    // node has removed its own listener: without one an error would be uncaught.
    socket.on('error', ignore);
    // node gives the socket to listeners with nobody reading it: one of those before has taken it.
    if (socket.readableFlowing !== null) return;
    const written = octetsWritten(socket);
    const path = pathOf(request.url ?? '/').toLowerCase();
    if (hasOtherListeners(this) && !paths.some((prefix) => isBelow(path, prefix))) {
      destroyIfUnused(socket, written);
      return;
    }
    const upgrade = { request, socket, head };
    // Others, such as the reloading of Vite, know their own requests and take the socket at once.
    process.nextTick(() => {
      const response = responseOn(socket);
      const isTaken = response === undefined ? octetsWritten(socket) !== written : response.req === request;
      if (!isTaken) answer(upgrade, dispatch);
    });
  };
}

interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

function answer(upgrade: UpgradeRequest, dispatch: Dispatch): void {
  const { request, socket, head } = upgrade;
  if (socket.destroyed || socket.writableEnded) return;
  const earlier = responseOn(socket);
  if (earlier !== undefined) {
    // node emits the event of a pipelined request before earlier ones are answered (Node 20 to 26).
    earlier.once('close', () => answer(upgrade, dispatch));
    return;
  }
  if (isForServer(request)) {
    // The server has its own. A connection may ask again and again.
    socket.off('error', ignore);
    if (serveAnew(request, socket, head)) return;
    socket.on('error', ignore);
  }
  // Both methods need no more of a socket than a Duplex has.
  const connection = socket as Socket;
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  // As on node, a client that closes its half has left.
  const leave = (): unknown => socket.end();
  socket.once('end', leave);
  response.once('finish', () => {
    socket.off('end', leave);
    forgetUpgrade(request);
    response.detachSocket(connection);
    endInOrder(socket);
  });
  response.assignSocket(connection);
  if (lacksHost(request, socket)) {
    response.writeHead(400, { 'Content-Length': 0 }).end();
    return;
  }
  // RFC 9110 §7.8: Upgrade in HTTP/1.0 is ignored. Content would come before the first octet of the other protocol.
  if (request.httpVersion === '1.1' && !hasContent(request))
    noteUpgrade(request, { socket, head, response, leave });
  if ('setTimeout' in socket && typeof socket.setTimeout === 'function') socket.setTimeout(0);
  dispatch(request, response);
}

/** RFC 9112 §3.2. node checks this for other requests only. */
function lacksHost({ headers, httpVersion }: IncomingMessage, socket: Duplex): boolean {
  const server: { readonly requireHostHeader?: boolean } | undefined = Reflect.get(socket, 'server');
  return headers.host === undefined && httpVersion === '1.1' && server?.requireHostHeader !== false;
}

/** Ends a connection so that its client gets the answer: what it still sends is read, because it would be reset otherwise. */
function endInOrder(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), LINGER).unref();
  socket.once('close', () => clearTimeout(timer));
  socket.resume();
  socket.end();
}

function hasOtherListeners(emitter: unknown): boolean {
  // A listener that is called by hand has no server.
  const { listenerCount } = Object(emitter) as Partial<EventEmitter>;
  return typeof listenerCount === 'function' && listenerCount.call(emitter, 'upgrade') > 1;
}

function toPrefix(path: string): string {
  if (!path.startsWith('/'))
    throw new TypeError(`Option paths must have paths such as '/chat', not '${path}'`);
  return path.replace(/\/+$/, '').toLowerCase();
}

function isBelow(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === '/');
}

function ignore(): void {}
