/**
 * The sockets of requests that ask for another protocol, for the sinks of mounts.
 *
 * node:http gives such a request away by the event `upgrade`, without a response. upgrades.ts makes a response, notes both
 * here, and sends the request through the framework to the mounts. The request of a wrapped program has what its own
 * gateway offers.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { disconnection, environOf } from '../../src/gateway/index.ts';
import { ApplicationError, type HandedOver } from '../../src/index.ts';
import { closeResponse } from '../../src/node-internals/index.ts';

/** A socket that can be handed over. */
export interface Upgrade {
  readonly socket: Duplex;
  /** Octets that have come after the request. */
  readonly head: Buffer;
  /** The response that goes out on the socket if nobody takes it. */
  readonly response: ServerResponse;
  /** A listener for the end of the socket that has to go with it. */
  readonly leave?: () => unknown;
}

const upgrades = new WeakMap<object, Upgrade>();

/** Notes that the socket of a request can be handed over. */
export function noteUpgrade(request: IncomingMessage, upgrade: Upgrade): void {
  upgrades.set(request, upgrade);
}

/** Forgets it, because the request is answered. */
export function forgetUpgrade(request: IncomingMessage): void {
  upgrades.delete(request);
}

/** Tells if the socket of a request of node's own server can be handed over. */
export function hasUpgrade(request: object): boolean {
  return upgrades.has(request);
}

/** Gives the function that hands over the socket of a request; undefined if there is none. */
export function handOverOf(
  request: IncomingMessage & { readonly upgrade?: boolean | null },
): (() => HandedOver) | undefined {
  if (request.upgrade !== true) return environOf(request)?.['gateway.upgrade'];
  const upgrade = upgrades.get(request);
  return upgrade === undefined ? undefined : () => handOver(request, upgrade);
}

function handOver(request: IncomingMessage, { socket, head, response, leave }: Upgrade): HandedOver {
  const isOver = upgrades.get(request)?.response !== response;
  if (isOver || response.headersSent) throw new ApplicationError('WSGI_ERR_RESPONSE_TAKEN');
  // The new owner would not hear of an end that has been emitted.
  if (socket.destroyed || socket.readableEnded) throw disconnection('response');
  if (leave !== undefined) socket.off('end', leave);
  forgetUpgrade(request);
  // The host may write to the response later: without a socket it writes nothing between the octets of the other protocol. The response
  // needs no more of a socket than a Duplex has.
  response.detachSocket(socket as Socket);
  // Middleware waits for it: loggers, and those that count what is under way.
  socket.once('close', () => closeResponse(response));
  return { socket, head };
}
