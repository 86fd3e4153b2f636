/**
 * Authority: `uri-host [ ":" port ]`, the value of Host and a part of absolute-form and authority-form.
 *
 * Host decides which site answers. A value that two recipients could read differently is refused: userinfo, spaces,
 * lists, zone identifiers (RFC 9112 §3.2, RFC 9110 §7.2).
 */
import { parseIPv6 } from './ip-address.ts';

/** Fast path for most requests: a name or an IPv4 address, perhaps with a port below 60000. */
const USUAL = /^[A-Za-z0-9.-]+(?::(?:[0-9]{1,4}|[1-5][0-9]{4}))?$/;

/** reg-name [ ":" port ] (RFC 3986 §3.2.2, §3.2.3); matches an IPv4 address too. */
const NAME_AND_PORT = /^((?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)(?::([0-9]*))?$/;

/** "[" ( IPv6address / IPvFuture ) "]" [ ":" port ]; isAddress() checks the text in brackets. */
const LITERAL_AND_PORT = /^\[([^\]]*)\](?::([0-9]*))?$/;

/** IPvFuture (RFC 3986 §3.2.2). */
const ADDRESS_OF_THE_FUTURE = /^v[0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+$/i;

const MAX_PORT = 65_535;

/** The parts of an authority. */
export interface Authority {
  /** May be empty. */
  readonly host: string;
  /** Undefined without a colon; empty after a colon alone. */
  readonly port: string | undefined;
}

/** Tells if a string is `uri-host [ ":" port ]`. */
export function isAuthority(text: string): boolean {
  return USUAL.test(text) || parseAuthority(text) !== undefined;
}

/** Parses `uri-host [ ":" port ]`; gives undefined for anything else. */
export function parseAuthority(text: string): Authority | undefined {
  const match = text.startsWith('[') ? LITERAL_AND_PORT.exec(text) : NAME_AND_PORT.exec(text);
  if (match === null) return undefined;
  const [, host = '', port] = match;
  if (port !== undefined && Number(port) > MAX_PORT) return undefined;
  if (text.startsWith('[') && !isAddress(host)) return undefined;
  return { host, port };
}

function isAddress(text: string): boolean {
  return parseIPv6(text) !== undefined || ADDRESS_OF_THE_FUTURE.test(text);
}
