/**
 * What an audit is, and what a host must bring to be audited.
 *
 * An audit is one sentence about gateways that can be held against any of them, over a socket. It knows nothing of
 * the host but what is in this file, so that hosts of other people can be audited too. What only some hosts
 * can do is a capability: an audit names those that it needs, and does not apply to a host without them.
 *
 * Rule 1: an `id` is for ever; it is made of the group, the number in the checklist of the gateway semantics
 *         and a slug. Sentences may be reworded.
 * Rule 2: an audit passes by returning, and fails by throwing an AssertionError.
 */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Application, HeaderList } from '../wsgi.ts';

/** What a host can do, besides serving an application over sockets; each with the reason why some cannot. */
export const AUDIT_CAPABILITIES = {
  serve: 'serves an application over sockets; a CGI program has none',
  cgi: 'runs an application as a CGI program',
  'own-wire':
    'speaks HTTP itself; elsewhere the host parses requests and frames responses, as well as it can',
  'own-error-page': 'answers for a failed application itself; frameworks have error handlers',
  'error-handler': 'hands errors of before the head to an error handler',
  mount: 'mounts applications at paths',
  'any-path': 'routes every path to the application; some routers refuse a path that is not UTF-8',
  'asterisk-form': 'passes OPTIONS * on; a mount at a path has no such request',
  'field-case': 'sends field names in the case that the application gave',
  'framing-choice': 'lets a wrapped program choose chunks where the length is known',
  'host-fields': 'has fields set by other parts of the program before the application runs',
  'host-parsers': 'may consume the content before the application runs',
  wrap: 'is accompanied by bridges that make an application of a program',
  tls: 'serves over TLS',
  http2: 'serves over HTTP/2',
  interim: 'sends interim responses (1xx)',
  trailers: 'passes the trailer sections of requests on, and sends those of responses',
  expect: 'lets the application decide when 100 (Continue) is sent',
  'body-limit': 'limits the content of requests',
  'server-field': 'can be told to send a Server field',
  'drain-limit': 'limits how much unread content it reads to keep a connection',
  'half-close': 'answers a client that has closed its own direction',
  stop: 'stops gracefully',
} as const;

/** A capability of a host. */
export type AuditCapability = keyof typeof AUDIT_CAPABILITIES;

/** Options of the gateway under audit; a host passes them on as they are. */
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
 * The parsers of content that a host may run before the application; an opaque one leaves nothing of which the content
 * could be made again.
 */
export type HostParser = 'json' | 'raw' | 'text' | 'urlencoded' | 'opaque';

/** How an audit wants its application served. */
export interface AuditServeOptions {
  readonly gateway?: AuditGatewayOptions;
  /** Paths, percent-encoded, each mounted within the one before; needs `mount`. Otherwise the host chooses. */
  readonly mounts?: readonly string[];
  /** Needs `tls`. */
  readonly tls?: boolean;
  /** Needs `http2`; clients begin with HTTP/2, without TLS. */
  readonly http2?: boolean;
  /** Fields that the host sets on each response before the application runs; needs `host-fields`. */
  readonly hostFields?: HeaderList;
  /** A parser that consumes the content before the application runs; needs `host-parsers`. */
  readonly hostParser?: HostParser;
  /**
   * Called by the host's error handler, which then answers with the error's `statusCode`, or 500, and the content
   * `Handled`. A host without an error handler ignores it.
   */
  readonly onError?: (error: unknown) => void;
}

/** A host that serves one application. */
export interface AuditServer {
  /** Opens a connection; over TLS if that was asked for. */
  connect(): Socket;
  readonly port: number;
  /** The path, percent-encoded, under which the application is; `''` for the whole server. */
  readonly mount: string;
  /** What was written to the errors stream of the requests so far. */
  log(): string;
  /** Stops gracefully, at the latest after so many milliseconds; needs `stop`. */
  stop?(timeout: number): Promise<void>;
  /** Stops at once; connections are destroyed. */
  close(): Promise<void>;
}

/** A program in the manner of node:http. */
export type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** A bridge that makes an application of a program; needs `wrap`. */
export interface AuditWrapper {
  readonly name: string;
  /**
   * Puts a listener into a program of the wrapped kind, and makes an application of that. What the listener throws
   * is the program's affair.
   */
  wrap(listener: Listener): Application;
  /** Serves the same program without any gateway. */
  serve(listener: Listener): Promise<AuditServer>;
  /** Serves the same program without any gateway, mounted at a path in another program of its kind, if it can be. */
  mount?(listener: Listener, path: string): Promise<AuditServer>;
}

/** An application that another process can find. */
export interface AuditProgram {
  /** The URL of an ES module. */
  readonly module: string;
  /** The name under which the module exports the application. */
  readonly name: string;
  /** Whether the program runs as behind a server that repeats SCRIPT_NAME in PATH_INFO (IIS). */
  readonly repeatsScriptName?: boolean;
}

/** A gateway under audit: capabilities, and for each what the audits need to try it. */
export interface AuditHost {
  readonly name: string;
  readonly capabilities: ReadonlySet<AuditCapability>;
  /**
   * Serves an application at a free port.
   *
   * @throws TypeError at once or by the promise, if the application is none
   */
  serve?(application: Application, options?: AuditServeOptions): Promise<AuditServer>;
  /** Starts a CGI program; the environment is complete, its values native strings. */
  startCgi?(
    program: AuditProgram,
    environment: Readonly<Record<string, string>>,
  ): ChildProcessWithoutNullStreams;
  /** Names of fields that the host sets on every response by itself. @default none */
  readonly ownFields?: readonly string[];
  /** The bridges to audit on this host. */
  readonly wrappers?: readonly AuditWrapper[];
  /** The keys under which the host passes objects of its own on. @default none */
  readonly nativeKeys?: readonly string[];
}

/** What an audit demands, in the words of RFC 2119. */
export type AuditSentence = `MUST ${string}` | `SHOULD ${string}` | `MAY ${string}`;

/** One check of the contract. */
export interface GatewayAudit {
  /** Stable; `environ-24-path-decoding`. */
  readonly id: string;
  /** What a gateway must do; the gateway is the subject. */
  readonly sentence: AuditSentence;
  /** Where that is written. */
  readonly citation: string;
  /** What a host must be capable of for the audit to apply. */
  readonly needs: readonly AuditCapability[];
  /**
   * Holds the host against the sentence.
   *
   * @throws AssertionError if the host does not do what it must
   */
  run(host: AuditHost): Promise<void>;
}

/**
 * Tells which capabilities a host lacks for an audit.
 *
 * @param audit The audit
 * @param host The host
 * @returns The missing capabilities; none if the audit applies
 * @example
 * const applicable = gatewayAudits().filter((audit) => missingCapabilities(audit, host).length === 0);
 */
export function missingCapabilities(audit: GatewayAudit, host: AuditHost): AuditCapability[] {
  return audit.needs.filter((capability) => !host.capabilities.has(capability));
}
