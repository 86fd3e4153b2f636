/** Sends requests that ask for another protocol through a Fastify instance: see bridges/_node/upgrades.ts. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe } from '../../src/gateway/index.ts';
import { listenForUpgrades, type UpgradeListener, type UpgradesOptions } from '../_node/upgrades.ts';

/** The used part of a Fastify instance. Structural, so that Fastify's types are not needed. */
export interface RoutingInstance {
  routing(request: never, response: never): void;
  ready(): PromiseLike<unknown>;
}

/**
 * Makes a listener for `upgrade`, so that applications that are mounted in an instance can take sockets over, as WebSockets
 * need.
 *
 * Each request that asks for another protocol goes through the instance, with its hooks, as if it were any other. If nobody
 * takes its socket, the answer of the instance goes out, and the connection ends. With `@fastify/websocket`, which does the
 * same, it is not needed.
 *
 * @param instance The instance that listens
 * @param options The paths
 * @returns a listener for `instance.server`
 * @throws TypeError if the value is no Fastify instance, or an option is wrong
 * @example
 * app.register(toFastify(chat), { prefix: '/chat' });
 * app.server.on('upgrade', upgrades(app));
 * await app.listen({ port: 8124 });
 */
export function upgrades(instance: RoutingInstance, options: UpgradesOptions = {}): UpgradeListener {
  const { routing } = Object(instance) as Partial<RoutingInstance>;
  if (typeof routing !== 'function') {
    throw new TypeError(
      `Value must be a Fastify instance, not ${describe(instance)}; for other apps use upgrades of gatebridge/express or gatebridge/node`,
    );
  }
  let isReady = false;
  const dispatch = (request: IncomingMessage, response: ServerResponse): void => {
    if (isReady) {
      // Fastify declares a request type of its own, which is node's for an HTTP/1.1 server.
      instance.routing(request as never, response as never);
      return;
    }
    const begin = (): void => {
      isReady = true;
      dispatch(request, response);
    };
    // An instance that cannot become ready does not listen; its server may be another's.
    instance.ready().then(begin, () => response.destroy());
  };
  return listenForUpgrades(dispatch, options);
}
