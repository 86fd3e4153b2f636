/**
 * The server of a wrapped program: one of node:http that never listens. Libraries attach to it, and it emits here what it
 * would emit if it listened.
 *
 * A gateway that offers `gateway.upgrade` hands the socket over to the server's listeners of `upgrade`, if there are any.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { EventServer } from '../gateway/option-table.ts';
import { destroyIfUnused, octetsWritten } from '../node-internals/index.ts';
import type { Body, Environ } from '../wsgi.ts';
import type { Dispatch } from './exchange.ts';
import { mountProperties } from './request/request-target.ts';
import { createTakeoverRequest } from './request/takeover-request.ts';
import { socketFor } from './socket/socket-registry.ts';

/** A server, as far as programs have one. */
export interface ProgramServer extends EventServer {
  /** Since Node 22.21 and 24.9. */
  shouldUpgradeCallback?(request: never): unknown;
}

/** Makes a listener of requests that emits them on a server. */
export function emitRequests(server: ProgramServer): Dispatch {
  return (request, response) => {
    // Emitters declare no values that fit all events.
    if (!server.emit('request', request as never, response as never))
      throw new Error('Nobody listens for requests on the server of the program: createServer(listener)');
  };
}

/**
 * Lets listeners of `upgrade` take the socket of a request over.
 *
 * @returns the body that the application gives back; undefined if there is no upgrade, or nobody listens
 * @throws what a listener throws
 */
export function serveUpgrade(server: ProgramServer, environ: Environ): Body | undefined {
  const handOver = environ['gateway.upgrade'];
  if (typeof handOver !== 'function' || server.listenerCount('upgrade') === 0 || !confirms(server, environ))
    return undefined;
  const handedOver = handOver();
  // Every host of ours hands over a Duplex.
  const socket = handedOver.socket as Duplex;
  const written = octetsWritten(socket);
  const request = createMountedRequest(environ, socket);
  const head = Buffer.from(handedOver.head);
  // Emitters declare no values that fit all events.
  if (server.emit('upgrade', request as never, socket as never, head as never))
    destroyIfUnused(socket, written);
  else socket.destroy();
  return [];
}

function confirms(server: ProgramServer, environ: Environ): boolean {
  if (typeof server.shouldUpgradeCallback !== 'function') return true;
  // Declared for node's own request, which this is.
  const request = createMountedRequest(environ, socketFor(environ)) as never;
  return Boolean(server.shouldUpgradeCallback(request));
}

function createMountedRequest(environ: Environ, socket: object): IncomingMessage {
  return Object.assign(createTakeoverRequest(environ, socket), mountProperties(environ));
}
