/** Checks the environ that a server passes. */
import { describe } from '../gateway/describe.ts';
import { isToken } from '../gateway/headers.ts';
import { ABOVE_OCTET } from '../gateway/native-string.ts';
import type { Reporter } from './reporter.ts';
import type { RuleId } from './rules.ts';

const REQUIRED: readonly string[] = [
  'REQUEST_METHOD',
  'SERVER_NAME',
  'SERVER_PORT',
  'SERVER_PROTOCOL',
  'wsgi.version',
  'wsgi.url_scheme',
  'wsgi.input',
  'wsgi.errors',
  'wsgi.multithread',
  'wsgi.multiprocess',
  'wsgi.run_once',
];

/** Keys of extensions whose values are functions. */
const FUNCTIONS: readonly string[] = [
  'wsgi.file_wrapper',
  'gateway.signal',
  'gateway.on_finished',
  'gateway.early_hints',
  'gateway.informational',
  'gateway.trailers',
  'gateway.send_trailers',
  'gateway.connection',
  'gateway.upgrade',
];

/** The methods of IANA's registry, and those that node's parser knows besides. */
const METHODS: ReadonlySet<string> = new Set(
  (
    'ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT CONNECT COPY DELETE GET HEAD LABEL LINK LOCK MERGE MKACTIVITY ' +
    'MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH POST PRI PROPFIND PROPPATCH PUT QUERY ' +
    'REBIND REPORT SEARCH TRACE UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL ' +
    'M-SEARCH NOTIFY PURGE SOURCE SUBSCRIBE UNSUBSCRIBE'
  ).split(' '),
);

/** A host name, an IPv4 address, or an IPv6 address in brackets. */
const HOST = /^(?:\[[0-9A-Fa-fv][^\]\s]*\]|\[::[^\]\s]*\]|[^\s/?#@[\]:\\]+)$/;

/** The same with an optional port; Host may be empty (RFC 9112 §3.2). */
const AUTHORITY = /^(?:\[[^\]\s]+\]|[^\s/?#@[\]:\\,]*)(?::\d*)?$/;

type Keys = Readonly<Record<string, unknown>>;

/**
 * Checks an environ.
 *
 * @param environ What the server passed, of any type
 * @returns true if it is an object, so that its keys can be used
 */
export function checkEnviron(environ: unknown, reporter: Reporter): environ is Record<string, unknown> {
  if (typeof environ !== 'object' || environ === null) {
    reporter.caller('environ-1-plain-object', `found ${describe(environ)}`);
    return false;
  }
  checkObject(environ, reporter);
  // It has been checked, and only reported if it is none.
  const keys = environ as Keys;
  checkKeys(keys, reporter);
  checkPaths(keys, reporter);
  checkRequest(keys, reporter);
  checkServer(keys, reporter);
  checkGateway(keys, reporter);
  return true;
}

function checkObject(environ: object, reporter: Reporter): void {
  if (!isPlain(environ)) {
    reporter.caller('environ-1-plain-object', `found ${describe(environ)}`);
    return;
  }
  if (!Object.isExtensible(environ)) {
    reporter.caller('environ-1-plain-object', 'found one that is frozen, sealed or not extensible');
  }
  for (const key of Reflect.ownKeys(environ)) {
    if (typeof key === 'symbol') reporter.caller('environ-2-string-keys', `found ${String(key)}`);
    const { enumerable, writable } = Object.getOwnPropertyDescriptor(environ, key) ?? {};
    if (!(enumerable && writable))
      reporter.caller('environ-1-plain-properties', `found another at ${String(key)}`);
  }
}

/** Tells if the prototype is null or Object.prototype, of any realm: Jest and `vm` have one of their own. */
function isPlain(environ: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(environ);
  return prototype === null || (!Array.isArray(environ) && Object.getPrototypeOf(prototype) === null);
}

function checkKeys(environ: Keys, reporter: Reporter): void {
  for (const key of REQUIRED) {
    if (!Object.hasOwn(environ, key)) reporter.caller('environ-3-required-keys', `${key} is missing`);
  }
  for (const [key, value] of Object.entries(environ)) {
    if (key.includes('.')) continue;
    if (typeof value !== 'string') reporter.caller('environ-4-string-values', `${key} is ${describe(value)}`);
    else if (ABOVE_OCTET.test(value)) {
      reporter.caller(
        'environ-5-native-strings',
        `${key} is ${JSON.stringify(value)}; encodeNative makes it one`,
      );
    }
  }
  for (const key of ['HTTP_CONTENT_TYPE', 'HTTP_CONTENT_LENGTH']) {
    if (Object.hasOwn(environ, key)) reporter.caller('environ-6-content-keys', `found ${key}`);
  }
}

function checkPaths(environ: Keys, reporter: Reporter): void {
  const script = textOf(environ, 'SCRIPT_NAME');
  const path = textOf(environ, 'PATH_INFO');
  const tell = (rule: RuleId): void =>
    reporter.caller(
      rule,
      `found SCRIPT_NAME ${JSON.stringify(script)} and PATH_INFO ${JSON.stringify(path)}`,
    );
  if (!Object.hasOwn(environ, 'QUERY_STRING')) reporter.caller('environ-7-query-string', 'it is missing');
  if (script === '/') tell('environ-12-script-name-root');
  else if (script !== '' && !script.startsWith('/')) tell('environ-11-script-name-slash');
  else if (script.endsWith('/')) tell('environ-13-script-name-end');
  const isAsterisk = path === '*' && environ.REQUEST_METHOD === 'OPTIONS';
  if (path !== '' && !path.startsWith('/') && !isAsterisk) tell('environ-14-path-info-slash');
  // CONNECT names a host and no path.
  if (script === '' && path === '' && environ.REQUEST_METHOD !== 'CONNECT') tell('environ-15-path');
  const target = typeof environ.REQUEST_URI === 'string' ? environ.REQUEST_URI : undefined;
  if (hasQuery(path, textOf(environ, 'QUERY_STRING'), target) || hasFragment(path, target))
    tell('environ-16-path-only');
}

/** Tells if a path has kept its query. A question mark that was encoded in the target belongs to the path. */
function hasQuery(path: string, query: string, target: string | undefined): boolean {
  const mark = path.indexOf('?');
  if (mark === -1) return false;
  if (target !== undefined) return target.includes('?') && !/%3f/i.test(target);
  return query !== '' && path.slice(mark + 1) === query;
}

function hasFragment(path: string, target: string | undefined): boolean {
  return path.includes('#') && target?.includes('#') === true && !target.includes('%23');
}

function checkRequest(environ: Keys, reporter: Reporter): void {
  const method = textOf(environ, 'REQUEST_METHOD');
  if (Object.hasOwn(environ, 'REQUEST_METHOD') && !isToken(method))
    reporter.caller('environ-10-method', shown(method));
  else if (method !== '' && !METHODS.has(method)) reporter.caller('environ-10-known-method', shown(method));
  const length = textOf(environ, 'CONTENT_LENGTH');
  if (length !== '' && !/^\d+$/.test(length)) reporter.caller('environ-17-content-length', shown(length));
  const host = textOf(environ, 'HTTP_HOST');
  if (!AUTHORITY.test(host)) reporter.caller('environ-20-host', shown(host));
}

function checkServer(environ: Keys, reporter: Reporter): void {
  const check = (key: string, pattern: RegExp, rule: RuleId): void => {
    const value = environ[key];
    if (typeof value === 'string' && !pattern.test(value)) reporter.caller(rule, shown(value));
  };
  check('SERVER_NAME', HOST, 'environ-18-server-name');
  check('SERVER_PORT', /^\d+$/, 'environ-18-server-port');
  check('SERVER_PROTOCOL', /^HTTP\/\d(?:\.\d)?$/, 'environ-19-server-protocol');
}

function checkGateway(environ: Keys, reporter: Reporter): void {
  const version = environ['wsgi.version'];
  if (!(Array.isArray(version) && version.length === 2 && version[0] === 1 && version[1] === 0))
    reporter.caller('environ-8-version', `found ${showVersion(version)}`);
  const scheme = environ['wsgi.url_scheme'];
  if (scheme !== 'http' && scheme !== 'https') reporter.caller('environ-9-url-scheme', shown(scheme));
  const input = missingMethod(environ['wsgi.input'], ['read', 'readline', 'readlines', Symbol.asyncIterator]);
  if (input !== undefined) reporter.caller('environ-21-input', input);
  const errors = missingMethod(environ['wsgi.errors'], ['write', 'writelines', 'flush']);
  if (errors !== undefined) reporter.caller('environ-21-errors', errors);
  for (const key of FUNCTIONS) {
    if (Object.hasOwn(environ, key) && typeof environ[key] !== 'function')
      reporter.caller('environ-22-extensions', `${key} is ${describe(environ[key])}`);
  }
  if (typeof environ['gateway.upgrade'] === 'function') checkOffer(environ, reporter);
}

/** RFC 9110 §7.8: Upgrade counts only if Connection names it. */
function checkOffer(environ: Keys, reporter: Reporter): void {
  const rule = 'upgrade-251-offered';
  const connection = textOf(environ, 'HTTP_CONNECTION')
    .toLowerCase()
    .split(/[ \t]*,[ \t]*/);
  const length = textOf(environ, 'CONTENT_LENGTH');
  if (textOf(environ, 'HTTP_UPGRADE') === '') reporter.caller(rule, 'found no Upgrade');
  else if (!connection.includes('upgrade')) reporter.caller(rule, 'found a Connection without upgrade');
  else if (Number(length) > 0) reporter.caller(rule, `found a Content-Length of ${length}`);
}

function shown(value: unknown): string {
  return `found ${typeof value === 'string' ? JSON.stringify(value) : describe(value)}`;
}

function showVersion(version: unknown): string {
  return Array.isArray(version) ? JSON.stringify(version) : describe(version);
}

function missingMethod(stream: unknown, methods: readonly (string | symbol)[]): string | undefined {
  if (typeof stream !== 'object' || stream === null) return `found ${describe(stream)}`;
  const missing = methods.find((method) => typeof Reflect.get(stream, method) !== 'function');
  return missing === undefined ? undefined : `${describe(stream)} has no ${String(missing)}`;
}

/** Gives a string; '' for what is missing or no string, which is reported elsewhere. */
function textOf(environ: Keys, key: string): string {
  const value = environ[key];
  return typeof value === 'string' ? value : '';
}
