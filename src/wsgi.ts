/**
 * PEP 3333 as types.
 *
 * Rule 1: this file imports nothing and runs nothing, so that it can be copied into other projects.
 * Rule 2: environ keys have PEP 3333's names; our own keys start with `gateway.`.
 * Rule 3: a native string of PEP 3333 is a `string` whose code units are octets (U+0000 to U+00FF).
 *         `encodeNative` and `decodeNative` convert between native strings and text.
 *
 * One difference from Python: an application may be async, its body may be an async iterable, and the methods
 * of `wsgi.input` return promises. `startResponse` is synchronous, so that it throws inside the application.
 */

/** Header fields as `[name, value]` pairs, in the order in which they are sent. Duplicates are allowed. */
export type HeaderList = (readonly [name: string, value: string])[];

/** One piece of a response body. PEP 3333 allows bytes only; our hosts also accept strings and send them as UTF-8. */
export type Chunk = Uint8Array | string;

/**
 * An iterable of chunks, as an application returns it.
 *
 * A bare string or Buffer is refused: wrap it in an array. If the object has a `close()` method, the gateway
 * calls it exactly once, however the response ends.
 */
export type Body = (Iterable<Chunk> | AsyncIterable<Chunk>) & object & { close?(): unknown };

/**
 * Sends a chunk at once, before the chunks of the returned body.
 *
 * The promise settles when the host has taken the octets. It may be ignored.
 */
export type Write = (data: Chunk) => Promise<void>;

/**
 * Begins the response. It is synchronous and only stores the head, which is sent with the first non-empty chunk.
 *
 * The headers are copied, so a frozen list may be shared by responses. Middleware that adds one passes a list of its own:
 * `startResponse(status, [...headers, ['X-Frame-Options', 'DENY']], excInfo)`.
 *
 * A second call is an error unless it passes `excInfo`. With `excInfo` it replaces the stored head, or throws
 * `excInfo` if the head has been sent.
 */
export type StartResponse = (status: string, headers: Readonly<HeaderList>, excInfo?: unknown) => Write;

/** `wsgi.input`: the content of the request. At the end every method returns an empty array. */
export interface InputStream extends AsyncIterable<Uint8Array> {
  /** Reads exactly `size` octets, or fewer at the end. Without `size`, or if it is negative, reads the rest. */
  read(size?: number | null): Promise<Uint8Array>;
  /** Reads one line with its LF, but at most `size` octets. */
  readline(size?: number | null): Promise<Uint8Array>;
  /** Reads lines until the end, or until they have `hint` octets together. */
  readlines(hint?: number | null): Promise<Uint8Array[]>;
  /** Iterates over lines, as PEP 3333 requires. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined>;
  /** Iterates over the content in pieces of any size, as they arrive. Not in PEP 3333. */
  chunks(): AsyncIterable<Uint8Array>;
}

/** `wsgi.errors`: a text stream for the operator. The application does not close it. */
export interface ErrorStream {
  write(text: string): void;
  writelines(lines: Iterable<string>): void;
  flush(): void | Promise<void>;
}

/**
 * The environ of one request: a new plain object that belongs to the application.
 *
 * CGI variables are native strings. An unknown variable is absent, never `undefined`.
 *
 * Keys of your own are `unknown`, until you declare them:
 *
 * @example
 * declare module 'gatebridge' {
 *   interface Environ {
 *     'app.user'?: User;
 *   }
 * }
 */
export interface Environ {
  REQUEST_METHOD: string;
  /** The part of the path that led to the application, decoded to octets; `''` at the root. */
  SCRIPT_NAME: string;
  /** The rest of the path, decoded to octets; `''` if the path is exactly that of the mount. */
  PATH_INFO: string;
  /** The query after the first `?`, not decoded; `''` if there is none. */
  QUERY_STRING: string;
  SERVER_NAME: string;
  SERVER_PORT: string;
  SERVER_PROTOCOL: string;
  CONTENT_TYPE?: string;
  CONTENT_LENGTH?: string;
  REMOTE_ADDR?: string;
  REMOTE_PORT?: string;
  /** The request target as received. Mounts do not change it. */
  REQUEST_URI?: string;
  /** REQUEST_URI under Gunicorn's name. */
  RAW_URI?: string;
  SERVER_SOFTWARE?: string;
  HTTPS?: string;
  HTTP_HOST?: string;
  HTTP_COOKIE?: string;
  /** Any other field of the request. */
  [field: `HTTP_${string}`]: string | undefined;
  'wsgi.version': readonly [1, 0];
  'wsgi.url_scheme': 'http' | 'https';
  'wsgi.input': InputStream;
  'wsgi.errors': ErrorStream;
  'wsgi.multithread': boolean;
  'wsgi.multiprocess': boolean;
  'wsgi.run_once': boolean;
  /** True if reading `wsgi.input` ends by itself, also without CONTENT_LENGTH. */
  'wsgi.input_terminated'?: boolean;
  /** Makes a body from a file handle, a readable stream, or any object with a `read` method. */
  'wsgi.file_wrapper'?(file: object, blockSize?: number): Body;
  /** The fields of the request as received: name, value, name, value, … */
  'gateway.raw_headers'?: readonly string[];
  /** Gives a signal that aborts if the client leaves before the response has ended. */
  'gateway.signal'?: () => AbortSignal;
  /** Registers a callback for the end of the response, however it ends. The last one registered runs first. */
  'gateway.on_finished'?: (callback: FinishedCallback) => void;
  /** Sends a 103 with these headers. */
  'gateway.early_hints'?: (headers: Readonly<HeaderList>) => void;
  /** Sends an interim response: 100 to 199, but not 101. */
  'gateway.informational'?: (statusCode: number, headers: Readonly<HeaderList>) => void;
  /** Gives the trailer section of the request, once the content has been read to its end. */
  'gateway.trailers'?: () => Promise<HeaderList>;
  /** Adds fields to the trailer section of the response. */
  'gateway.send_trailers'?: (headers: Readonly<HeaderList>) => void;
  /**
   * Hands over the socket of a request that asks for another protocol, such as WebSocket (RFC 9110 §7.8). Only such a
   * request has it. It works once, and not after startResponse; then the application writes its response, a 101, to the
   * socket, and returns an empty body.
   *
   * @throws an ApplicationError if it is too late, a DisconnectError if the client has left
   */
  'gateway.upgrade'?: () => HandedOver;
  /** The facts that a proxy in TCP mode has told of the connection. */
  'gateway.proxy_protocol'?: ProxyProtocol;
  [key: string]: unknown;
}

/** What `gateway.upgrade` gives: a connection that belongs to the application from then on. */
export interface HandedOver {
  /** A `Duplex` of node:stream, mostly a `net.Socket` or a `tls.TLSSocket`. */
  readonly socket: { destroy(): unknown };
  /** Octets that have already come after the request. Mostly there are none. */
  readonly head: Uint8Array;
}

/** `gateway.proxy_protocol`: what a trusted proxy has told by the PROXY protocol. Frozen, and shared by all requests of a connection. */
export interface ProxyProtocol {
  readonly version: 1 | 2;
  /** `LOCAL`: the proxy has connected for itself, to see if the server is up. */
  readonly command: 'PROXY' | 'LOCAL';
  /** Undefined if the proxy tells no addresses. */
  readonly family: 'IPv4' | 'IPv6' | 'unix' | undefined;
  /** The client; an address without a port is the path of a unix socket. */
  readonly source: ProxyEndpoint | undefined;
  /** The address that the client connected to. */
  readonly destination: ProxyEndpoint | undefined;
  /** The host name that the client asked for, such as that of SNI. */
  readonly authority: string | undefined;
  /** The client's TLS, if it has ended at the proxy. */
  readonly tls:
    | {
        /** Such as `TLSv1.3`. */
        readonly protocol: string | undefined;
        readonly cipher: string | undefined;
        /** The client has shown a certificate. */
        readonly hasCertificate: boolean;
        /** The proxy has verified it. */
        readonly isVerified: boolean;
        /** The common name in it. */
        readonly commonName: string | undefined;
      }
    | undefined;
  /** All additions of version 2, also those of cloud providers, in order. */
  readonly tlvs: readonly { readonly type: number; readonly value: Uint8Array }[];
  /** The proxy itself: the peer of the server's socket. */
  readonly proxy: { readonly address: string | undefined; readonly port: number | undefined };
}

/** One end of a connection. */
export interface ProxyEndpoint {
  readonly address: string;
  readonly port: number | undefined;
}

/**
 * Callback of `gateway.on_finished`, called when the response is over. `error` is the reason if it is incomplete.
 * `status` and `headers` are undefined if no response was started.
 */
export type FinishedCallback = (
  environ: Environ,
  status: string | undefined,
  headers: HeaderList | undefined,
  error: unknown,
) => unknown;

/** First form: a function, called once per request with exactly two arguments. It may be async or a generator. */
export interface ApplicationFunction {
  (environ: Environ, startResponse: StartResponse): Body | Promise<Body>;
  /** Every function has it, and no {@link ApplicationObject}: by that TypeScript tells an object's `call` from a function's. */
  readonly length: number;
}

/** Second form: a class, constructed once per request. The instance is the body. */
export interface ApplicationClass {
  new (environ: Environ, startResponse: StartResponse): Body;
  readonly length: number;
}

/** Third form: an object whose `call` method answers every request. */
export interface ApplicationObject {
  call(environ: Environ, startResponse: StartResponse): Body | Promise<Body>;
  readonly length?: never;
}

/**
 * An application in any of its three forms, as hosts take it.
 *
 * Only a function can be called. Code that calls an application, such as middleware, takes an {@link ApplicationFunction}, or
 * makes one with `toApplication(application)`.
 */
export type Application = ApplicationFunction | ApplicationClass | ApplicationObject;
