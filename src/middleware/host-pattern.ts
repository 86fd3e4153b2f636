/**
 * Names of hosts as a Host field has them, and patterns for them.
 *
 * Names are compared without case, port and the dot of the root at their end. An IPv6 address is in brackets.
 */
import { isHost } from '../gateway/uri.ts';

/** A host and its port. */
export interface HostAndPort {
  /** In lower case, without a dot at its end. */
  readonly name: string;
  /** Digits; undefined if there are none. */
  readonly port: string | undefined;
}

const PORT = /:([0-9]*)$/;

/**
 * Splits a Host field (RFC 9110 §7.2).
 *
 * @returns undefined if it is no host, such as one with userinfo, a path or a list
 */
export function parseHost(value: string): HostAndPort | undefined {
  if (!isHost(value)) return undefined;
  const port = value.endsWith(']') ? undefined : PORT.exec(value)?.[1];
  const name = port === undefined ? value : value.slice(0, value.length - port.length - 1);
  const lower = name.toLowerCase().replace(/\.$/, '');
  return lower === '' ? undefined : { name: lower, port: port || undefined };
}

/** Matches names of hosts. */
export interface HostPattern {
  /** `example.com`; of `.example.com` the part after the dot; `*`. */
  readonly name: string;
  /** Matches the host and everything below it. */
  readonly isWildcard: boolean;
  /** Matches only this port. */
  readonly port: string | undefined;
}

/**
 * Parses a pattern: `example.com`, `.example.com` for that and all hosts below it, or `*` for all.
 *
 * @throws TypeError if it is none of these
 */
export function parseHostPattern(pattern: string): HostPattern {
  if (pattern === '*') return { name: '*', isWildcard: true, port: undefined };
  const isWildcard = pattern.startsWith('.');
  const host = parseHost(isWildcard ? pattern.slice(1) : pattern);
  if (host === undefined) {
    const cure = /[^\0-\x7f]/.test(pattern) ? '; write an international name as xn--…' : '';
    throw new TypeError(
      `Host must be a name, an address, '.name' or '*', not ${JSON.stringify(pattern)}${cure}`,
    );
  }
  return { ...host, isWildcard };
}

/** Tells if a pattern matches a host. */
export function matchesHost({ name, isWildcard, port }: HostPattern, host: HostAndPort): boolean {
  if (port !== undefined && port !== host.port) return false;
  if (name === '*' || name === host.name) return true;
  return isWildcard && host.name.endsWith(`.${name}`);
}
