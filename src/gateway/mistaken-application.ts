/**
 * Recognises what people pass or mount in place of an application, and says what to pass.
 *
 * All of it is told by the members that the values of other packages have; nothing is imported for it.
 */
import { isError } from '../errors.ts';
import { adapterName } from './adapter.ts';
import { describe } from './describe.ts';
import { logLine, type RequestLog } from './failure-log.ts';

/** Something that is no application, with what to pass instead. */
interface Mistake {
  readonly what: string;
  readonly cure: string;
  matches(value: object): boolean;
}

/** Functions, which would be called as applications. */
const FUNCTIONS: readonly Mistake[] = [
  {
    what: 'an app or router of Express',
    cure: 'pass fromExpress(app), or fromNode(listener) for Connect and its kin',
    matches: (value) =>
      hasMethods(value, 'handle') && ('stack' in value || ('request' in value && 'response' in value)),
  },
];

/** Objects. The order counts: some have the members of others. */
const OBJECTS: readonly Mistake[] = [
  {
    what: 'an environ',
    cure: 'a middleware was mounted without its application: call it first, as in middleware(application)',
    matches: (value) => 'wsgi.input' in value && 'REQUEST_METHOD' in value,
  },
  { what: 'a promise', cure: 'await it', matches: (value) => value instanceof Promise },
  {
    what: 'an instance of Fastify',
    cure: 'pass fromFastify(instance)',
    matches: (value) => 'routing' in value && 'inject' in value,
  },
  { what: 'a promise', cure: 'await it', matches: (value) => hasMethods(value, 'then', 'catch') },
  {
    what: 'a module',
    cure: 'pass its default export',
    matches: (value) =>
      'default' in value && (isModule(value) || '__esModule' in value || onlyDefault(value)),
  },
  { what: 'a module', cure: 'pass one of its exports', matches: isModule },
  {
    what: 'an app of Koa',
    cure: 'pass fromNode(app.callback())',
    matches: (value) => hasMethods(value, 'callback', 'use', 'listen'),
  },
  {
    what: 'an app of Hono or h3, or another one with a fetch method',
    cure: 'pass fromFetch(app)',
    matches: (value) => hasMethods(value, 'fetch'),
  },
  {
    what: 'an app of h3 before its version 2',
    cure: "pass fromNode(toNodeListener(app)), with h3's own toNodeListener",
    matches: (value) => hasMethods(value, 'handler', 'use') && 'stack' in value && 'options' in value,
  },
  {
    what: 'an app of polka',
    cure: 'pass fromNode(app.handler)',
    matches: (value) => hasMethods(value, 'handler', 'use', 'listen'),
  },
  {
    what: 'an app of Nest',
    cure: 'await app.init(), then pass fromExpress(app.getHttpAdapter().getInstance())',
    matches: (value) => hasMethods(value, 'getHttpAdapter'),
  },
  {
    what: 'a server',
    cure: 'pass fromNode(listener), with the listener that the server was made with',
    matches: (value) => hasMethods(value, 'listen', 'emit'),
  },
  {
    what: 'the result of an application',
    cure: 'pass the application itself, without calling it',
    matches: (value) => Array.isArray(value) || /Generator\]$/.test(Object.prototype.toString.call(value)),
  },
  {
    what: 'an iterable object',
    cure: 'pass the class, not an instance of it',
    matches: (value) => Symbol.iterator in value || Symbol.asyncIterator in value,
  },
];

/**
 * Tells what a function is, if it is surely no application, and what to pass instead.
 *
 * @returns undefined if it may be an application
 */
export function mistakenFunction(value: object): string | undefined {
  const adapter = adapterName(value);
  if (adapter !== undefined) return `the result of ${adapter}(application): pass the application itself`;
  return explain(FUNCTIONS, value);
}

/** Tells what a value is that has none of the forms of an application, and what to pass instead. */
export function mistakenValue(value: unknown): string {
  if (typeof value !== 'object' || value === null) return describe(value);
  return explain(OBJECTS, value) ?? 'an object without one';
}

/** Words for what to do. */
const cures = {
  listener: 'pass fromNode(listener)',
  factory: 'call it and pass its result',
  handler: 'pass fromFetch(handler)',
};

/** From now on hints name flags of the command, where people have no call in which they could pass something. */
export function adviseFlags(): void {
  cures.listener = 'add --interface node';
  cures.factory = 'add --factory';
  cures.handler = 'add --interface fetch';
}

/**
 * Logs a hint if an application failed as something else does that was passed in its place.
 *
 * @param log The log of the request
 * @param error The failure, before any call of startResponse
 */
export function hintAtMistake(log: RequestLog, error: unknown): void {
  if (isListenersFailure(error))
    logLine(
      log,
      `The application failed like a listener for node:http: if it takes (request, response), ${cures.listener}`,
    );
  else if (isFactorysFailure(error))
    logLine(log, `The application returned a function: if it makes the application, ${cures.factory}`);
  else if (hasReturned(error, /found a Response/))
    logLine(log, `The application returned a Response: if it is a fetch handler, ${cures.handler}`);
}

/** The first mistakes of a listener that is called as an application. */
const LISTENERS_CALL =
  /\.(?:end|write|writeHead|setHeader|getHeader|appendHeader|flushHeaders|header|set|get|status|type|send|sendFile|json|redirect|render|on|once|pipe|resume) is not a function(?:$|\. \(In )/;

function isListenersFailure(error: unknown): boolean {
  if (hasReturned(error, /found undefined/)) return true;
  // A proxy may throw when it is looked at.
  try {
    return isError(error) && error.name === 'TypeError' && LISTENERS_CALL.test(error.message);
  } catch {
    return false;
  }
}

function isFactorysFailure(error: unknown): boolean {
  return hasReturned(error, /found a function/);
}

/** Tells if the application has returned something that is no body. */
function hasReturned(error: unknown, what: RegExp): boolean {
  try {
    return (
      isError(error) && 'code' in error && error.code === 'WSGI_ERR_BODY_INVALID' && what.test(error.message)
    );
  } catch {
    return false;
  }
}

function explain(mistakes: readonly Mistake[], value: object): string | undefined {
  const mistake = mistakes.find(({ matches }) => matches(value));
  return mistake && `${mistake.what}: ${mistake.cure}`;
}

function hasMethods(value: object, ...names: readonly string[]): boolean {
  return names.every((name) => typeof Reflect.get(value, name) === 'function');
}

function isModule(value: object): boolean {
  return Object.prototype.toString.call(value) === '[object Module]';
}

/** Loaders and bundlers make plain objects of modules. */
function onlyDefault(value: object): boolean {
  return Object.keys(value).length === 1;
}
