/**
 * Makes the meta-variables of a request (RFC 3875 §4.1) from an environ, for programs that get them as their environment
 * or as FastCGI's parameters.
 *
 * Rule 1: no I/O. Names and values are native strings; the caller encodes them as latin-1.
 * Rule 2: only names in this file pass. On some hosts the environ holds the environment of the process, with secrets.
 * Rule 3: a client decides values, never names. Names with `_` of field names are the gateway's matter (CVE-2015-0219).
 */

import { withoutOrigin } from '../../src/gateway/index.ts';
import { type Environ, type EnvironPairs, guessScheme, ProtocolError } from '../../src/index.ts';

/**
 * Meta-variables by name, in order. A list: most requests add two dozen names that differ, and look up hardly one, for which a Map costs
 * three times the memory.
 */
export class MetaVariables {
  /** Name, value, name, value. */
  readonly list: string[];

  /** @param list Name, value, name, value; the names differ */
  constructor(list: string[]) {
    this.list = list;
  }

  get(name: string): string | undefined {
    const at = this.#find(name);
    return at === -1 ? undefined : this.list[at + 1];
  }

  set(name: string, value: string): void {
    const at = this.#find(name);
    if (at === -1) this.list.push(name, value);
    else this.list[at + 1] = value;
  }

  delete(name: string): void {
    const at = this.#find(name);
    if (at !== -1) this.list.splice(at, 2);
  }

  #find(name: string): number {
    const { list } = this;
    for (let at = 0; at < list.length; at += 2) if (list[at] === name) return at;
    return -1;
  }

  *[Symbol.iterator](): Generator<[name: string, value: string], void, undefined> {
    const { list } = this;
    for (let at = 0; at < list.length; at += 2) yield [list[at] ?? '', list[at + 1] ?? ''];
  }
}

/** Options of {@link metaVariables}. */
export interface MetaVariableOptions {
  /** The program gets HTTP_AUTHORIZATION: it authenticates users itself. */
  readonly authorization: boolean;
}

/** The variables of RFC 3875 §4.1, and those that Apache and nginx set too. An empty one is the same as none. */
const OPTIONAL: readonly string[] = [
  'AUTH_TYPE',
  'CONTENT_LENGTH',
  'CONTENT_TYPE',
  'DOCUMENT_ROOT',
  'PATH_TRANSLATED',
  'REMOTE_ADDR',
  'REMOTE_HOST',
  'REMOTE_IDENT',
  'REMOTE_PORT',
  'REMOTE_USER',
  'SCRIPT_FILENAME',
  'SERVER_ADDR',
  'SERVER_SOFTWARE',
];

/** Fields of the request, and facts about its encryption. `SSL_CERT_FILE` and the like configure programs. */
const BY_PREFIX = /^(?:HTTP_[A-Z0-9_]+|SSL_(?:PROTOCOL|CIPHER|(?:CLIENT|SERVER)_[A-Z0-9_]+))$/;

/**
 * Fields that never become variables: `Proxy` (CVE-2016-5385), two that RFC 3875 §4.1.18 forbids, and those of the
 * connection, which ends at the server: the program gets content that is decoded.
 */
const NEVER: ReadonlySet<string> = new Set([
  'HTTP_PROXY',
  'HTTP_CONTENT_LENGTH',
  'HTTP_CONTENT_TYPE',
  'HTTP_CONNECTION',
  'HTTP_KEEP_ALIVE',
  'HTTP_PROXY_AUTHORIZATION',
  'HTTP_PROXY_CONNECTION',
  'HTTP_TE',
  'HTTP_TRAILER',
  'HTTP_TRANSFER_ENCODING',
  'HTTP_UPGRADE',
]);

/**
 * Makes the meta-variables of a request.
 *
 * @param environ The environ of the request
 * @throws {@link ProtocolError} 400 if a value contains NUL, which no environment can hold
 * @throws RangeError if middleware has put a character above U+00FF into a value
 */
export function metaVariables(environ: Environ, options: MetaVariableOptions): MetaVariables {
  const variables = uncheckedVariables(environ, options);
  for (const [name, value] of variables) assertVariable(name, value);
  return variables;
}

/** Makes the meta-variables of a request as `metaVariables` does, for a caller who calls `assertVariable` for each. */
export function uncheckedVariables(environ: Environ, { authorization }: MetaVariableOptions): MetaVariables {
  const list = [
    'GATEWAY_INTERFACE',
    'CGI/1.1',
    'REQUEST_METHOD',
    environ.REQUEST_METHOD,
    'SCRIPT_NAME',
    environ.SCRIPT_NAME ?? '',
    'PATH_INFO',
    environ.PATH_INFO ?? '',
    'QUERY_STRING',
    environ.QUERY_STRING ?? '',
    'SERVER_NAME',
    environ.SERVER_NAME,
    'SERVER_PORT',
    environ.SERVER_PORT,
    'SERVER_PROTOCOL',
    environ.SERVER_PROTOCOL,
    'REQUEST_SCHEME',
    environ['wsgi.url_scheme'],
  ];
  // Servers show the path here, also where a client sent a whole URI (RFC 9112 §3.2.2).
  if (environ.REQUEST_URI !== undefined) list.push('REQUEST_URI', withoutOrigin(environ.REQUEST_URI));
  if (environ['wsgi.url_scheme'] === 'https' || guessScheme(environ) === 'https') list.push('HTTPS', 'on');
  for (const name of OPTIONAL) {
    const value = environ[name];
    if (typeof value === 'string' && value !== '') list.push(name, value);
  }
  for (const name of Object.keys(environ)) {
    // Most keys begin otherwise, and the expression costs more.
    if (!(name.startsWith('HTTP_') || name.startsWith('SSL_'))) continue;
    if (!BY_PREFIX.test(name) || NEVER.has(name)) continue;
    // RFC 3875 §9.2: a script gets no credentials that it does not need.
    if (name === 'HTTP_AUTHORIZATION' && !authorization) continue;
    const value = environ[name];
    if (typeof value === 'string') list.push(name, value);
  }
  return new MetaVariables(list);
}

/** Asserts that a value can be that of a variable. Throws as `metaVariables` does. */
export function assertVariable(name: string, value: string): void {
  assertNative(name, value);
  if (value.includes('\0')) throw new ProtocolError('WSGI_ERR_TARGET_INVALID', `NUL in ${name}`);
}

/**
 * Adds the pairs of the option `environ` whose names can be those of variables. A value of undefined removes one.
 *
 * @throws TypeError if a value is no string, number or true
 * @throws RangeError if a value is no native string, or contains NUL
 */
export function addVariables(variables: MetaVariables, pairs: EnvironPairs): void {
  for (const [name, value] of Object.entries(pairs)) {
    // Others, such as `wsgi.errors`, are keys of the environ alone.
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) continue;
    if (value === undefined) {
      variables.delete(name);
      continue;
    }
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint')
      throw new TypeError(`${name} of option environ must be a string, not ${typeof value}`);
    assertNative(name, `${value}`);
    if (`${value}`.includes('\0')) throw new RangeError(`${name} of option environ contains NUL`);
    variables.set(name, `${value}`);
  }
}

function assertNative(name: string, value: string): void {
  if (/[^\0-\xff]/.test(value))
    throw new RangeError(`${name} must be a native string: pass encodeNative(text) of 'gatebridge'`);
}
