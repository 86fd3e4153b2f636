/**
 * Cookies of a test client (RFC 6265): names, domains, paths, deletion. A cookie that has not expired when it is set
 * never expires.
 */

import { isIP } from 'node:net';
import { describe } from '../gateway/describe.ts';

/** One cookie, and where it is sent. */
export interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly domain: string;
  readonly path: string;
  /** It was set without Domain, so it is not sent to subdomains. */
  readonly isHostOnly: boolean;
  /** It is sent over https only. */
  readonly isSecure: boolean;
}

/** The scope of a cookie; by default the whole host of the client. */
export interface CookieScope {
  readonly domain?: string | undefined;
  readonly path?: string | undefined;
}

/** The parts of a request by which cookies are chosen. */
export interface CookieRequest {
  /** The host, without port. */
  readonly host: string;
  readonly path: string;
  readonly isSecure: boolean;
}

/** Keeps cookies, in the order in which they were set. */
export class CookieJar implements Iterable<Cookie> {
  #cookies: Cookie[] = [];
  readonly #host: string;

  /** @param host The domain of cookies for which a test gives none */
  constructor(host: string = 'localhost') {
    this.#host = host;
  }

  /** Returns the value of the cookie of that name and scope. */
  get(name: string, scope: CookieScope = {}): string | undefined {
    const { domain = this.#host, path = '/' } = scope;
    return this.#cookies.find((cookie) => isSame(cookie, { name, domain, path }))?.value;
  }

  /** Sets a cookie, for the domain and its subdomains if a domain is given. */
  set(name: string, value: string, scope: CookieScope & { readonly isSecure?: boolean } = {}): void {
    // Callers in JavaScript may pass anything.
    if (typeof name !== 'string' || typeof value !== 'string')
      throw new TypeError(
        `Cookie must have a name and a value, as in set('user', 'emma'), not ${describe(name)} and ${describe(value)}`,
      );
    const { domain = this.#host, path = '/' } = scope;
    this.#put({
      name,
      value,
      domain,
      path,
      isHostOnly: scope.domain === undefined,
      isSecure: scope.isSecure === true,
    });
  }

  /** Deletes a cookie, if there is one. */
  delete(name: string, scope: CookieScope = {}): void {
    const { domain = this.#host, path = '/' } = scope;
    this.#cookies = this.#cookies.filter((cookie) => !isSame(cookie, { name, domain, path }));
  }

  /** Deletes all cookies. */
  clear(): void {
    this.#cookies = [];
  }

  /** Iterates over a copy. */
  [Symbol.iterator](): ArrayIterator<Cookie> {
    return this.#cookies.slice().values();
  }

  /**
   * Stores the cookies that a response sets.
   *
   * @param fields The values of its Set-Cookie fields
   * @param request The request that it answers
   */
  take(fields: readonly string[], { host, path }: Omit<CookieRequest, 'isSecure'>): void {
    for (const field of fields) {
      const [pair = '', ...attributes] = field.split(';');
      const [name, value] = splitPair(pair);
      // RFC 6265 §5.2: a cookie without a name is ignored.
      if (name === '' || !pair.includes('=')) continue;
      const known = new Map(attributes.map(splitPair).map(([key, text]) => [key.toLowerCase(), text]));
      const domain = known.get('domain')?.replace(/^\./, '').toLowerCase() || undefined;
      // RFC 6265 §5.3: a host cannot set cookies for another domain.
      if (domain !== undefined && !matchesDomain(host, domain)) continue;
      const given = known.get('path');
      const cookie = {
        name,
        value,
        domain: domain ?? host,
        path: given?.startsWith('/') ? given : defaultPath(path),
        isHostOnly: domain === undefined,
        isSecure: known.has('secure'),
      };
      if (isExpired(known)) this.#cookies = this.#cookies.filter((other) => !isSame(other, cookie));
      else this.#put(cookie);
    }
  }

  /** Returns the value of the Cookie field for a request; undefined if no cookie matches. */
  give({ host, path, isSecure }: CookieRequest): string | undefined {
    const matching = this.#cookies
      .filter((cookie) => isSecure || !cookie.isSecure)
      .filter((cookie) => (cookie.isHostOnly ? cookie.domain === host : matchesDomain(host, cookie.domain)))
      .filter((cookie) => matchesPath(path, cookie.path))
      // RFC 6265 §5.4: longer paths first.
      .sort((one, other) => other.path.length - one.path.length);
    if (matching.length === 0) return undefined;
    return matching.map(({ name, value }) => `${name}=${value}`).join('; ');
  }

  #put(cookie: Cookie): void {
    const index = this.#cookies.findIndex((other) => isSame(other, cookie));
    if (index === -1) this.#cookies.push(cookie);
    else this.#cookies[index] = cookie;
  }
}

function isSame(one: Cookie, other: Pick<Cookie, 'name' | 'domain' | 'path'>): boolean {
  return one.name === other.name && one.domain === other.domain && one.path === other.path;
}

function splitPair(pair: string): [name: string, value: string] {
  const equals = pair.indexOf('=');
  return equals === -1 ? [pair.trim(), ''] : [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()];
}

/** RFC 6265 §5.1.3: an address has no subdomains. */
function matchesDomain(host: string, domain: string): boolean {
  return host === domain || (host.endsWith(`.${domain}`) && isIP(host) === 0);
}

/** RFC 6265 §5.1.4. */
function matchesPath(path: string, cookiePath: string): boolean {
  return path === cookiePath || path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`);
}

/** RFC 6265 §5.1.4: the directory of the request. */
function defaultPath(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** RFC 6265 §5.3: Max-Age takes precedence over Expires. */
function isExpired(attributes: ReadonlyMap<string, string>): boolean {
  const maxAge = attributes.get('max-age');
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge)) return Number(maxAge) <= 0;
  return Date.parse(attributes.get('expires') ?? '') <= Date.now();
}
