/**
 * PEP 3333 as types: the words that an application and a gateway share.
 *
 * Rule 1: this file imports nothing and runs nothing; it can be copied into any other project.
 * Rule 2: names of environ keys are PEP 3333's, letter by letter; names of ours start with `gateway.`.
 * Rule 3: where PEP 3333 says "native string", the type is `string` and each code unit is one octet
 *         (U+0000 to U+00FF). `encodeNative` and `decodeNative` cross to ordinary text and back.
 *
 * The one change against Python: promises may stand around the interface. An application may be async,
 * its body may be an async iterable, and the methods of `wsgi.input` return promises. `startResponse`
 * stays synchronous, because its checks must fail while the application is still running.
 */

/** Header fields in the order in which they are sent: `[name, value]` pairs, duplicates allowed. */
export type HeaderList = [name: string, value: string][];

/** One piece of a response body. Strings are a leniency of our hosts (sent as UTF-8); PEP 3333 has bytes. */
export type Chunk = Uint8Array | string;

/**
 * What an application returns: an iterable of chunks.
 *
 * A bare string or Buffer is refused, though JavaScript could iterate both: wrap it in an array.
 * If the object has a `close()` method the gateway calls it exactly once, however the response ends.
 */
export type Body = (Iterable<Chunk> | AsyncIterable<Chunk>) & object & { close?(): unknown };

/**
 * Sends a piece of the response body imperatively, before anything that is yielded.
 *
 * The promise settles when the octets were handed to the host; it may be ignored.
 */
export type Write = (data: Chunk) => Promise<void>;

/**
 * Begins the response. Synchronous, and only stores: the head leaves with the first non-empty chunk.
 *
 * A second call is an error unless it carries `excInfo`; with `excInfo` it replaces the head that was
 * stored, or throws `excInfo` when the head has left.
 */
export type StartResponse = (status: string, headers: HeaderList, excInfo?: unknown) => Write;

/** `wsgi.input`: the request's content. Every method returns an empty array at the end, for ever. */
export interface InputStream extends AsyncIterable<Uint8Array> {
  /** Reads exactly `size` octets, fewer only at the end; without `size`, or with a negative one, the rest. */
  read(size?: number | null): Promise<Uint8Array>;
  /** Reads one line with its LF; at most `size` octets of it. */
  readline(size?: number | null): Promise<Uint8Array>;
  /** Reads lines until the end, or until they add up to `hint` octets. */
  readlines(hint?: number | null): Promise<Uint8Array[]>;
  /** Iterates over lines, as PEP 3333 has it. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined>;
  /** Iterates over the pieces as they arrive, of whatever size. Not in PEP 3333. */
  chunks(): AsyncIterable<Uint8Array>;
}

/** `wsgi.errors`: a text stream for the operator's eyes. The application never closes it. */
export interface ErrorStream {
  write(text: string): void;
  writelines(lines: Iterable<string>): void;
  flush(): void | Promise<void>;
}

/**
 * The environ of one request: a fresh plain object that belongs to the application.
 *
 * CGI variables are native strings; a variable that is not known is absent, never `undefined`.
 */
export interface Environ {
  REQUEST_METHOD: string;
  /** The part of the path that was consumed on the way here; `''` at the root; decoded to octets. */
  SCRIPT_NAME: string;
  /** The rest of the path, decoded to octets; `''` on an exact hit of a mount. */
  PATH_INFO: string;
  /** What follows the first `?`, not decoded; `''` when there is none. */
  QUERY_STRING: string;
  SERVER_NAME: string;
  SERVER_PORT: string;
  SERVER_PROTOCOL: string;
  CONTENT_TYPE?: string;
  CONTENT_LENGTH?: string;
  REMOTE_ADDR?: string;
  REMOTE_PORT?: string;
  /** The request target octet by octet, never rewritten by mounts. */
  REQUEST_URI?: string;
  /** The same under the name that Gunicorn gives it. */
  RAW_URI?: string;
  SERVER_SOFTWARE?: string;
  HTTPS?: string;
  HTTP_HOST?: string;
  HTTP_COOKIE?: string;
  'wsgi.version': readonly [1, 0];
  'wsgi.url_scheme': 'http' | 'https';
  'wsgi.input': InputStream;
  'wsgi.errors': ErrorStream;
  'wsgi.multithread': boolean;
  'wsgi.multiprocess': boolean;
  'wsgi.run_once': boolean;
  /** True: reading `wsgi.input` ends by itself, whether or not CONTENT_LENGTH is known. */
  'wsgi.input_terminated'?: boolean;
  /** Makes a body of a file: a file handle, a readable stream, anything with a `read` method. */
  'wsgi.file_wrapper'?(file: object, blockSize?: number): Body;
  /** The fields of the request as they were received: name, value, name, value, … */
  'gateway.raw_headers'?: readonly string[];
  /** Gives a signal that is aborted when the client leaves before the response has ended. */
  'gateway.signal'?: () => AbortSignal;
  /** Calls back when the response is over, however it ended; the last one registered runs first. */
  'gateway.on_finished'?: (callback: FinishedCallback) => void;
  /** Sends a 103 with these headers. */
  'gateway.early_hints'?: (headers: HeaderList) => void;
  /** Sends an interim response: 100 to 199, and not 101. */
  'gateway.informational'?: (statusCode: number, headers: HeaderList) => void;
  /** Gives the trailer section of the request, once the content was read to its end. */
  'gateway.trailers'?: () => Promise<HeaderList>;
  /** Adds fields to the trailer section of the response. */
  'gateway.send_trailers'?: (headers: HeaderList) => void;
  [key: string]: unknown;
}

/**
 * What `gateway.on_finished` calls, once the response is over; `error` is why it was not completed.
 * Status and headers are missing if no response was started.
 */
export type FinishedCallback = (
  environ: Environ,
  status: string | undefined,
  headers: HeaderList | undefined,
  error: unknown,
) => unknown;

/** The first form: called once a request with exactly two arguments. Generators of both kinds are functions too. */
export type ApplicationFunction = (environ: Environ, startResponse: StartResponse) => Body | Promise<Body>;

/** The second form: constructed once a request; the instance is the body. */
export type ApplicationClass = new (environ: Environ, startResponse: StartResponse) => Body;

/** The third form: one instance whose `call` method answers every request. */
export interface ApplicationObject {
  call(environ: Environ, startResponse: StartResponse): Body | Promise<Body>;
  /** Functions have it, and a `call` method too: without this line every function would pass for an application. */
  readonly [Symbol.hasInstance]?: never;
}

/** An application in any of its three forms. */
export type Application = ApplicationFunction | ApplicationClass | ApplicationObject;
