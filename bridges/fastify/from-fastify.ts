/**
 * Fastify → gateway: makes an application of a Fastify instance.
 *
 * `instance.routing` is Fastify's documented way to pass requests to it without its own server. It works once the
 * instance is ready, for which the first request waits.
 */
import { checkOptions, type EventServer } from '../../src/gateway/index.ts';
import type { ApplicationFunction } from '../../src/index.ts';
import {
  LISTENER_OPTIONS,
  type ListenerOptions,
  messageConstructors,
  refuseListenersCall,
  serveListener,
  serveUpgrade,
  wrapListener,
} from '../../src/messages/index.ts';
import type { RequestMessage, ResponseMessage } from '../../src/node-internals/index.ts';
import { MOUNTED_REQUEST } from './mounted-request.ts';

/** The used part of a Fastify instance. Structural, so that Fastify's types are not needed. */
export interface FastifyApp {
  routing(request: never, response: never): void;
  ready(): PromiseLike<unknown>;
  /** Libraries attach to it. */
  readonly server?: EventServer;
}

/** Options of {@link fromFastify}. */
export interface FromFastifyOptions extends ListenerOptions {}

/**
 * Makes a gateway application of a Fastify instance.
 *
 * Nothing listens: `listen()` is not called, and `inject()` works as before. The first request loads the plugins,
 * unless `ready()` was called earlier. If the instance cannot become ready, every request fails with the error of
 * `ready()`.
 *
 * @param instance An instance of Fastify 5
 * @param options As for http.createServer
 * @returns the application
 * @throws TypeError if the value is no Fastify instance, or an option is unknown or wrong
 * @example
 * const instance = fastify();
 * instance.get('/', async () => ({ hello: 'world' }));
 * const application = fromFastify(instance);
 */
export function fromFastify(instance: FastifyApp, options: FromFastifyOptions = {}): ApplicationFunction {
  if (!isFastifyApp(instance)) {
    const hint = (instance as unknown) instanceof Promise ? '; await the promise of it' : '';
    throw new TypeError(`Value must be a Fastify instance, as fastify() makes it${hint}`);
  }
  checkOptions(options, LISTENER_OPTIONS);
  let isReady = false;
  const { server } = instance;
  // Socket.IO puts itself before Fastify's own listener.
  let hasOthers = server?.listeners('request').every((listener) => listener === instance.routing) === false;
  server?.on('newListener', (event: unknown) => {
    if (event === 'request') hasOthers = true;
  });
  const dispatch = (request: RequestMessage, response: ResponseMessage): void => {
    if (hasOthers && server !== undefined) {
      // Emitters declare no values that fit all events.
      server.emit('request', request as never, response as never);
      return;
    }
    // Fastify declares a request type of its own, which is node's for an HTTP/1.1 server.
    const routing: (request: RequestMessage, response: ResponseMessage) => void = instance.routing as never;
    routing(request, response);
  };
  const beReady = (): Promise<void> =>
    Promise.resolve(instance.ready()).then(() => {
      isReady = true;
    });
  const listener = (request: RequestMessage, response: ResponseMessage): Promise<void> | void =>
    isReady ? dispatch(request, response) : beReady().then(() => dispatch(request, response));
  const mountedOptions = { ...options, constructors: messageConstructors(MOUNTED_REQUEST) };
  const serve: ApplicationFunction = (environ, startResponse) => {
    const upgraded = server && serveUpgrade(server, environ);
    if (upgraded !== undefined) return upgraded;
    const messageOptions = environ.SCRIPT_NAME ? mountedOptions : options;
    return serveListener(dispatch, environ, startResponse, messageOptions);
  };
  return wrapListener(listener, (environ, startResponse) => {
    if (isReady) return serve(environ, startResponse);
    // At once, and not later by a promise that a caller with node's messages would drop.
    if (typeof startResponse !== 'function') return refuseListenersCall(environ);
    return beReady().then(() => serve(environ, startResponse));
  });
}

function isFastifyApp(value: unknown): value is FastifyApp {
  return (
    typeof value === 'object' &&
    value !== null &&
    'routing' in value &&
    typeof value.routing === 'function' &&
    'ready' in value &&
    typeof value.ready === 'function'
  );
}
