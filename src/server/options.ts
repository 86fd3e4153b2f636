/**
 * What an operator can set, the defaults, and their check: a wrong value throws where it is passed.
 *
 * Where node:http has an option of the same meaning, the name is node's. Milliseconds and octets throughout.
 */
import type { SecureContextOptions, TlsOptions } from 'node:tls';
import { checkGatewayOptions, type OptionRules } from '../gateway/check-options.ts';
import type { EnvironOptions } from '../gateway/environ.ts';
import { isFieldValue } from '../gateway/headers.ts';
import type { GatewayOptions } from '../gateway/run-application.ts';
import { DEFAULT_LIMITS, type HttpLimits } from '../http/index.ts';

/** Options of `createServer` and `serve`. */
export interface ServerOptions extends EnvironOptions, GatewayOptions, Partial<ServerSettings> {
  /** Serves HTTPS with these options of node:tls. */
  readonly tls?: (TlsOptions & SecureContextOptions) | undefined;
  /** SERVER_NAME. @default the address that the client connected to */
  readonly serverName?: string | undefined;
  /** The value of the `Server` field of every response that has none. @default none */
  readonly serverHeader?: string | undefined;
  /** Disables Nagle's algorithm. @default true */
  readonly noDelay?: boolean | undefined;
  /** Enables TCP keep-alive probes. @default false */
  readonly keepAlive?: boolean | undefined;
  /** Milliseconds of silence before the first TCP keep-alive probe. @default 0 */
  readonly keepAliveInitialDelay?: number | undefined;
}

/** Limits and time-outs. They can be changed on a server at any time; 0 switches a time-out off. */
export interface ServerSettings {
  /** Milliseconds from the first octet of a head to its last. @default 60000, as node:http and nginx */
  headersTimeout: number;
  /**
   * Milliseconds that a client may take for a request, from its first octet to the last of its content; the time that
   * the application takes between its reads does not count. @default 300000, as node:http
   */
  requestTimeout: number;
  /** Milliseconds that a connection may idle between two requests. @default 5000, as node:http */
  keepAliveTimeout: number;
  /**
   * Milliseconds that it may idle beyond keepAliveTimeout, of which the client is not told: a request that it sends at
   * the last moment is served then. @default 0, as node:http before 24.6, which has 1000 since
   */
  keepAliveTimeoutBuffer: number;
  /** Milliseconds without any traffic after which a socket is closed. @default 0: never, as node:http */
  timeout: number;
  /** Milliseconds that a client may take to accept octets while nothing moves. @default 60000, as nginx */
  writeTimeout: number;
  /** Octets of a request line, and separately of a field section. @default 16384, as node:http */
  maxHeaderSize: number;
  /** Fields of a request; 0 for any number. @default 100, as gunicorn */
  maxHeadersCount: number;
  /** Octets of content. @default 1 GiB, as waitress */
  maxBodySize: number;
  /** Octets of chunk extensions in a whole request. @default 16384, as node:http has for each chunk */
  maxChunkExtensionSize: number;
  /** Octets of a trailer section. @default 16384, as node:http counts them to the head */
  maxTrailerSize: number;
  /** Octets of content that nobody read and that are thrown away to keep a connection. @default 8 MiB */
  maxDrainSize: number;
  /** Milliseconds that throwing them away may take. @default 5000 */
  drainTimeout: number;
  /** Requests that a connection may serve; 0 for any number. @default 0, as node:http */
  maxRequestsPerSocket: number;
  /** Connections at once; further ones are closed. @default Infinity */
  maxConnections: number;
  /** Whether an HTTP/1.1 request needs Host (RFC 9112 §3.2). @default true */
  requireHostHeader: boolean;
  /** Milliseconds between two looks at the clock: how late a time-out may come. @default 100 */
  connectionsCheckingInterval: number;
}

/** The defaults of {@link ServerSettings}. */
export const DEFAULT_SETTINGS: Readonly<ServerSettings> = Object.freeze({
  headersTimeout: 60_000,
  requestTimeout: 300_000,
  keepAliveTimeout: 5_000,
  keepAliveTimeoutBuffer: 0,
  timeout: 0,
  writeTimeout: 60_000,
  maxHeaderSize: DEFAULT_LIMITS.maxHeaderSize,
  maxHeadersCount: DEFAULT_LIMITS.maxHeadersCount,
  maxBodySize: DEFAULT_LIMITS.maxBodySize,
  maxChunkExtensionSize: DEFAULT_LIMITS.maxChunkExtensionSize,
  maxTrailerSize: DEFAULT_LIMITS.maxTrailerSize,
  maxDrainSize: 8_388_608,
  drainTimeout: 5_000,
  maxRequestsPerSocket: 0,
  maxConnections: Number.POSITIVE_INFINITY,
  requireHostHeader: DEFAULT_LIMITS.requireHostHeader,
  connectionsCheckingInterval: 100,
});

/**
 * Takes the settings out of options.
 *
 * @throws TypeError if a value has the wrong type
 * @throws RangeError if a number is negative or not a number
 */
export function takeSettings(options: ServerOptions): ServerSettings {
  const settings: ServerSettings = { ...DEFAULT_SETTINGS };
  for (const key of Object.keys(DEFAULT_SETTINGS)) {
    // Object.keys gives strings; these are the keys of the very object that they are taken from.
    const name = key as keyof ServerSettings;
    const value = options[name];
    if (value === undefined) continue;
    const expected = typeof DEFAULT_SETTINGS[name];
    if (typeof value !== expected) {
      throw new TypeError(`Option ${name} must be a ${expected}, not ${typeof value}`);
    }
    if (typeof value === 'number' && !(value >= 0)) {
      throw new RangeError(`Option ${name} must be 0 or more, not ${value}`);
    }
    Object.assign(settings, { [name]: value });
  }
  const { connectionsCheckingInterval } = settings;
  // More would be a millisecond: node's timers take 31 bits.
  if (!(connectionsCheckingInterval >= 1 && connectionsCheckingInterval < 2 ** 31)) {
    throw new RangeError('Option connectionsCheckingInterval must be from 1 to 2147483647');
  }
  // Those of node's createServer that have no meaning here may be there.
  checkGatewayOptions(options, OTHER_RULES, 'ignore');
  return settings;
}

/** What is no setting: it cannot be changed later. */
const OTHER_RULES: OptionRules = {
  serverHeader: (value) => typeof value === 'string' && isFieldValue(value),
  serverName: (value) => typeof value === 'string' && /^[\x21-\x7e]+$/.test(value),
  tls: (value) => typeof value === 'object' && value !== null,
};

/**
 * Makes the limits of a parser.
 *
 * @param settings The settings of the server, as they are now
 * @param allowConnect Whether somebody answers CONNECT
 */
export function parserLimits(settings: ServerSettings, allowConnect: boolean): HttpLimits {
  const { maxHeaderSize, maxHeadersCount, maxBodySize, maxChunkExtensionSize, maxTrailerSize } = settings;
  return {
    maxHeaderSize,
    maxHeadersCount: maxHeadersCount === 0 ? Number.POSITIVE_INFINITY : maxHeadersCount,
    maxBodySize,
    maxChunkExtensionSize,
    maxTrailerSize,
    requireHostHeader: settings.requireHostHeader,
    allowConnect,
  };
}
