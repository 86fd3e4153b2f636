/**
 * The port: the two objects that a host provides for each request.
 *
 * `createEnviron` turns a `GatewayRequest` into an environ. `runApplication` sends the response to a `ResponseSink`.
 * PEP 3333's rules for order, errors and closing are in src/gateway/run-application.ts, once for every host.
 *
 * Rule 1: types only. Rule 2: nothing here is specific to one host. Features of only some hosts are optional members;
 * a host without such a member lacks only the extension key that depends on it.
 */
import type { DisconnectError } from './errors.ts';
import type { ErrorStream, HandedOver, HeaderList } from './wsgi.ts';

/** Source of the octets of `wsgi.input`. */
export interface InputSource {
  /**
   * Gives the next octets, or `null` at the end. Returns a promise if it has to wait.
   *
   * It is called only for a read, and not again before the last call has settled. It rejects or throws a
   * {@link DisconnectError} if the client left before the end, and a ProtocolError if the content is malformed.
   * It is not called again after the end or after a failure.
   */
  pull(): Uint8Array | null | Promise<Uint8Array | null>;
  /**
   * Called when a wrapped program throws the rest away.
   *
   * @returns true if it counts as read to its end at once. Otherwise, and without this method, the program waits for
   *   the end, as on node:http.
   */
  skip?(): boolean;
  /**
   * Called when an iteration over the content begins. Until it ends, its reader may come back for the rest, also after
   * the response: the host throws nothing away.
   */
  beginIteration?(): void;
  /** Called when an iteration ends: at the end of the content, after a failure, or because its reader left. */
  endIteration?(): void;
}

/** One request as received by a host. Strings are native strings: one code unit for each octet. */
export interface GatewayRequest {
  readonly method: string;
  /** The request target as received, in any of its four forms (RFC 9112 §3.2). */
  readonly target: string;
  /**
   * Path and query for the application, percent-encoded, after the host's routing.
   * @default path and query of the target
   */
  readonly url?: string | undefined;
  /**
   * The part of the path, percent-encoded, that the host's routing has consumed. It becomes SCRIPT_NAME.
   * @default ''
   */
  readonly mount?: string | undefined;
  /** `HTTP/1.1`, `HTTP/1.0` or `HTTP/2.0`. */
  readonly protocol: string;
  /** The field lines as received: name, value, name, value, … */
  readonly rawHeaders: readonly string[];
  readonly scheme: 'http' | 'https';
  readonly serverName: string;
  readonly serverPort: string;
  /** Undefined for a unix socket. */
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: string | undefined;
  /** Other processes may run the same application at the same time. @default false */
  readonly multiprocess?: boolean | undefined;
  /** The content. Undefined if the request has none. */
  readonly input?: InputSource | undefined;
  /** `wsgi.errors`. @default standard error */
  readonly errors?: ErrorStream | undefined;
  /** `gateway.trailers`: gives the trailer section of the request, once the content has been read to its end. */
  readonly trailers?: (() => Promise<HeaderList>) | undefined;
  /** `gateway.socket`: the socket, if the request has one of its own. */
  readonly socket?: object | undefined;
  /** Further keys of the environ, such as facts about the encryption. */
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

/** The head of a response: checked and complete. The host may keep it. */
export interface ResponseHead {
  /** Status code and reason phrase, as passed by the application: `200 OK`. */
  readonly status: string;
  readonly statusCode: number;
  /** The reason phrase; may be empty. */
  readonly reason: string;
  /** A copy of the application's headers, with Content-Length if the application set it. */
  readonly headers: HeaderList;
  /** Octets of content that a GET would get, if known. */
  readonly contentLength: number | undefined;
  /** `headers` contains Content-Length. If not, and `contentLength` is known, the host adds the field. */
  readonly hasContentLengthField: boolean;
  /** The response has no content, whatever its headers say: it answers HEAD, or its status is 204 or 304. */
  readonly isBodiless: boolean;
}

/** A field of the connection that a wrapped program has set among its headers, as programs for node:http may. */
export interface ConnectionField {
  /** Number of headers before it. */
  readonly index: number;
  readonly name: string;
  readonly value: string;
}

/** `gateway.connection`: requests of a wrapped program that concern the connection, not the response. */
export interface ConnectionDirectives {
  /** Close the connection after this response. */
  readonly close?: boolean | undefined;
  /**
   * Overrides the Connection field of the head: `nothing` leaves it out; `keep-alive` announces that the connection
   * stays open, though the program closes it after this response.
   */
  readonly announce?: 'nothing' | 'keep-alive' | undefined;
  /**
   * Content of unknown length may be sent in the chunked coding. Otherwise the end of the connection ends it.
   * @default true
   */
  readonly chunked?: boolean | undefined;
  /** Send held-back octets of earlier responses now, because the program is about to write to the socket itself. */
  readonly flush?: boolean | undefined;
  /** `startResponse` accepts a status of 1xx. The response then consists of its head alone. @default false */
  readonly interim?: boolean | undefined;
  /** The host adds a Date field. @default true */
  readonly sendDate?: boolean | undefined;
  /** The gateway computes Content-Length for a response that does not declare it. @default true */
  readonly computeLength?: boolean | undefined;
  /** Milliseconds without traffic after which the connection may be closed; 0 means never. */
  readonly timeout?: number | undefined;
  /**
   * A client that has closed its half of the connection still gets the response (RFC 9112 §9.6). Otherwise the
   * host closes the connection, and the client counts as gone.
   * @default true
   */
  readonly halfOpen?: boolean | undefined;
  /**
   * Fields of the connection that the program has set, in ascending order of `index`. A host that writes HTTP/1.1
   * itself puts its own fields in these places, spelled like these. The host still decides what they say.
   */
  readonly fields?: readonly ConnectionField[] | undefined;
}

/** Takes the response to one request. */
export interface ResponseSink {
  /**
   * The sink takes the content of a response to HEAD, though it must not send it, so that the host can derive header
   * fields from the content (RFC 9110 §9.3.2).
   * @default false
   */
  readonly takesHeadContent?: boolean | undefined;
  /**
   * The environ is as {@link createEnviron} has made it of the request. It spares wrapped programs a comparison.
   * @default false
   */
  readonly hasOwnEnviron?: boolean | undefined;
  /** Takes the head. Called at most once, directly before `write` or `end`: hold it back until then. */
  writeHead(head: ResponseHead): void;
  /**
   * Sends one piece of content, after the head if that is still held back. An empty piece sends the head alone.
   *
   * The application may use the memory of the piece again afterwards. So copy a small piece, and let a large one wait
   * until the operating system has it.
   *
   * @returns a promise if the next piece should wait, else undefined. The promise rejects with a
   *   {@link DisconnectError} if the client leaves. Nothing is written before it has settled.
   */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /**
   * Completes the response, with or without a last piece of content. The promise of the piece before may not have settled: with it the
   * declared length was full.
   *
   * @returns a promise if the client has not taken everything yet, or undefined if the host does the rest alone.
   */
  end(lastChunk?: Uint8Array): Promise<void> | undefined;
  /**
   * Gives a promise if the host still refers to memory of pieces that it was given. It settles like that of `write`.
   *
   * Called once the response is over, and only if somebody is told of its end. Missing if the promise of `end` settles
   * no earlier.
   */
  sent?(): Promise<void> | undefined;
  /** Cuts off the response after its head, so that the client notices that it is incomplete. */
  abort(error: unknown): void;
  /**
   * The host itself will log the error of `abort`. Otherwise it goes to `wsgi.errors` before the call.
   * @default false
   */
  readonly logsAbort?: boolean | undefined;
  /**
   * Takes each error that would otherwise be written to `wsgi.errors`, as a host for tests does. It must not throw.
   */
  log?(error: unknown): void;
  /** Calls the listener if the client leaves before the response has ended; at once if it has already left. */
  watch(listener: (error: DisconnectError) => void): void;
  /**
   * Passes the thrown value to the host's own error handling. Called only before the head has been sent.
   * If this method is missing, `runApplication` logs the error to `wsgi.errors` and sends an error response.
   */
  fail?(error: unknown): void;
  /** Sends an interim response (1xx, checked). Missing if the host cannot; does nothing for a client of HTTP/1.0. */
  informational?(statusCode: number, headers: HeaderList): void;
  /** Takes fields (checked) for the trailer section. They are dropped if the response has no trailer section. */
  trailers?(headers: HeaderList): void;
  /** Follows the directives of a wrapped program about the connection. */
  direct?(directives: ConnectionDirectives): void;
  /**
   * Hands over the socket. Missing if the host cannot, or if the request does not ask for another protocol. Called once at
   * most, before `writeHead`. Afterwards the host writes and reads nothing, has no time-outs, and does not call the listener of
   * `watch`.
   */
  readonly handOver?: (() => HandedOver) | undefined;
}
