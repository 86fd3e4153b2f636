/**
 * The port: what a host must bring to run a gateway application, and all that it must bring.
 *
 * A host is two objects a request. A `GatewayRequest` says what came in; `createEnviron` turns it into an
 * environ. A `ResponseSink` takes what goes out; `runApplication` drives it. Everything PEP 3333 says about
 * order, errors and closing happens between the two, in gateway.ts, once for every host.
 *
 * Rule 1: types only. Rule 2: nothing here is particular to one host; what only some hosts can do is optional,
 * and a host that leaves it out loses the extension key that it stands for and nothing else.
 */
import type { DisconnectError } from './errors.ts';
import type { ErrorStream, HeaderList } from './wsgi.ts';

/** Where `wsgi.input` gets its octets. */
export interface InputSource {
  /**
   * Gives the octets that come next: at once if there are some, else as a promise; `null` at the end.
   *
   * Called only when somebody reads, and not again before the last call has settled. Rejects (or throws)
   * with a {@link DisconnectError} when the client left before the end, with a ProtocolError when what it
   * sent cannot be read. After the end, or after a failure, it is not called again.
   */
  pull(): Uint8Array | null | Promise<Uint8Array | null>;
}

/** One request as a host knows it. Strings are native strings: one code unit for each octet. */
export interface GatewayRequest {
  readonly method: string;
  /** The request target octet by octet as it was received, in any of its four forms. */
  readonly target: string;
  /**
   * Path and query, percent-encoded, that routing has left for the application.
   * @default the target's own path and query
   */
  readonly url?: string | undefined;
  /**
   * The part of the path, percent-encoded, that routing has consumed: it becomes SCRIPT_NAME.
   * @default ''
   */
  readonly mount?: string | undefined;
  /** `HTTP/1.1`, `HTTP/1.0`, `HTTP/2.0`. */
  readonly protocol: string;
  /** The field lines as they were received: name, value, name, value, … */
  readonly rawHeaders: readonly string[];
  readonly scheme: 'http' | 'https';
  readonly serverName: string;
  readonly serverPort: string;
  /** Left out for a unix socket. */
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: string | undefined;
  /** Whether other processes may run the same application. @default false */
  readonly multiprocess?: boolean | undefined;
  /** The content; left out when the request has none. */
  readonly input?: InputSource | undefined;
  /** `wsgi.errors`. @default standard error */
  readonly errors?: ErrorStream | undefined;
  /** Gives the trailer section of the request, once the content was read to its end: `gateway.trailers`. */
  readonly trailers?: (() => Promise<HeaderList>) | undefined;
  /** The connection, where the request has one of its own: `gateway.socket`. */
  readonly socket?: object | undefined;
  /** Further keys of the environ, such as what the host knows of the encryption. */
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

/** The head of a response: checked, complete, and the host's to keep. */
export interface ResponseHead {
  /** The status as the application gave it: `200 OK`. */
  readonly status: string;
  readonly statusCode: number;
  /** What follows the space in the status; may be empty. */
  readonly reason: string;
  /** A private copy of the application's headers, Content-Length included if it gave one. */
  readonly headers: HeaderList;
  /** The octets of content that a GET would get, if the number is known. */
  readonly contentLength: number | undefined;
  /** Whether `headers` has Content-Length; if not and `contentLength` is known, the host adds the field. */
  readonly hasContentLengthField: boolean;
  /** Whether this response has no content whatever its headers say: to HEAD, or a 204 or 304. */
  readonly isBodiless: boolean;
}

/** A field of the connection that a wrapped application has set among its headers, as programs for node:http do. */
export interface ConnectionField {
  /** How many of the headers stand before it. */
  readonly index: number;
  readonly name: string;
  readonly value: string;
}

/** What a wrapped application may ask of the connection, besides its response: `gateway.connection`. */
export interface ConnectionDirectives {
  /** Close the connection after this response. */
  readonly close?: boolean | undefined;
  /**
   * What the head says of the connection, if not what becomes of it: `nothing`, or `keep-alive` though the application
   * ends it with this response.
   */
  readonly announce?: 'nothing' | 'keep-alive' | undefined;
  /**
   * Whether content whose length is not known may be sent in chunks; otherwise it ends with the connection.
   * @default true
   */
  readonly chunked?: boolean | undefined;
  /** Sends what is held back of earlier responses, because something is about to be written past this one. */
  readonly flush?: boolean | undefined;
  /** Whether the status may be 1xx, and is all there is of the response (`startResponse` refuses it). @default false */
  readonly interim?: boolean | undefined;
  /** Whether the host adds a Date field. @default true */
  readonly sendDate?: boolean | undefined;
  /** Whether a length is worked out for a response that declares none. @default true */
  readonly computeLength?: boolean | undefined;
  /** Milliseconds without traffic after which the connection may be closed; 0 for never. */
  readonly timeout?: number | undefined;
  /**
   * Whether a client that has closed its half of the connection still gets the response (RFC 9112 §9.6). Where it does
   * not, the connection is closed then, and the client counts as gone.
   * @default true
   */
  readonly halfOpen?: boolean | undefined;
  /**
   * Fields of the connection that the application has set, in ascending order of their places. A host that writes
   * HTTP/1.1 itself puts its own in their place and spells them so; what they say remains the host's decision.
   */
  readonly fields?: readonly ConnectionField[] | undefined;
}

/** Where the response of one request goes. */
export interface ResponseSink {
  /**
   * Whether the sink wants what content there is at hand to an answer to HEAD, which it must not send: a host may make
   * the head fit what it would make of the content (RFC 9110 §9.3.2).
   * @default false
   */
  readonly takesHeadContent?: boolean | undefined;
  /** Takes the head. Called once at most, and directly followed by `write` or `end`: hold it back for them. */
  writeHead(head: ResponseHead): void;
  /**
   * Sends one piece of content, and the head if it is still held back. An empty piece sends the head alone.
   *
   * @returns a promise if the next piece should wait, nothing if it need not. The promise rejects with a
   *   {@link DisconnectError} if the client leaves.
   */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /**
   * Completes the response, with a last piece of content or without.
   *
   * @returns a promise if the client has not taken everything yet, nothing if the rest is the host's affair.
   */
  end(lastChunk?: Uint8Array): Promise<void> | undefined;
  /** Cuts the response off after its head, so that the client sees that it is not whole. */
  abort(error: unknown): void;
  /** Calls the listener if the client leaves before the response has ended; at once if it is gone already. */
  watch(listener: (error: DisconnectError) => void): void;
  /**
   * Hands an error of before the head to a host with an error path of its own, as the very value thrown.
   * Where it is left out, `runApplication` logs the error to `wsgi.errors` and answers for the host.
   */
  fail?(error: unknown): void;
  /** Sends an interim response (1xx, checked). Left out where the host cannot; ignored towards HTTP/1.0. */
  informational?(statusCode: number, headers: HeaderList): void;
  /** Takes fields (checked) for the trailer section; they are dropped if the response has none. */
  trailers?(headers: HeaderList): void;
  /** Obeys what a wrapped application asks of the connection. */
  direct?(directives: ConnectionDirectives): void;
}
