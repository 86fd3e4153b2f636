/**
 * The `Request` of a fetch handler, read from an environ: nothing of it is made before it is asked for.
 *
 * Rule 1: most requests need method, URL, a few headers, and content as a whole. These never make the runtime's `Request`.
 * Rule 2: once the real request is made, content is its affair. Both share stream, headers and signal.
 */
import type { Environ } from '../../src/index.ts';
import { ContentReader } from './content-reader.ts';
import { EnvironHeaders } from './environ-headers.ts';
import type { FetchContext } from './fetch-context.ts';
import { requestUrl } from './request-url.ts';
import { standInFor } from './stand-in.ts';

/** The runtime's class, whatever takes its global name later. */
export const RealRequest: typeof Request = globalThis.Request;

/** A request over an environ. */
export class EnvironRequest {
  readonly #environ: Environ;
  readonly #context: FetchContext;
  readonly #isWhole: boolean;
  #url: string | undefined;
  #headers: EnvironHeaders | undefined;
  #signal: AbortSignal | undefined;
  #content: ContentReader | undefined;
  #stream: ReadableStream<Uint8Array> | undefined;
  #isRead = false;
  #real: Request | undefined;

  /** @param isWhole The path of the URL begins with that of the mount */
  constructor(environ: Environ, context: FetchContext, isWhole: boolean) {
    this.#environ = environ;
    this.#context = context;
    this.#isWhole = isWhole;
  }

  get method(): string {
    return this.#environ.REQUEST_METHOD;
  }

  get url(): string {
    this.#url ??= requestUrl(this.#environ, this.#isWhole);
    return this.#url;
  }

  get headers(): EnvironHeaders {
    this.#headers ??= new EnvironHeaders(this.#environ);
    return this.#headers;
  }

  /** Aborts if the client leaves before the response has ended. */
  get signal(): AbortSignal {
    this.#signal ??= this.#environ['gateway.signal']?.() ?? new AbortController().signal;
    return this.#signal;
  }

  /** The address of the client, where h3 and srvx look for it. */
  get ip(): string | undefined {
    return this.#environ.REMOTE_ADDR;
  }

  /** Lets work go on after the response, where h3 looks for it. */
  waitUntil(work: unknown): void {
    this.#context.waitUntil(work);
  }

  get body(): ReadableStream<Uint8Array> | null {
    if (this.#real !== undefined) return this.#real.body;
    if (!this.#hasContent) return null;
    this.#stream ??= this.#isRead ? readStream() : this.#reader.stream();
    return this.#stream;
  }

  get bodyUsed(): boolean {
    if (this.#real !== undefined) return this.#real.bodyUsed;
    return this.#isRead || this.#content?.isDisturbed === true;
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    if (this.#isHandedOut) return this.real.arrayBuffer();
    // A copy has memory of its own, as a slice of a Buffer has not.
    return new Uint8Array(await this.#read()).buffer;
  }

  async bytes(): Promise<Uint8Array> {
    return new Uint8Array(await this.arrayBuffer());
  }

  text(): Promise<string> {
    return this.#isHandedOut ? this.#realText() : this.#read().then(decode);
  }

  json(): Promise<unknown> {
    return this.text().then(parse);
  }

  /** Rejects if no real request can be made. */
  async #realText(): Promise<string> {
    return this.real.text();
  }

  clone(): Request {
    return this.real.clone();
  }

  /** The request as an object of the runtime. It has a class of its own, which takes no other. */
  get real(): Request {
    this.#real ??= this.#makeReal();
    return this.#real;
  }

  /** GET and HEAD have no content for the Fetch API; what a client sends is thrown away. */
  get #hasContent(): boolean {
    const { method } = this;
    return method !== 'GET' && method !== 'HEAD' && !this.#reader.isEmpty;
  }

  get #reader(): ContentReader {
    this.#content ??= new ContentReader(this.#environ, this.#context);
    return this.#content;
  }

  /** Somebody else may read the content: it is no longer read past the stream. */
  get #isHandedOut(): boolean {
    return this.#real !== undefined || (this.#stream !== undefined && !this.#isRead);
  }

  #read(): Promise<Uint8Array> {
    if (!this.#hasContent) return NOTHING;
    if (this.#isRead) return Promise.reject(new TypeError('Body is unusable: Body has already been read'));
    this.#isRead = true;
    return this.#reader.readAll();
  }

  #makeReal(): Request {
    const { body, headers, method, signal } = this;
    const isUsed = body !== null && (this.bodyUsed || body.locked);
    const real = new RealRequest(this.url, {
      method,
      // A header list as the constructor takes it, which it copies.
      headers: headers.real,
      signal,
      // Node's types know this member of fetch's, but not of the constructor's argument.
      ...(body !== null && { body: isUsed ? new ReadableStream() : body, duplex: 'half' as const }),
    });
    // Changes of the one are seen in the other.
    headers.adopt(real.headers);
    // Its content is gone, and its methods must say so.
    if (isUsed) real.body?.getReader();
    return real;
  }
}

/** The members of every request that was made without options for them. */
const CONSTANTS = {
  cache: 'default',
  credentials: 'same-origin',
  destination: '',
  duplex: 'half',
  integrity: '',
  keepalive: false,
  mode: 'cors',
  redirect: 'follow',
  referrer: 'about:client',
  referrerPolicy: '',
} as const;

for (const [name, value] of Object.entries(CONSTANTS)) {
  Object.defineProperty(EnvironRequest.prototype, name, {
    get: () => value,
    enumerable: true,
    configurable: true,
  });
}

standInFor(EnvironRequest.prototype, RealRequest.prototype, (self) => self.real);

const NOTHING: Promise<Uint8Array> = Promise.resolve(new Uint8Array(0));

/** Drops a byte order mark, as the Fetch API does. */
const utf8 = new TextDecoder();

// Without a function for each request, and without the promise of an async one.
function decode(octets: Uint8Array): string {
  return utf8.decode(octets);
}

function parse(text: string): unknown {
  return JSON.parse(text);
}

/** Gives the stream of content that was read otherwise: nobody can read it. */
function readStream(): ReadableStream<Uint8Array> {
  const stream = new ReadableStream<Uint8Array>();
  stream.getReader();
  return stream;
}
