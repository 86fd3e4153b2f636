/**
 * Takes the client's address, the scheme and the host from what trusted proxies say.
 *
 * Rule 1: a client can send every one of these fields. A value counts only if a trusted proxy has appended it: it is found from
 *         the right, by a count or by the addresses of the proxies.
 * Rule 2: the application sees no field that does not count, so that nothing behind this can be fooled by it.
 * Rule 3: a value that counts and is malformed gets a 400. To guess would be to trust.
 */
import { toApplication } from '../gateway/application.ts';
import { decodePath } from '../gateway/native-string.ts';
import { type OptionsOf, type SettingsOf, settingsOf } from '../gateway/option-table.ts';
import { type AddressTest, addressTest } from '../gateway/trusted-addresses.ts';
import type { Environ } from '../wsgi.ts';
import { answerText } from './answer.ts';
import { builtin } from './builtin.ts';
import { type ForwardedNode, parseForwarded, parseNode, splitList } from './forwarded.ts';
import { parseHost } from './host-pattern.ts';
import { checkLayerOptions } from './layer-options.ts';
import type { Middleware } from './middleware.ts';

/** The options of `trustedProxy`. */
export const TRUSTED_PROXY_OPTIONS = {
  /**
   * Number of proxies in front that append their client to X-Forwarded-For; values count from the right. 0: the field is ignored.
   * The other counts work alike. Count only fields that your proxies set or clear themselves.
   */
  for: { type: 'count', default: 1 },
  /** The same for X-Forwarded-Proto: `http` or `https`. */
  proto: { type: 'count', default: 1 },
  /** The same for X-Forwarded-Host. */
  host: { type: 'count', default: 0 },
  /** The same for X-Forwarded-Port. */
  port: { type: 'count', default: 0 },
  /** The same for X-Forwarded-Prefix: a path that the proxy has taken off. It comes in front of SCRIPT_NAME. */
  prefix: { type: 'count', default: 0 },
  /** The same for Forwarded (RFC 7239). Where it is sent, it takes the place of the fields above, but for port and prefix. */
  forwarded: { type: 'count', default: 0 },
  /**
   * Addresses of the proxies: `10.1.2.3`, `10.0.0.0/8`, `loopback`, `linklocal`, `uniquelocal`, `unix`. Only what comes from them
   * counts. How many proxies there are then follows from their addresses; a count that is not 0 says that the field counts.
   */
  addresses: { type: 'names', example: "['loopback', '10.0.0.0/8']" },
} as const;

/** The parameters of Werkzeug's ProxyFix, and Express's setting. */
const PROXY_FIX = {
  x_for: 'for',
  x_proto: 'proto',
  x_host: 'host',
  x_port: 'port',
  x_prefix: 'prefix',
  trust: 'addresses',
  trustProxy: 'addresses',
} as const;

/** Options of {@link trustedProxy}. */
export interface TrustedProxyOptions extends OptionsOf<typeof TRUSTED_PROXY_OPTIONS> {}

type Settings = SettingsOf<typeof TRUSTED_PROXY_OPTIONS>;

/**
 * Takes REMOTE_ADDR, `wsgi.url_scheme`, HTTP_HOST, SERVER_NAME, SERVER_PORT and SCRIPT_NAME from the fields of trusted proxies. The
 * values as received are in `environ['gateway.proxy_original']`. Fields that do not count are taken out of the environ.
 *
 * An address that the proxy does not tell (`unknown`, or an obfuscated name) leaves no REMOTE_ADDR.
 *
 * @param options Which fields count, and how many proxies there are, or where
 * @throws TypeError if an option is wrong, Error where there is no `node:net`
 * @example
 * const site = trustedProxy({ addresses: ['loopback'], host: 1 })(application);
 */
export function trustedProxy(options: TrustedProxyOptions = {}): Middleware {
  checkLayerOptions(options, TRUSTED_PROXY_OPTIONS, { likely: 'for', meant: PROXY_FIX });
  const settings = settingsOf(TRUSTED_PROXY_OPTIONS, options);
  const net = builtin('node:net', 'trustedProxy()');
  const { isIP } = net;
  const isTrusted = settings.addresses === undefined ? undefined : addressTest(settings.addresses, net);
  return (application) => {
    const inner = toApplication(application);
    return (environ, startResponse) => {
      const proxied = new ProxiedEnviron(environ, { settings, isTrusted, isIP }).build();
      if (typeof proxied !== 'string') return inner(proxied, startResponse);
      return answerText(environ, startResponse, { statusCode: 400, text: `${proxied} is malformed` });
    };
  };
}

interface Judgement {
  readonly settings: Settings;
  /** Undefined if counts decide. */
  readonly isTrusted: AddressTest | undefined;
  readonly isIP: (address: string) => number;
}

/** The name of a field that counts and is malformed. */
class Malformed {
  readonly field: string;

  constructor(field: string) {
    this.field = field;
  }
}

const FIELDS = {
  for: 'X-Forwarded-For',
  proto: 'X-Forwarded-Proto',
  host: 'X-Forwarded-Host',
  port: 'X-Forwarded-Port',
  prefix: 'X-Forwarded-Prefix',
} as const;

type Field = keyof typeof FIELDS;

const ORIGINALS = [
  ...['REMOTE_ADDR', 'REMOTE_PORT', 'REMOTE_HOST', 'HTTP_HOST', 'SERVER_NAME', 'SERVER_PORT', 'SCRIPT_NAME'],
  ...['REQUEST_URI', 'wsgi.url_scheme', 'HTTPS'],
] as const;

/** Segments of pchar (RFC 3986 §3.3); octets above ASCII may be as they are. */
const PREFIX = /^(?:\/[A-Za-z0-9\-._~!$&'()*+,;=:@%\x80-\xff]+)*$/;

/** Segments, decoded: none is empty, `.` or `..`, and none has a control character or what ends a path elsewhere. */
const DECODED_PREFIX =
  /^(?:\/(?!\.{1,2}(?:\/|$))[\x20-\x22\x24-\x2e\x30-\x3e\x40-\x5b\x5d-\x7e\x80-\xff]+)*$/;

class ProxiedEnviron {
  readonly #received: Environ;
  readonly #environ: Environ;
  readonly #judgement: Judgement;

  constructor(received: Environ, judgement: Judgement) {
    this.#received = received;
    this.#judgement = judgement;
    const original = Object.fromEntries(
      ORIGINALS.filter((key) => received[key] !== undefined).map((key) => [key, received[key]]),
    );
    this.#environ = { ...received, 'gateway.proxy_original': original };
    for (const key of Object.keys(received)) {
      if (key.startsWith('HTTP_X_FORWARDED') || key === 'HTTP_FORWARDED') delete this.#environ[key];
    }
  }

  /** Gives the environ, or the name of a malformed field. */
  build(): Environ | string {
    const { isTrusted } = this.#judgement;
    try {
      if (isTrusted === undefined || isTrusted(this.#received.REMOTE_ADDR)) this.#apply();
      return this.#environ;
    } catch (error) {
      if (error instanceof Malformed) return error.field;
      throw error;
    }
  }

  #apply(): void {
    const { settings } = this.#judgement;
    const forwarded = this.#received.HTTP_FORWARDED;
    const hops =
      settings.forwarded > 0 && typeof forwarded === 'string'
        ? this.#applyForwarded(forwarded)
        : this.#applySingleFields();
    this.#applyField('port', hops, (port) => this.#setPort(port));
    this.#applyField('prefix', hops, (prefix) => this.#setPrefix(prefix));
  }

  #applySingleFields(): number {
    const hops = this.#applyFor();
    this.#applyField('proto', hops, (proto) => this.#setScheme(proto, FIELDS.proto));
    this.#applyField('host', hops, (host) => this.#setHost(host, FIELDS.host));
    return hops;
  }

  /** Takes the element that the outermost trusted proxy has appended. Returns how many proxies are trusted. */
  #applyForwarded(field: string): number {
    const elements = parseForwarded(field);
    if (elements === undefined) throw new Malformed('Forwarded');
    const { settings, isTrusted } = this.#judgement;
    const nodes = elements.map((element) => element.for);
    const hops = isTrusted === undefined ? settings.forwarded : this.#countHops(nodes, 'Forwarded');
    const element = elements.at(-hops);
    if (element === undefined || hops > elements.length) return hops;
    if (element.for !== undefined) this.#setClient(this.#node(element.for, 'Forwarded'));
    if (element.proto !== undefined) this.#setScheme(element.proto, 'Forwarded');
    if (element.host !== undefined) this.#setHost(element.host, 'Forwarded');
    this.#environ.HTTP_FORWARDED = formatForwarded(element);
    return hops;
  }

  /** Takes the address of the client. Returns how many proxies are trusted; 1 if the field does not count: the peer. */
  #applyFor(): number {
    const { settings, isTrusted } = this.#judgement;
    const field = this.#received.HTTP_X_FORWARDED_FOR;
    if (settings.for === 0 || typeof field !== 'string') return 1;
    const nodes = splitList(field);
    const hops = isTrusted === undefined ? settings.for : this.#countHops(nodes, FIELDS.for);
    const client = hops > nodes.length ? undefined : nodes.at(-hops);
    if (client === undefined) return hops;
    this.#setClient(this.#node(client, FIELDS.for));
    this.#environ.HTTP_X_FORWARDED_FOR = nodes.slice(-hops).join(', ');
    return hops;
  }

  /** Counts the proxies whose addresses are trusted, from the right. One has been found to be: the peer. */
  #countHops(nodes: readonly (string | undefined)[], field: string): number {
    let hops = 1;
    for (; hops < nodes.length; hops += 1) {
      const node = nodes.at(-hops);
      // A proxy that does not say who asked it ends the chain.
      const address = node === undefined ? undefined : this.#node(node, field).address;
      if (address === undefined || this.#judgement.isTrusted?.(address) !== true) return hops;
    }
    return hops;
  }

  #node(text: string, field: string): ForwardedNode {
    const node = parseNode(text, this.#judgement.isIP);
    // RFC 7239 §6: an IPv6 address of Forwarded is in brackets.
    const isBare =
      field === 'Forwarded' && text.includes(':') && node?.address?.includes(':') && !text.startsWith('[');
    if (node === undefined || isBare === true) throw new Malformed(field);
    return node;
  }

  /** Applies a field with one value for each proxy. */
  #applyField(name: Field, hops: number, apply: (value: string) => void): void {
    const { settings, isTrusted } = this.#judgement;
    const field = this.#received[keyOf(name)];
    if (settings[name] === 0 || typeof field !== 'string') return;
    const values = splitList(field);
    // Trusted proxies have appended as many values as there are of them, or fewer: some set the field once.
    const place = isTrusted === undefined ? settings[name] : Math.min(hops, values.length);
    const value = values.at(-place);
    if (value === undefined || place > values.length) return;
    apply(value);
    this.#environ[keyOf(name)] = value;
  }

  #setClient({ address, port }: ForwardedNode): void {
    // The address of the proxy must not stand for a client that hides its own.
    if (address === undefined) delete this.#environ.REMOTE_ADDR;
    else this.#environ.REMOTE_ADDR = address;
    if (port === undefined) delete this.#environ.REMOTE_PORT;
    else this.#environ.REMOTE_PORT = port;
    // It is the name of the proxy (RFC 3875 §4.1.9).
    delete this.#environ.REMOTE_HOST;
  }

  #setScheme(value: string, field: string): void {
    // Some proxies name the protocol of WebSockets.
    if (!/^(?:http|ws)s?$/i.test(value)) throw new Malformed(field);
    const isSecure = /s$/i.test(value);
    this.#environ['wsgi.url_scheme'] = isSecure ? 'https' : 'http';
    if (isSecure) this.#environ.HTTPS = 'on';
    else delete this.#environ.HTTPS;
  }

  #setHost(value: string, field: string): void {
    const host = parseHost(value);
    if (host === undefined || (host.port !== undefined && !isPort(host.port))) throw new Malformed(field);
    this.#environ.HTTP_HOST = value;
    this.#environ.SERVER_NAME = host.name;
    this.#environ.SERVER_PORT = host.port ?? this.#defaultPort();
  }

  #setPort(port: string): void {
    if (!isPort(port)) throw new Malformed(FIELDS.port);
    this.#environ.SERVER_PORT = port;
    const { HTTP_HOST } = this.#environ;
    const host = HTTP_HOST === undefined ? undefined : parseHost(HTTP_HOST);
    if (host === undefined) return;
    this.#environ.HTTP_HOST = port === this.#defaultPort() ? host.name : `${host.name}:${port}`;
  }

  #defaultPort(): string {
    return this.#environ['wsgi.url_scheme'] === 'https' ? '443' : '80';
  }

  #setPrefix(value: string): void {
    const prefix = value.replace(/\/$/, '');
    const decoded = decodePath(prefix);
    const isPath = PREFIX.test(prefix) && DECODED_PREFIX.test(decoded);
    if (!isPath) throw new Malformed(FIELDS.prefix);
    const environ = this.#environ;
    environ.SCRIPT_NAME = `${decoded}${environ.SCRIPT_NAME ?? ''}`;
    // The target as the proxy has received it, so that both agree.
    for (const key of ['REQUEST_URI', 'RAW_URI'] as const) {
      if (environ[key]?.startsWith('/') === true) environ[key] = `${prefix}${environ[key]}`;
    }
  }
}

function keyOf(name: Field): string {
  return `HTTP_X_FORWARDED_${name.toUpperCase()}`;
}

/** Formats an element with quotes around each value, which is always allowed. */
function formatForwarded(element: object): string {
  const pairs = Object.entries(element).filter(([, value]) => value !== undefined);
  return pairs.map(([name, value]) => `${name}="${String(value).replace(/["\\]/g, '\\$&')}"`).join(';');
}

function isPort(text: string): boolean {
  return /^[0-9]{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}
