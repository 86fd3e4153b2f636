/**
 * The options of a server, as tables.
 *
 * An option has node:http's name where node:http has it too. Times are milliseconds, sizes are octets.
 */
import type { IncomingMessage } from 'node:http';
import type { SecureContextOptions, TlsOptions } from 'node:tls';
import { checkOption, checkOptions, outOfRange } from '../gateway/check-options.ts';
import { ENVIRON_OPTIONS, type EnvironOptions } from '../gateway/environ.ts';
import { GATEWAY_OPTIONS, type GatewayOptions } from '../gateway/gateway-options.ts';
import { type OptionsOf, type OptionTable, type SettingsOf, settingsOf } from '../gateway/option-table.ts';
import { LIMITS } from '../http/index.ts';
import type { ServerMessageOptions } from '../messages/index.ts';
import { HTTP2_OPTIONS } from './http2/options.ts';
import { judgeUnknownOptions } from './option-names.ts';

/** Settings of the server besides the parser's limits. 0 switches a time-out off. */
export const SERVER_SETTINGS = {
  /** The server throws away this many octets of unread content to keep the connection; more closes it. */
  maxDrainSize: { type: 'octets', default: 8_388_608 },
  /** Unread content may stop coming for this many milliseconds; then the connection is closed. */
  drainTimeout: { type: 'milliseconds', default: 5_000 },
  /**
   * A client may go on for this many milliseconds to send what nobody reads: unread content, or anything to a
   * connection that the server has closed. A closed connection also ends after 5 s without an octet. The defaults are
   * nginx's.
   */
  lingerTimeout: { type: 'milliseconds', default: 30_000 },
  /** At most this many connections wait for clients that go on after the server has closed; then the oldest is cut. */
  maxLingering: { type: 'count', default: 1_000 },
  /**
   * A head must be complete this many milliseconds after its first octet, or gets a 408. The default is node:http's and
   * nginx's.
   */
  headersTimeout: { type: 'milliseconds', default: 60_000 },
  /**
   * A request must be complete this many milliseconds after its first octet, or gets a 408. Time counts while the
   * application waits for the client, not while it works. The default is node:http's.
   */
  requestTimeout: { type: 'milliseconds', default: 300_000 },
  /** A connection may idle this many milliseconds between two requests. The default is node:http's. */
  keepAliveTimeout: { type: 'milliseconds', default: 5_000 },
  /**
   * A connection may idle this many milliseconds longer than clients are told, so that a request at the last moment is
   * served. The default is node:http's.
   */
  keepAliveTimeoutBuffer: { type: 'milliseconds', default: 1_000 },
  /**
   * `close` and `shutdown` give a new connection this many milliseconds for the first octet of its first request. Then
   * it counts as idle.
   */
  firstRequestGrace: { type: 'milliseconds', default: 2_000 },
  /** A socket may be without traffic for this many milliseconds; see `setTimeout`. The default is node:http's. */
  timeout: { type: 'milliseconds', default: 0 },
  /** A client that takes nothing of what waits for it is cut off after this many milliseconds. The default is nginx's. */
  writeTimeout: { type: 'milliseconds', default: 60_000 },
  /**
   * A connection serves this many requests; 0 means any number. The last answer says `Connection: close`. A later
   * request gets a 503 and the event `dropRequest`; one that had arrived by then gets nothing. As in node:http.
   */
  maxRequestsPerSocket: { type: 'count', default: 0 },
  /** A client that closes its half is still served by a wrapped program, as in node:http; applications always serve it. */
  httpAllowHalfOpen: { type: 'boolean', default: false },
  /** The server has at most this many connections at once; it closes further ones. */
  maxConnections: { type: 'count', isUnlimited: true },
  /** The server checks time-outs every so many milliseconds, so that one may come this much late. */
  connectionsCheckingInterval: { type: 'milliseconds', default: 100, least: 1, most: 2_147_483_647 },
} as const;

/** Options that cannot change once the server is made. */
export const SERVER_OPTIONS = {
  /** Serves HTTPS with these options of `tls.createServer`. */
  tls: { type: 'object' },
  /**
   * Addresses of proxies that relay TCP connections and tell the client by the PROXY protocol, version 1 or 2: `10.1.2.3`,
   * `10.0.0.0/8`, `loopback`, `linklocal`, `uniquelocal`, `unix`. Each connection from there must begin with its header;
   * from elsewhere none counts.
   */
  proxyProtocol: { type: 'names', example: "['loopback', '10.0.0.0/8']" },
  /** Sets `SERVER_NAME`. By default it is the address that the client connected to. */
  serverName: { type: 'name' },
  /** Adds a `Server` field with this value to responses that have none. By default no field is added. */
  serverHeader: { type: 'field value' },
  /** Switches Nagle's algorithm off, as in `net.createServer`. */
  noDelay: { type: 'boolean', default: true },
  /** Switches TCP keep-alive probes on, as in `net.createServer`. */
  keepAlive: { type: 'boolean', default: false },
  /** The first TCP keep-alive probe comes after this many milliseconds without traffic, as in `net.createServer`. */
  keepAliveInitialDelay: { type: 'milliseconds', default: 0 },
} as const;

/** Options of http.createServer about the messages that listeners and wrapped programs get. */
export const MESSAGE_OPTIONS = {
  /** The class of requests, a subclass of node's `IncomingMessage`. */
  IncomingMessage: { type: 'function' },
  /** The class of responses, a subclass of node's `ServerResponse`. */
  ServerResponse: { type: 'function' },
  /** Joins repeated fields with a comma in `req.headers`, where node would keep the first alone. */
  joinDuplicateHeaders: { type: 'boolean', default: false },
  /** Writing content to a response without content throws. */
  rejectNonStandardBodyWrites: { type: 'boolean', default: false },
  /** Octets that sockets and responses hold before `write` returns false. The default is node's. */
  highWaterMark: { type: 'octets' },
  /** Values of these response fields are joined with `; `. Not with `tls`, as on node. */
  uniqueHeaders: { type: 'names' },
  /** Requests without Content-Length and Transfer-Encoding emit no 'end' and no 'close'. Since Node 24; no effect before. */
  optimizeEmptyRequests: { type: 'boolean', default: false },
  /** Decides if a request that asks for an upgrade is given to `upgrade`. By default it is if there is a listener. */
  shouldUpgradeCallback: { type: 'function' },
} as const;

/** Limits and time-outs. They can be assigned on a server; parser limits and `timeout` then hold for new connections. */
export interface ServerSettings extends SettingsOf<typeof LIMITS>, SettingsOf<typeof SERVER_SETTINGS> {}

/** Options of `createServer` and `serve`. */
export interface ServerOptions
  extends EnvironOptions,
    GatewayOptions,
    OptionsOf<typeof LIMITS>,
    OptionsOf<typeof SERVER_SETTINGS>,
    OptionsOf<typeof SERVER_OPTIONS>,
    OptionsOf<typeof HTTP2_OPTIONS>,
    ServerMessageOptions {
  /** Decides if a request that asks for an upgrade is given to `upgrade`; its `this` is the server. */
  readonly shouldUpgradeCallback?: ((request: IncomingMessage) => unknown) | undefined;
  readonly tls?: (TlsOptions & SecureContextOptions) | undefined;
}

/** Options of `http.createServer` without a meaning here: they are accepted, so that those of node can be passed along. */
const WITHOUT_MEANING: Readonly<Record<string, true>> = {
  allowHalfOpen: true,
  allowHTTP1: true,
  httpValidation: true,
  insecureHTTPParser: true,
  pauseOnConnect: true,
};

const SETTINGS: OptionTable = { ...LIMITS, ...SERVER_SETTINGS };
const RULES: OptionTable = {
  ...ENVIRON_OPTIONS,
  ...GATEWAY_OPTIONS,
  ...SETTINGS,
  ...SERVER_OPTIONS,
  ...HTTP2_OPTIONS,
  ...MESSAGE_OPTIONS,
};

/** The defaults of {@link ServerSettings}. */
export const DEFAULT_SETTINGS: Readonly<ServerSettings> = Object.freeze(takeSettings({}));

/**
 * Checks the options of a server. Unknown names are told in a warning, as far as their loss does no harm.
 *
 * @param own More options, which the caller obeys
 * @throws TypeError if a value has the wrong type, or for an unknown name that looks like TLS or an address
 * @throws RangeError if a number is out of range
 */
export function checkServerOptions(options: ServerOptions, own: OptionTable = {}): void {
  const rules = { ...RULES, ...own };
  checkOptions(options, rules, { unknown: 'ignore', likely: 'port' });
  const { headersTimeout = 0, requestTimeout = 0 } = options;
  // As on node. After an assignment the smaller one counts.
  if (requestTimeout > 0 && headersTimeout > requestTimeout) {
    throw outOfRange(`Option headersTimeout must be requestTimeout or less, not ${headersTimeout}`);
  }
  judgeUnknownOptions(options, { ...rules, ...WITHOUT_MEANING });
}

/** Gives all settings: those among checked options, defaults for the others. */
export function takeSettings(options: ServerOptions): ServerSettings {
  const settings = { ...settingsOf(LIMITS, options), ...settingsOf(SERVER_SETTINGS, options) };
  const { headersTimeout, requestTimeout } = settings;
  // As on node: a request that is late does not wait for its head.
  if (requestTimeout > 0) settings.headersTimeout = Math.min(headersTimeout, requestTimeout);
  return settings;
}

/**
 * Makes the settings assignable properties of a server. A value is checked like an option; null and undefined restore
 * the default, because tools for node:http assign them.
 *
 * @param settings The values, which are read here and changed
 */
export function defineSettings(server: object, settings: ServerSettings): void {
  for (const [name, row] of Object.entries(SETTINGS)) {
    Object.defineProperty(server, name, {
      configurable: true,
      enumerable: true,
      get: (): unknown => Reflect.get(settings, name),
      set(value: unknown) {
        const isReset = value === undefined || value === null;
        if (!isReset) checkOption(name, value, row);
        Reflect.set(settings, name, isReset ? Reflect.get(DEFAULT_SETTINGS, name) : value);
      },
    });
  }
}
