/**
 * Express → gateway: makes an application of an Express app.
 *
 * Express sets the prototypes of request and response on every request. Ours are made with the app's own
 * (`app.request`, `app.response`), so that nothing changes.
 */
import { checkOptions } from '../../src/gateway/index.ts';
import type { ApplicationFunction } from '../../src/index.ts';
import {
  LISTENER_OPTIONS,
  type ListenerOptions,
  messageConstructors,
  serveListener,
  wrapListener,
} from '../../src/messages/index.ts';
import type { RequestMessage, ResponseMessage } from '../../src/node-internals/index.ts';

/** The used part of an Express app. Structural, so that Express's types are not needed. */
export interface ExpressApp {
  (request: never, response: never): unknown;
  readonly request: object;
  readonly response: object;
}

/** Options of {@link fromExpress}. */
export interface FromExpressOptions extends ListenerOptions {}

/**
 * Makes a gateway application of an Express app.
 *
 * Express answers errors that the app leaves unhandled, as on node:http. Mounted below a path, the app sees
 * `req.baseUrl`, `req.url` and `req.originalUrl` as if `app.use()` had mounted it.
 *
 * @param expressApp An app of Express 5
 * @param options As for http.createServer
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
  checkOptions(options, LISTENER_OPTIONS);
  // An app takes any node messages; the further properties that it declares are Express's own.
  const app = expressApp as ExpressApp & Listener;
  let { request: requestPrototype, response: responsePrototype } = app;
  let listenerOptions = {
    ...options,
    constructors: messageConstructors(requestPrototype, responsePrototype),
  };
  return wrapListener(app, (environ, startResponse) => {
    if (app.request !== requestPrototype || app.response !== responsePrototype) {
      ({ request: requestPrototype, response: responsePrototype } = app);
      listenerOptions = {
        ...options,
        constructors: messageConstructors(requestPrototype, responsePrototype),
      };
    }
    return serveListener(app, environ, startResponse, listenerOptions);
  });
}

type Listener = (this: unknown, request: RequestMessage, response: ResponseMessage) => unknown;

function isExpressApp(value: unknown): value is ExpressApp {
  return typeof value === 'function' && 'request' in value && 'response' in value && 'handle' in value;
}
