/**
 * Reads what proxies say of a request: the field Forwarded (RFC 7239) and the addresses in X-Forwarded-For.
 *
 * Clients can send these fields too. This file only parses; trusted-proxy.ts decides which values count.
 */
import { TOKEN_PATTERN } from '../gateway/headers.ts';

/** One element of Forwarded: what one proxy says. */
export interface ForwardedElement {
  readonly for?: string | undefined;
  readonly proto?: string | undefined;
  readonly host?: string | undefined;
}

/** quoted-string (RFC 9110 §5.6.4). */
const QUOTED = String.raw`"((?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*)"`;

/** forwarded-pair = token "=" ( token / quoted-string ) (RFC 7239 §4). */
const PAIR = new RegExp(String.raw`^[ \t]*(${TOKEN_PATTERN})=(?:(${TOKEN_PATTERN})|${QUOTED})[ \t]*`);

/**
 * Parses Forwarded.
 *
 * @returns undefined if it is malformed
 */
export function parseForwarded(field: string): ForwardedElement[] | undefined {
  const elements: ForwardedElement[] = [];
  let rest = field;
  for (;;) {
    const element = new Map<string, string>();
    for (;;) {
      const [pair, name = '', token, quoted = ''] = PAIR.exec(rest) ?? [];
      if (pair === undefined) {
        rest = rest.replace(/^[ \t]+/, '');
      } else {
        const key = name.toLowerCase();
        // RFC 7239 §4: no parameter twice.
        if (element.has(key)) return undefined;
        element.set(key, token ?? quoted.replace(/\\(.)/gs, '$1'));
        rest = rest.slice(pair.length);
      }
      if (!rest.startsWith(';')) break;
      rest = rest.slice(1);
    }
    // RFC 9110 §5.6.1.2: a recipient ignores empty elements.
    if (element.size > 0) {
      elements.push({ for: element.get('for'), proto: element.get('proto'), host: element.get('host') });
    }
    if (rest === '') return elements;
    if (!rest.startsWith(',')) return undefined;
    rest = rest.slice(1);
  }
}

/** Splits a list of values without quotes. Empty elements do not count. */
export function splitList(field: string): string[] {
  return field
    .split(',')
    .map((value) => value.trim())
    .filter((value) => value !== '');
}

/** A node of RFC 7239 §6. */
export interface ForwardedNode {
  /** Undefined if the proxy does not tell it: `unknown`, or an obfuscated identifier. */
  readonly address: string | undefined;
  /** Digits. */
  readonly port: string | undefined;
}

const BRACKETED = /^\[([0-9A-Fa-f:.]+)\](?::([0-9]{1,5}|_[A-Za-z0-9._-]+))?$/;
const WITH_PORT = /^([0-9.]+|unknown|_[A-Za-z0-9._-]+)(?::([0-9]{1,5}|_[A-Za-z0-9._-]+))?$/i;
const MAX_PORT = 65_535;

/**
 * Parses a node: an IPv4 address, an IPv6 address with brackets (in X-Forwarded-For also without), `unknown` or `_name`, perhaps with a
 * port.
 *
 * @param isIP Node's `net.isIP`
 * @returns undefined if it is none of these
 */
export function parseNode(node: string, isIP: (address: string) => number): ForwardedNode | undefined {
  if (isIP(node) !== 0 && !node.includes('%')) return { address: plainAddress(node), port: undefined };
  const bracketed = BRACKETED.exec(node);
  const [, name = '', portText] = bracketed ?? WITH_PORT.exec(node) ?? [];
  const port = portText?.startsWith('_') === true ? undefined : portText;
  if (Number(port ?? 0) > MAX_PORT) return undefined;
  if (bracketed !== null) return isIP(name) === 6 ? { address: plainAddress(name), port } : undefined;
  if (/^(?:unknown|_.+)$/i.test(name)) return { address: undefined, port: undefined };
  return isIP(name) === 4 ? { address: name, port } : undefined;
}

/** An IPv4 address that an IPv6 socket has mapped is an IPv4 address. */
function plainAddress(address: string): string {
  const [, mapped] = /^::ffff:([0-9.]+)$/i.exec(address) ?? [];
  return mapped ?? address.toLowerCase();
}
