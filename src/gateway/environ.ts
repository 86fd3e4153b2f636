/**
 * Makes an environ from a request. CGI variables are made only here.
 *
 * Rule 1: all strings are native strings. A path is percent-decoded to octets, never to characters.
 * Rule 2: the input is the raw field lines. An object such as node's `req.headers` has lost repeated fields, which
 *         must be refused.
 * Rule 3: the environment of the process is not copied. A deployer can add it with the option `environ`.
 *
 * All of this runs for every request. So each environ is created with its final shape, and the rule of each field
 * name is cached.
 */

import { ProtocolError } from '../errors.ts';
import type { GatewayRequest } from '../port.ts';
import { SOFTWARE } from '../software.ts';
import type { Environ } from '../wsgi.ts';
import { addPairs } from './environ-pairs.ts';
import { standardErrors } from './error-stream.ts';
import { COOKIE_SEPARATOR, copyWithUnderscores, fieldRules, LIST_SEPARATOR } from './field-rules.ts';
import { fileWrapper } from './file-wrapper.ts';
import { Input } from './input.ts';
import { decodePath } from './native-string.ts';
import type { OptionsOf } from './option-table.ts';

/** The options of `createEnviron`. */
export const ENVIRON_OPTIONS = {
  /**
   * These keys are added to every environ and replace keys of the gateway (PEP 3333, Application Configuration). A function gives the
   * keys of each request: `(environ) => ({ REMOTE_USER: environ['express.req'].user?.name })`. A value of `undefined` leaves the key out.
   */
  environ: { type: 'environ pairs' },
  /**
   * A request field with `_` in its name is dropped (`'drop'`), refused with 400 (`'refuse'`), or sets the same key as
   * the name with `-` (`'allow'`).
   */
  underscoreHeaders: { type: ['drop', 'refuse', 'allow'], default: 'drop' },
} as const;

/** Options of `createEnviron`. */
export interface EnvironOptions extends OptionsOf<typeof ENVIRON_OPTIONS> {}

/**
 * Makes the environ of a request.
 *
 * @param request The request as received by the host
 * @param options The deployer's options
 * @returns a new plain object that belongs to the application
 * @throws {@link ProtocolError} 400 if Host, Content-Type or Content-Length is repeated (RFC 9110 §5.3), or if a
 *   field name contains `_` and `underscoreHeaders` is `'refuse'`; also what a function of the option `environ` throws
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
  const environ = createReceivedEnviron(request, options);
  if (options.environ !== undefined) addPairs(environ, options.environ);
  return environ;
}

/**
 * Makes the environ of a request without the pairs of the option `environ`, for hosts that add keys of their own first.
 *
 * @throws {@link ProtocolError} as `createEnviron` does
 */
export function createReceivedEnviron(
  request: GatewayRequest,
  options: Pick<EnvironOptions, 'underscoreHeaders'>,
): Environ {
  const { target } = request;
  let url = target;
  let authority: string | undefined;
  if (target.charCodeAt(0) !== SLASH) {
    const absolute = ABSOLUTE_FORM.exec(target);
    if (absolute !== null) {
      authority = absolute[1];
      url = absolute[2] ?? '';
      // RFC 9110 §4.2.3: an empty path is equivalent to '/'.
      if (url.charCodeAt(0) !== SLASH) url = `/${url}`;
    } else if (target !== '*') {
      // RFC 9112 §3.2.3: authority-form has no path.
      url = '';
    }
  }
  if (request.url !== undefined) url = request.url;
  // Our own server refuses a fragment; node:http accepts it.
  const hash = url.indexOf('#');
  if (hash !== -1) url = url.slice(0, hash);
  const question = url.indexOf('?');

  const environ = new BareEnviron(request, pathOf(url, question), queryOf(url, question));
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
  // RFC 9112 §3.2.2: the authority of an absolute-form target replaces Host.
  if (authority !== undefined) environ.HTTP_HOST = authority.slice(authority.lastIndexOf('@') + 1);
  if (request.extensions !== undefined) Object.assign(environ, request.extensions);
  return environ;
}

/**
 * Gives PATH_INFO of a URL.
 *
 * @param question Index of its first `?`, or -1
 */
export function pathOf(url: string, question: number): string {
  return decodePath(question === -1 ? url : url.slice(0, question));
}

/** Gives QUERY_STRING of a URL, like {@link pathOf}. */
export function queryOf(url: string, question: number): string {
  return question === -1 ? '' : url.slice(question + 1);
}

/**
 * Constructs a plain object with the keys that every environ has.
 *
 * It is called with `new` because V8 reserves space in constructed objects for up to eight more keys, if the first
 * environs had them. An object literal has no such space: its further keys go to a separate array, which is
 * reallocated with every third key (Node 20 to 26). Its prototype is Object.prototype, by a call: bundlers keep what reads a property.
 */
const BareEnviron = Object.defineProperty(
  function Environ(this: Environ, request: GatewayRequest, path: string, query: string): void {
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
    // In TypeScript only a class is a constructor, but the prototype of a class cannot be Object.prototype.
  },
  'prototype',
  { value: Object.getPrototypeOf({}) },
) as unknown as new (
  request: GatewayRequest,
  path: string,
  query: string,
) => Environ;

const NO_OPTIONS: EnvironOptions = {};
const SLASH = 0x2f;
const COLON = 0x3a;
const ABSOLUTE_FORM = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)(.*)$/s;
const WSGI_VERSION: readonly [1, 0] = Object.freeze([1, 0]);

/** Decodes a mount, without slashes at its end. */
function scriptName(mount: string): string {
  const decoded = decodePath(mount);
  let end = decoded.length;
  while (end > 0 && decoded.charCodeAt(end - 1) === SLASH) end -= 1;
  return decoded.slice(0, end);
}

/** Gives the IPv4 address of one that an IPv6 socket has mapped (`::ffff:127.0.0.1`). */
function unmapAddress(address: string): string {
  if (address.charCodeAt(0) !== COLON) return address;
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/** Puts an IPv6 address into brackets, because SERVER_NAME becomes part of URLs (RFC 3875 §4.1.14). */
function hostLiteral(name: string): string {
  if (name === lastName) return lastLiteral;
  const address = unmapAddress(name);
  lastName = name;
  lastLiteral = address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;
  return lastLiteral;
}

/** The last result of `hostLiteral`. Most servers have one name. */
let lastName = '';
let lastLiteral = '';

/** Adds the field lines as HTTP_* (RFC 3875 §4.1.18). Joins repeated fields in order (RFC 9110 §5.3). */
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
      if (environ['gateway.raw_headers'] === rawHeaders)
        environ['gateway.raw_headers'] = copyWithUnderscores(rawHeaders);
    }
    const present = environ[key];
    if (present === undefined) {
      environ[key] = value;
    } else if (kind === 'singleton') {
      throw new ProtocolError('WSGI_ERR_FIELD_REPEATED', name);
    } else {
      environ[key] = `${present}${kind === 'cookie' ? COOKIE_SEPARATOR : LIST_SEPARATOR}${value}`;
    }
  }
}
