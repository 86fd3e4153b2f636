/**
 * Everything that an operator can set on a server, as tables.
 *
 * Where node:http has an option of the same meaning, the name is node's. Milliseconds and octets throughout.
 */
import type { SecureContextOptions, TlsOptions } from 'node:tls';
import { checkOptions } from '../gateway/check-options.ts';
import { ENVIRON_OPTIONS, type EnvironOptions } from '../gateway/environ.ts';
import { defaultsOf, type OptionsOf, type SettingsOf } from '../gateway/option-table.ts';
import { GATEWAY_OPTIONS, type GatewayOptions } from '../gateway/run-application.ts';
import { LIMITS } from '../http/index.ts';

/** Settings of the server, beside the limits of the parser. 0 switches a time-out off. */
export const SERVER_SETTINGS = {
  /** Content that the application did not read and that is thrown away to keep the connection; more closes it. */
  maxDrainSize: { type: 'octets', default: 8_388_608 },
  /** The time for throwing it away. */
  drainTimeout: { type: 'milliseconds', default: 5_000 },
  /** The time from the first octet of a head to its last (408). As node:http and nginx. */
  headersTimeout: { type: 'milliseconds', default: 60_000 },
  /**
   * The time from the first octet of a request to the last of its content (408); counts while the application waits for the
   * client, not while it works. As node:http.
   */
  requestTimeout: { type: 'milliseconds', default: 300_000 },
  /** The time that a connection may idle between two requests. As node:http. */
  keepAliveTimeout: { type: 'milliseconds', default: 5_000 },
  /**
   * Idle time beyond `keepAliveTimeout` that clients are not told of: a request at the last moment is served. As node:http
   * before 24.6, which has 1000 since.
   */
  keepAliveTimeoutBuffer: { type: 'milliseconds', default: 0 },
  /** Silence on a socket, see `setTimeout`. As node:http. */
  timeout: { type: 'milliseconds', default: 0 },
  /** The time in which a client takes nothing of the octets that wait for it. As nginx. */
  writeTimeout: { type: 'milliseconds', default: 60_000 },
  /**
   * Requests of one connection; 0 for any number. The last answer says `Connection: close`. A request after it gets a 503 and
   * the event `dropRequest`; one that had arrived by then gets nothing. As node:http.
   */
  maxRequestsPerSocket: { type: 'count', default: 0 },
  // The type must be spelt out: Infinity is no literal.
  /** Connections at once; further ones are closed. */
  maxConnections: { type: 'count', default: Number.POSITIVE_INFINITY as number },
  /** The delay with which a time-out may come. */
  connectionsCheckingInterval: { type: 'milliseconds', default: 100, least: 1, most: 2_147_483_647 },
} as const;

/** Options that cannot be changed once the server is made. */
export const SERVER_OPTIONS = {
  /** Serves HTTPS, with the options of `tls.createServer`. */
  tls: { type: 'object' },
  /** `SERVER_NAME`, instead of the address that the client connected to. */
  serverName: { type: 'name' },
  /** The value of the `Server` field of responses that have none. There is none by default. */
  serverHeader: { type: 'field value' },
  /** Disables Nagle's algorithm, as an option of `net.createServer`. */
  noDelay: { type: 'boolean', default: true },
  /** Enables TCP keep-alive probes, as an option of `net.createServer`. */
  keepAlive: { type: 'boolean', default: false },
  /** Milliseconds of silence before the first TCP keep-alive probe, as an option of `net.createServer`. */
  keepAliveInitialDelay: { type: 'milliseconds', default: 0 },
} as const;

/** Limits and time-outs. They can be changed on a server at any time. */
export interface ServerSettings extends SettingsOf<typeof LIMITS>, SettingsOf<typeof SERVER_SETTINGS> {}

/** Options of `createServer` and `serve`. */
export interface ServerOptions
  extends EnvironOptions,
    GatewayOptions,
    OptionsOf<typeof LIMITS>,
    OptionsOf<typeof SERVER_SETTINGS>,
    OptionsOf<typeof SERVER_OPTIONS> {
  readonly tls?: (TlsOptions & SecureContextOptions) | undefined;
}

/** The defaults of {@link ServerSettings}. */
export const DEFAULT_SETTINGS: Readonly<ServerSettings> = Object.freeze({
  ...defaultsOf(LIMITS),
  ...defaultsOf(SERVER_SETTINGS),
});

/**
 * Checks the options of a server. Unknown names are ignored, as by http.createServer.
 *
 * @throws TypeError if a value has the wrong type
 * @throws RangeError if a number is out of range
 */
export function checkServerOptions(options: ServerOptions): void {
  const table = { ...ENVIRON_OPTIONS, ...GATEWAY_OPTIONS, ...LIMITS, ...SERVER_SETTINGS, ...SERVER_OPTIONS };
  checkOptions(options, table, { unknown: 'ignore', likely: 'port' });
}

/** Takes the settings out of checked options. */
export function takeSettings(options: ServerOptions): ServerSettings {
  const given = Object.entries(options).filter(([name, value]) => {
    return value !== undefined && Object.hasOwn(DEFAULT_SETTINGS, name);
  });
  return { ...DEFAULT_SETTINGS, ...Object.fromEntries(given) };
}
