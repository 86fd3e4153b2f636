/**
 * Express → gateway: makes an application of an Express app.
 *
 * Express sets the prototypes of request and response on every request. Ours are made with the app's own
 * (`app.request`, `app.response`), so that nothing changes.
 */
import { checkOptions, type OptionsOf } from '../../src/gateway/index.ts';
import type { ApplicationFunction } from '../../src/index.ts';
import {
  emitRequests,
  LISTENER_OPTIONS,
  type ListenerOptions,
  messageConstructors,
  serveListener,
  serveUpgrade,
  wrapListener,
} from '../../src/messages/index.ts';
import type { RequestMessage, ResponseMessage } from '../../src/node-internals/index.ts';

/** The used part of an Express app. Structural, so that Express's types are not needed. */
export interface ExpressApp {
  (request: never, response: never): unknown;
  readonly request: object;
  readonly response: object;
}

/** The options of `fromExpress` besides those of every listener. */
export const FROM_EXPRESS_OPTIONS = {
  /**
   * A server of node:http, made by `createServer(app)`, that never listens. It emits each `request` and `upgrade`, so that ws and
   * socket.io can attach to it.
   */
  server: { type: 'server' },
} as const;

/** Options of {@link fromExpress}. */
export interface FromExpressOptions extends ListenerOptions, OptionsOf<typeof FROM_EXPRESS_OPTIONS> {}

/**
 * Makes a gateway application of an Express app.
 *
 * Express answers errors that the app leaves unhandled, as on node:http. Mounted below a path, the app sees
 * `req.baseUrl`, `req.url` and `req.originalUrl` as if `app.use()` had mounted it.
 *
 * @param expressApp An app of Express 5
 * @param options The server that libraries attach to; the rest as for http.createServer
 * @returns the application
 * @throws TypeError if the value is no Express app, or an option is unknown or wrong
 * @example
 * const app = express();
 * app.get('/', (req, res) => res.send('Hello'));
 * const application = fromExpress(app);
 */
export function fromExpress(expressApp: ExpressApp, options: FromExpressOptions = {}): ApplicationFunction {
  if (!isExpressApp(expressApp)) {
    const isRouter = typeof expressApp === 'function' && 'stack' in expressApp;
    const hint = isRouter
      ? 'put a router into one: express().use(router)'
      : 'use fromNode for other listeners';
    throw new TypeError(`Value must be an Express app, as express() makes it; ${hint}`);
  }
  checkOptions(options, { ...LISTENER_OPTIONS, ...FROM_EXPRESS_OPTIONS });
  // An app takes any node messages; the further properties that it declares are Express's own.
  const app = expressApp as ExpressApp & Listener;
  const { server } = options;
  // Emitters declare no values that fit all events.
  if (server?.listenerCount('request') === 0) server.on('request', app as (...values: unknown[]) => void);
  const dispatch = server === undefined ? app : emitRequests(server);
  let { request: requestPrototype, response: responsePrototype } = app;
  let listenerOptions = {
    ...options,
    constructors: messageConstructors(requestPrototype, responsePrototype),
  };
  return wrapListener(dispatch, (environ, startResponse) => {
    const upgraded = server && serveUpgrade(server, environ);
    if (upgraded !== undefined) return upgraded;
    if (app.request !== requestPrototype || app.response !== responsePrototype) {
      ({ request: requestPrototype, response: responsePrototype } = app);
      listenerOptions = {
        ...options,
        constructors: messageConstructors(requestPrototype, responsePrototype),
      };
    }
    return serveListener(dispatch, environ, startResponse, listenerOptions);
  });
}

type Listener = (this: unknown, request: RequestMessage, response: ResponseMessage) => unknown;

function isExpressApp(value: unknown): value is ExpressApp {
  return typeof value === 'function' && 'request' in value && 'response' in value && 'handle' in value;
}
