/**
 * Request → environ: the one place where CGI variables are made.
 *
 * Rule 1: strings are native strings from end to end; a path is percent-decoded to octets, never to characters.
 * Rule 2: the field lines are read as they were received. What a host has already folded into an object
 *         (node's `req.headers`) has lost repeats, and with them the means to refuse them.
 * Rule 3: nothing of the operating system's environment gets in unless the deployer puts it there.
 *
 * Everything here runs for every request: the environ is born with its shape, and what becomes of a field name is
 * remembered.
 */

import { ProtocolError } from '../errors.ts';
import type { GatewayRequest } from '../port.ts';
import { SOFTWARE } from '../software.ts';
import type { Environ } from '../wsgi.ts';
import { standardErrors } from './error-stream.ts';
import { fileWrapper } from './file-wrapper.ts';
import { Input } from './input.ts';
import { NameMemory } from './name-memory.ts';
import { decodePath } from './native-string.ts';
import type { OptionsOf } from './option-table.ts';

/** The options of `createEnviron`. */
export const ENVIRON_OPTIONS = {
  /** Further keys of every environ. They replace those that the gateway makes (PEP 3333's name-value pairs). */
  environ: { type: 'object' },
  /**
   * Drops a field whose name has an underscore (`'drop'`), refuses its request (`'refuse'`, 400) or allows it (`'allow'`): its
   * variable is the one of the name with a hyphen.
   */
  underscoreHeaders: { type: ['drop', 'refuse', 'allow'], default: 'drop' },
} as const;

/** Options of every environ of one mount. */
export interface EnvironOptions extends OptionsOf<typeof ENVIRON_OPTIONS> {
  readonly environ?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Makes the environ of a request.
 *
 * @param request What the host knows of the request
 * @param options What the deployer decided
 * @returns A fresh plain object that belongs to the application
 * @throws {@link ProtocolError} 400 if Host, Content-Type or Content-Length is repeated (RFC 9110 §5.3), or if a
 *   name has an underscore and the option refuses it
 * @example
 * const environ = createEnviron({
 *   method: 'GET',
 *   target: '/caf%C3%A9?x=1',
 *   protocol: 'HTTP/1.1',
 *   rawHeaders: ['Host', 'localhost'],
 *   scheme: 'http',
 *   serverName: '127.0.0.1',
 *   serverPort: '8124',
 * });
 * environ.PATH_INFO; // '/caf\xc3\xa9'
 */
export function createEnviron(request: GatewayRequest, options: EnvironOptions = NO_OPTIONS): Environ {
  const { target } = request;
  let url = target;
  let authority: string | undefined;
  if (target.charCodeAt(0) !== SLASH) {
    const absolute = ABSOLUTE_FORM.exec(target);
    if (absolute !== null) {
      authority = absolute[1];
      url = absolute[2] ?? '';
      // RFC 9110 §4.2.3: an empty path is the same as '/'.
      if (url.charCodeAt(0) !== SLASH) url = `/${url}`;
    } else if (target !== '*') {
      // authority-form, RFC 9112 §3.2.3: there is no path.
      url = '';
    }
  }
  if (request.url !== undefined) url = request.url;
  // Our own server refuses a fragment; node lets it through.
  const hash = url.indexOf('#');
  if (hash !== -1) url = url.slice(0, hash);
  const question = url.indexOf('?');

  const path = decodePath(question === -1 ? url : url.slice(0, question));
  const query = question === -1 ? '' : url.slice(question + 1);
  const environ = new BareEnviron(request, path, query);
  if (request.remoteAddress !== undefined) environ.REMOTE_ADDR = unmapAddress(request.remoteAddress);
  if (request.remotePort !== undefined) environ.REMOTE_PORT = request.remotePort;
  if (request.scheme === 'https') environ.HTTPS = 'on';
  if (request.trailers !== undefined) environ['gateway.trailers'] = request.trailers;
  if (request.socket !== undefined) environ['gateway.socket'] = request.socket;
  addFields(
    environ,
    request.rawHeaders,
    options.underscoreHeaders ?? ENVIRON_OPTIONS.underscoreHeaders.default,
  );
  // RFC 9112 §3.2.2: the authority of an absolute-form target replaces what Host says.
  if (authority !== undefined) environ.HTTP_HOST = authority.slice(authority.lastIndexOf('@') + 1);
  if (request.extensions !== undefined) Object.assign(environ, request.extensions);
  if (options.environ !== undefined) Object.assign(environ, options.environ);
  return environ;
}

/**
 * Makes the plain object that an environ is, with the keys that every environ has.
 *
 * A function to be called with `new`: V8 leaves room in what a function constructs, for up to eight keys more, where the
 * first environs had them. In a literal there is none, and its further keys go elsewhere and are moved with every third
 * one: 2 to 5 % of a hello request (Node 20 to 26), and 200 octets of it.
 */
const BareEnviron = function Environ(
  this: Environ,
  request: GatewayRequest,
  path: string,
  query: string,
): void {
  this.REQUEST_METHOD = request.method;
  this.SCRIPT_NAME = request.mount === undefined ? '' : scriptName(request.mount);
  this.PATH_INFO = path;
  this.QUERY_STRING = query;
  this.SERVER_NAME = hostLiteral(request.serverName);
  this.SERVER_PORT = request.serverPort;
  this.SERVER_PROTOCOL = request.protocol;
  this.SERVER_SOFTWARE = SOFTWARE;
  this.REQUEST_URI = request.target;
  this.RAW_URI = request.target;
  this['wsgi.version'] = WSGI_VERSION;
  this['wsgi.url_scheme'] = request.scheme;
  this['wsgi.input'] = new Input(request.input);
  this['wsgi.errors'] = request.errors ?? standardErrors;
  this['wsgi.multithread'] = false;
  this['wsgi.multiprocess'] = request.multiprocess === true;
  this['wsgi.run_once'] = false;
  this['wsgi.input_terminated'] = true;
  this['wsgi.file_wrapper'] = fileWrapper;
  this['gateway.nonblocking'] = true;
  this['gateway.raw_headers'] = request.rawHeaders;
  // TypeScript knows constructors of classes only, and a class cannot have the prototype of objects that have none.
} as unknown as new (
  request: GatewayRequest,
  path: string,
  query: string,
) => Environ;
Object.defineProperty(BareEnviron, 'prototype', { value: Object.prototype });

const NO_OPTIONS: EnvironOptions = {};
const SLASH = 0x2f;
const COLON = 0x3a;
const ABSOLUTE_FORM = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)(.*)$/s;
const WSGI_VERSION: readonly [1, 0] = Object.freeze([1, 0]);

/** SCRIPT_NAME never ends in a slash and is never just one. */
function scriptName(mount: string): string {
  const decoded = decodePath(mount);
  let end = decoded.length;
  while (end > 0 && decoded.charCodeAt(end - 1) === SLASH) end -= 1;
  return decoded.slice(0, end);
}

/** An IPv4 address that an IPv6 socket has mapped (`::ffff:127.0.0.1`) is told as IPv4. */
function unmapAddress(address: string): string {
  if (address.charCodeAt(0) !== COLON) return address;
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/** RFC 3875 §4.1.14: SERVER_NAME has IPv6 in brackets, because it is pasted into URLs. */
function hostLiteral(name: string): string {
  if (name === lastName) return lastLiteral;
  const address = unmapAddress(name);
  lastName = name;
  lastLiteral = address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;
  return lastLiteral;
}

/** A server has few names, and most have one. */
let lastName = '';
let lastLiteral = '';

/** What becomes of a field line, by its name. */
interface FieldRule {
  readonly key: string;
  readonly kind: 'list' | 'cookie' | 'singleton' | 'underscore' | 'drop';
}

/** Adds the field lines as HTTP_* (RFC 3875 §4.1.18), repeats joined in order (RFC 9110 §5.3). */
function addFields(
  environ: Environ,
  rawHeaders: readonly string[],
  underscoreHeaders: 'drop' | 'refuse' | 'allow',
): void {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const value = rawHeaders[index + 1] ?? '';
    const { key, kind } = fieldRules.get(name);
    if (kind === 'drop') continue;
    if (kind === 'underscore') {
      if (underscoreHeaders === 'refuse') throw new ProtocolError('WSGI_ERR_FIELD_UNDERSCORE', name);
      if (underscoreHeaders !== 'allow') continue;
    }
    const present = environ[key];
    if (present === undefined) {
      environ[key] = value;
    } else if (kind === 'singleton') {
      throw new ProtocolError('WSGI_ERR_FIELD_REPEATED', name);
    } else {
      // RFC 9113 §8.2.3 for Cookie, whose values may contain commas.
      environ[key] = `${present}${kind === 'cookie' ? '; ' : ', '}${value}`;
    }
  }
}

const fieldRules = new NameMemory((name) => fieldRule(name.toUpperCase()));

function fieldRule(name: string): FieldRule {
  const key = `HTTP_${name.replaceAll('-', '_')}`;
  // HTTP/2 pseudo-header fields are no fields; `Proxy` would become HTTP_PROXY (CVE-2016-5385).
  if (name.startsWith(':') || name === 'PROXY') return { key, kind: 'drop' };
  // X_Foo and X-Foo make one variable, so that a client could forge what a proxy sets (CVE-2015-0219).
  // Content_Type and Content_Length are never let through: HTTP_CONTENT_TYPE must not exist (RFC 3875 §4.1.18).
  if (name.includes('_')) {
    const isReserved = key === 'HTTP_CONTENT_TYPE' || key === 'HTTP_CONTENT_LENGTH' || key === 'HTTP_PROXY';
    return { key, kind: isReserved ? 'drop' : 'underscore' };
  }
  if (name === 'CONTENT-TYPE') return { key: 'CONTENT_TYPE', kind: 'singleton' };
  if (name === 'CONTENT-LENGTH') return { key: 'CONTENT_LENGTH', kind: 'singleton' };
  if (name === 'HOST') return { key, kind: 'singleton' };
  return { key, kind: name === 'COOKIE' ? 'cookie' : 'list' };
}
