/**
 * Defines an audit, and the host that it runs on.
 *
 * An audit checks one sentence of the contract on any gateway, over a socket. It uses only the interfaces of this
 * file, so that other people's hosts can be audited too. A capability is what only some hosts can do: an audit does
 * not apply to a host that lacks one of its needs.
 *
 * Rule 1: an `id` never changes: group, line in the checklist of the gateway semantics, slug. Sentences may change.
 * Rule 2: an audit passes by returning, and fails by throwing an AssertionError.
 */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Application, HeaderList } from '../wsgi.ts';

/** The capabilities of hosts, each with its meaning and, where it is not obvious, why some hosts lack it. */
export const AUDIT_CAPABILITIES = {
  serve: 'serves an application over sockets; a CGI program has none',
  cgi: 'runs an application as a CGI program',
  'own-wire': 'parses requests and frames responses itself; other gateways depend on the HTTP of their host',
  'own-error-page': 'sends its own error page; frameworks have error handlers',
  'error-handler': 'passes errors before the head to an error handler',
  mount: 'mounts applications at paths',
  'any-path': 'routes every path to the application; some routers refuse a path that is not UTF-8',
  'asterisk-form': 'passes OPTIONS * on; a mount at a path never gets it',
  'field-case': 'sends field names in the case that the application gave',
  'field-lines': 'shows the field lines of a request; variables of CGI have lost case and repeats',
  'framing-choice': 'lets a wrapped program send chunks although the length is known',
  'host-fields': 'lets other code set response fields before the application runs',
  'host-parsers': 'may consume the content before the application runs',
  'host-middleware': 'lets other code change the request before the application runs',
  'trust-proxy': 'can be told to trust the fields of a proxy',
  'fall-through': 'passes requests that the application does not answer on to the next handler',
  middleware: 'comes with middleware around applications',
  wrap: 'comes with bridges that turn a program into an application',
  http1:
    'takes HTTP/1 from its clients; audits reach HTTP/2 through a translator, which malformed requests, versions, repeated User-Agent, reason phrases and closes do not pass',
  'as-received':
    'passes target, version and field lines on as they were received; a Request of the Fetch API has no dot segments, no version and joined fields in another order',
  plain: 'serves without TLS',
  tls: 'serves over TLS',
  http2: 'serves over HTTP/2',
  upgrade:
    'hands over the socket of a request that asks for another protocol, such as WebSocket; CGI, FastCGI and the Fetch API have none',
  interim: 'sends interim responses (1xx)',
  trailers: 'passes on the trailers of requests, and sends those of responses',
  expect: 'lets the application decide when 100 (Continue) is sent',
  'body-limit': 'limits the size of request content',
  'server-field': 'can be told to send a Server field',
  'drain-limit': 'limits how much unread content it reads to keep a connection',
  'deep-pipeline': 'takes hundreds of pipelined requests; node:https of Node 20 fails them with HPE_PAUSED',
  'half-close': 'answers a client that has closed its sending side',
  stop: 'stops gracefully',
} as const;

/** A capability of a host. */
export type AuditCapability = keyof typeof AUDIT_CAPABILITIES;

/** Options of the gateway under audit, which the host passes to it unchanged. */
export interface AuditGatewayOptions {
  readonly environ?: Readonly<Record<string, unknown>>;
  readonly underscoreHeaders?: 'drop' | 'refuse' | 'allow';
  readonly hopByHop?: 'error' | 'drop';
  readonly closeTimeout?: number;
  readonly exposeErrors?: boolean;
  readonly strict?: boolean;
  /** Needs `body-limit`. */
  readonly maxBodySize?: number;
  /** Needs `server-field`. */
  readonly serverHeader?: string;
  /** Needs `drain-limit`. */
  readonly maxDrainSize?: number;
}

/**
 * Content parsers that a host may run before the application. `opaque` leaves nothing to rebuild the content from.
 */
export type HostParser = 'json' | 'raw' | 'text' | 'urlencoded' | 'opaque';

/** How an audit wants its application served. */
export interface AuditServeOptions {
  readonly gateway?: AuditGatewayOptions;
  /** Percent-encoded paths, each mounted within the one before; needs `mount`. @default chosen by the host */
  readonly mounts?: readonly string[];
  /** Needs `tls`. */
  readonly tls?: boolean;
  /** HTTP/2 with prior knowledge, without TLS; needs `http2`. */
  readonly http2?: boolean;
  /** Fields that the host sets on each response before the application runs; needs `host-fields`. */
  readonly hostFields?: HeaderList;
  /** A parser that consumes the content before the application runs; needs `host-parsers`. */
  readonly hostParser?: HostParser;
  /** Called with each request before the application runs; needs `host-middleware`. */
  readonly changeRequest?: (request: IncomingMessage) => void;
  /** The host trusts X-Forwarded-For, -Proto and -Host of everybody; needs `trust-proxy`. */
  readonly trustProxy?: boolean;
  /** Handles each request that the application answers with 404; needs `fall-through`. */
  readonly next?: Listener;
  /**
   * Called by the host's error handler, which then answers `Handled` with the error's `statusCode` or 500. A host
   * without an error handler ignores it.
   */
  readonly onError?: (error: unknown) => void;
}

/** One application served by a host. */
export interface AuditServer {
  /** Opens a connection, over TLS if `tls` was set. */
  connect(): Socket;
  readonly port: number;
  /** The percent-encoded path of the application; `''` for the whole server. */
  readonly mount: string;
  /** Everything written to `wsgi.errors` so far. */
  log(): string;
  /** Stops gracefully within `timeout` milliseconds; needs `stop`. */
  stop?(timeout: number): Promise<void>;
  /** Stops at once and destroys all connections. */
  close(): Promise<void>;
}

/** A listener as for node:http. */
export type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** A bridge that turns a program into an application; needs `wrap`. */
export interface AuditWrapper {
  readonly name: string;
  /**
   * Puts a listener into a program of the wrapped kind, and wraps that. The program handles errors of the listener.
   */
  wrap(listener: Listener): Application;
  /** Serves the same program directly, without a gateway. */
  serve(listener: Listener): Promise<AuditServer>;
  /** Like `serve`, with the program mounted at a path in another of its kind; absent if the kind cannot mount. */
  mount?(listener: Listener, path: string): Promise<AuditServer>;
}

/** Middleware under audit; needs `middleware`. */
export interface AuditMiddleware {
  /** Middleware that changes neither the status nor the content of a response without validators, by name. */
  readonly transparent: Readonly<Record<string, AuditLayer>>;
  /** Middleware that makes the content of every response longer or shorter, chunk by chunk, by name. */
  readonly changing: Readonly<Record<string, AuditLayer>>;
  /** Mounts applications at paths. `rest` answers what is below none of them. */
  dispatch(mounts: Readonly<Record<string, Application>>, rest: Application): Application;
  /** Trusts X-Forwarded-For, -Proto and -Host of so many proxies; each appends one value. */
  trustedProxy(proxies: number): AuditLayer;
}

/** A function from application to application. */
export type AuditLayer = (application: Application) => Application;

/** An application that another process can import. */
export interface AuditProgram {
  /** The URL of an ES module. */
  readonly module: string;
  /** The name under which the module exports the application. */
  readonly name: string;
  /** The server repeats SCRIPT_NAME in PATH_INFO, as IIS does. */
  readonly repeatsScriptName?: boolean;
}

/** A gateway under audit: its capabilities, and the members through which audits test them. */
export interface AuditHost {
  readonly name: string;
  readonly capabilities: ReadonlySet<AuditCapability>;
  /**
   * Serves an application at a free port.
   *
   * @throws TypeError, at once or through the promise, if the value is not an application
   */
  serve?(application: Application, options?: AuditServeOptions): Promise<AuditServer>;
  /** Starts a CGI program. `environment` has all its CGI variables, as native strings. */
  startCgi?(
    program: AuditProgram,
    environment: Readonly<Record<string, string>>,
  ): ChildProcessWithoutNullStreams;
  /** Names of fields that the host itself adds to every response. @default none */
  readonly ownFields?: readonly string[];
  /** The bridges to audit on this host. */
  readonly wrappers?: readonly AuditWrapper[];
  readonly middleware?: AuditMiddleware;
  /**
   * Values that are no application, but likely to be mounted as one, by name: adapters, modules, apps of frameworks.
   * @default none
   */
  readonly mistakes?: Readonly<Record<string, unknown>>;
  /** Keys of the host's own objects in the environ, such as `node.req`. @default none */
  readonly objectKeys?: readonly string[];
}

/** The demand of an audit, in the words of RFC 2119. */
export type AuditSentence = `MUST ${string}` | `SHOULD ${string}` | `MAY ${string}`;

/** One check of the contract. */
export interface GatewayAudit {
  /** Never changes; `environ-24-path-decoding`. */
  readonly id: string;
  /** The rule, with the gateway as subject. */
  readonly sentence: AuditSentence;
  /** The source of the rule. */
  readonly citation: string;
  /** The audit does not apply to a host that lacks one of these. */
  readonly needs: readonly AuditCapability[];
  /**
   * Checks that the host obeys the rule.
   *
   * @throws AssertionError if it does not
   */
  run(host: AuditHost): Promise<void>;
}

/**
 * Lists the capabilities that an audit needs and a host lacks.
 *
 * @param audit The audit
 * @param host The host
 * @returns The missing capabilities; empty if the audit applies
 * @example
 * const applicable = gatewayAudits().filter((audit) => missingCapabilities(audit, host).length === 0);
 */
export function missingCapabilities(audit: GatewayAudit, host: AuditHost): AuditCapability[] {
  return audit.needs.filter((capability) => !host.capabilities.has(capability));
}
