/** Puts the layers of the options around an application. */
import { encodeNative } from '../gateway/native-string.ts';
import { accessLog } from '../middleware/access-log.ts';
import { answerText } from '../middleware/answer.ts';
import { compose } from '../middleware/compose.ts';
import { trustedProxy } from '../middleware/trusted-proxy.ts';
import { validate } from '../validate/validate.ts';
import type { Application, ApplicationFunction, Body, Environ, HeaderList, StartResponse } from '../wsgi.ts';
import type { Settings } from './settings.ts';

/** The settings that layers obey. */
export type LayerSettings = Pick<
  Settings,
  | 'accessLog'
  | 'accessLogFormat'
  | 'forwardedAllowIps'
  | 'healthPath'
  | 'limitConcurrency'
  | 'rootPath'
  | 'validate'
>;

/** Callbacks of the layers. */
export interface LayerHooks {
  /** Takes a line of the access log. */
  log(line: string): void;
  /** Called for each request that has ended. */
  onRequest?: (() => void) | undefined;
  /** Health says 503: the process is about to stop. */
  isLame(): boolean;
}

/** Takes the function form and gives it. */
type Layer = (inner: ApplicationFunction) => Application;

/** Wraps an application in what the options ask for. */
export function addLayers(
  application: ApplicationFunction,
  settings: LayerSettings,
  { log, onRequest, isLame }: LayerHooks,
): ApplicationFunction {
  const layers: Layer[] = [];
  if (settings.healthPath !== undefined) layers.push(healthAt(settings.healthPath, isLame));
  if (onRequest !== undefined) layers.push(counted(onRequest));
  if (settings.limitConcurrency > 0) layers.push(limitConcurrency(settings.limitConcurrency));
  const proxies = settings.forwardedAllowIps;
  if (proxies !== undefined && proxies.length > 0)
    layers.push(trustedProxy({ addresses: networksOf(proxies) }));
  if (settings.accessLog) layers.push(accessLog({ format: settings.accessLogFormat, log }));
  if (settings.rootPath !== undefined) layers.push(mountedAt(settings.rootPath));
  // A broken rule is told, and the response goes on: it may be a framework's that nobody here can mend.
  if (settings.validate) layers.push((inner) => validate(inner, { mode: 'report' }));
  return compose(...layers)(application);
}

/** `*` is every address, as for gunicorn and uvicorn. */
function networksOf(list: readonly string[]): string[] {
  return list.flatMap((entry) => (entry === '*' ? ['0.0.0.0/0', '::/0', 'unix'] : [entry]));
}

type Call = (
  environ: Environ,
  startResponse: StartResponse,
  next: ApplicationFunction,
) => Body | Promise<Body>;

/** Makes a layer of a function that may call the next one. */
function layer(call: Call): Layer {
  return (next) => (environ, startResponse) => call(environ, startResponse, next);
}

function counted(onRequest: () => void): Layer {
  return layer((environ, startResponse, next) => {
    environ['gateway.on_finished']?.(() => onRequest());
    return next(environ, startResponse);
  });
}

/** Answers 503 above so many requests at once. */
function limitConcurrency(limit: number): Layer {
  let running = 0;
  return layer((environ, startResponse, next) => {
    if (running >= limit) {
      return answerText(environ, startResponse, { statusCode: 503, headers: [['Retry-After', '1']] });
    }
    running += 1;
    environ['gateway.on_finished']?.(() => {
      running -= 1;
    });
    return next(environ, startResponse);
  });
}

/** Answers who asks for the health of the process; no log is full of it. */
function healthAt(path: string, isLame: () => boolean): Layer {
  return layer((environ, startResponse, next) => {
    if (environ.PATH_INFO !== path) return next(environ, startResponse);
    return answerHealth(environ, startResponse, !isLame());
  });
}

/** Answers 200 or 503. */
export function answerHealth(environ: Environ, startResponse: StartResponse, isWell: boolean): Body {
  const headers: HeaderList = [['Cache-Control', 'no-store']];
  return answerText(environ, startResponse, {
    statusCode: isWell ? 200 : 503,
    text: isWell ? 'ok' : 'stopping',
    headers,
  });
}

/** Sets SCRIPT_NAME, whether the proxy in front has taken the path off the target or not. */
function mountedAt(text: string): Layer {
  const rootPath = encodeNative(text);
  return layer((environ, startResponse, next) => next(mountedEnviron(environ, rootPath), startResponse));
}

function mountedEnviron(environ: Environ, rootPath: string): Environ {
  const path = environ.PATH_INFO ?? '';
  const isBelow = path === rootPath || path.startsWith(`${rootPath}/`);
  return {
    ...environ,
    SCRIPT_NAME: `${environ.SCRIPT_NAME ?? ''}${rootPath}`,
    PATH_INFO: isBelow ? path.slice(rootPath.length) : path,
  };
}
