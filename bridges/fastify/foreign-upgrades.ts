/**
 * Lets mounts take sockets over beside `@fastify/websocket`, which sends each upgrade through the routes of its instance itself.
 *
 * It keeps the socket under a symbol on node's request, and wraps the handler of every route: one that it does not know would
 * get its WebSocket opened and closed at once.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { hasUpgrade, noteUpgrade } from '../_node/hand-over.ts';
import type { FastifyReplyLike, FastifyRequestLike, FastifyRouteLike } from './instance.ts';
import { findSymbol } from './symbols.ts';

type Handler = FastifyRouteLike['handler'];

/** A request that a server of node has made. Its type lacks the member. */
interface RawRequest extends IncomingMessage {
  readonly upgrade?: boolean | null;
}

/** Notes the socket that the plugin has kept. */
export function noteForeignUpgrade(request: RawRequest, reply: FastifyReplyLike): void {
  // Most requests are none.
  if (request.upgrade !== true || hasUpgrade(request)) return;
  const socket = keptBy(request, 'ws-socket');
  if (socket === undefined) return;
  // The plugin has made both for this request, of what node has emitted.
  noteUpgrade(request, {
    socket: socket as Duplex,
    head: (keptBy(request, 'ws-head') ?? Buffer.alloc(0)) as Buffer,
    response: reply.raw as ServerResponse,
  });
}

function keptBy(request: object, description: string): unknown {
  const symbol = findSymbol(request, description);
  return symbol === undefined ? undefined : Reflect.get(request, symbol);
}

/** Calls our handler for an upgrade, whatever a plugin has put around it. */
export function keepUpgrades(route: FastifyRouteLike, handler: Handler): void {
  const { handler: outer } = route;
  if (outer === handler) return;
  const chosen = function (this: unknown, request: FastifyRequestLike, reply: FastifyReplyLike): unknown {
    // HTTP/2's compatibility API has no upgrade.
    const isUpgrade = (request.raw as RawRequest).upgrade === true;
    return isUpgrade ? handler(request, reply) : outer.call(this as FastifyRouteLike, request, reply);
  };
  Object.assign(route, { handler: chosen });
}
