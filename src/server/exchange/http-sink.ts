/**
 * One exchange on a connection: the sink of its response, with the content of its request.
 *
 * Turns the port into HTTP/1.1: chooses the framing of a response and what its head says about the connection. It
 * never touches the socket. The connection decides when the next request begins.
 */
import type { Socket } from 'node:net';
import { ApplicationError, type DisconnectError, disconnection } from '../../errors.ts';
import { ownCopy } from '../../gateway/name-memory.ts';
import { reasonPhrase } from '../../gateway/reason-phrase.ts';
import {
  decideResponseFraming,
  formatChunkHead,
  formatResponseHead,
  formatTrailers,
  isForbiddenTrailer,
  LAST_CHUNK,
  type RequestHead,
  type RequestParser,
  type ResponseFraming,
} from '../../http/index.ts';
import type { ConnectionDirectives, ConnectionField, ResponseHead, ResponseSink } from '../../port.ts';
import type { HandedOver, HeaderList } from '../../wsgi.ts';
import type { ConnectionOwner } from '../connection-owner.ts';
import type { Output } from '../socket/output.ts';
import { dateField } from './date.ts';
import { formatFieldLines } from './field-line-memory.ts';
import { type PlacedFields, placeFields } from './placed-fields.ts';
import { type Content, type ContentOwner, NO_CONTENT, RequestContent } from './request-content.ts';

/** A socket that its connection has let go of, and the octets that have come after the request. */
export interface FreeSocket {
  readonly socket: Socket;
  readonly head: Buffer;
}

/** The connection of an exchange. */
export interface SinkOwner extends ContentOwner {
  readonly parser: RequestParser;
  readonly output: Output;
  /** Its server. */
  readonly server: ConnectionOwner;
  /** It has served as many as it may: the client is told that it closes. */
  readonly isUsedUp: boolean;
  /** The response has ended: whole, or cut off with an error. */
  responseEnded(error?: unknown): void;
  setSocketTimeout(milliseconds: number): void;
  /** Closes the connection: its client has closed its half, which the application takes for leaving. */
  hangUp(): void;
  /** Lets go of the socket. */
  letGo(): FreeSocket;
}

/** Many recipients refuse sizes of more than 16 digits. */
const MAX_LEADING_ZEROS = 8;

/** The fields are passed as lines. */
const NO_HEADERS: HeaderList = [];

/** One exchange. */
export class HttpSink implements ResponseSink {
  readonly head: RequestHead;
  readonly content: Content;
  readonly #owner: SinkOwner;
  isHeadSent = false;
  isEnded = false;
  /** The connection is kept after this exchange. */
  isPersistent: boolean;
  /** A client that has closed its half is still served. */
  isHalfOpen = true;
  #onDisconnect: ((error: DisconnectError) => void) | undefined;
  #disconnect: DisconnectError | undefined;
  #framing: ResponseFraming = 'none';
  #trailers: HeaderList | undefined;
  #sendsDate = true;
  /** Seldom set, by wrapped programs. */
  #wishes: ConnectionDirectives | undefined;
  /** Zeros of the next chunk's size that were sent. */
  #leadingZeros = 0;
  /** The fields of the connection that a wrapped program has set. */
  #connectionFields: readonly ConnectionField[] | undefined;

  constructor(head: RequestHead, owner: SinkOwner) {
    this.head = head;
    this.#owner = owner;
    this.content = head.contentLength === 0 ? NO_CONTENT : this.#expectContent();
    this.isPersistent = head.isPersistent;
  }

  #expectContent(): RequestContent {
    const content = new RequestContent(this.head, this.#owner);
    const onLost = (error: DisconnectError): void => this.disconnect(error);
    content.onLost = onLost;
    return content;
  }

  watch(listener: (error: DisconnectError) => void): void {
    if (this.#disconnect !== undefined) listener(this.#disconnect);
    else this.#onDisconnect = listener;
  }

  /** The client has left. */
  disconnect(error: DisconnectError): void {
    this.content.fail(error);
    if (this.isEnded || this.#disconnect !== undefined) return;
    this.#disconnect = error;
    this.#onDisconnect?.(error);
  }

  writeHead(response: ResponseHead): void {
    const { head } = this;
    this.isHeadSent = true;
    this.#owner.server.tally.countResponse(response.statusCode);
    this.#framing = decideResponseFraming({
      requestProtocol: head.protocol,
      isBodiless: response.isBodiless,
      contentLength: response.contentLength,
      mayBeChunked: this.#wishes?.chunked !== false,
    });
    const mayPersist = this.isPersistent && this.#mayPersist();
    this.isPersistent = mayPersist && this.#framing !== 'close' && this.#wishes?.close !== true;
    const isAnnounced = this.#wishes?.announce === 'keep-alive' ? mayPersist : this.isPersistent;
    // No 100 after the head of the final response.
    if (this.content.awaitsContinue) this.content.awaitsContinue = false;
    const placed = this.#placeFields(response);
    const fields = this.#formatFraming(response, placed, isAnnounced);
    const headers = placed?.headers ?? response.headers;
    const lines = formatFieldLines(headers) + fields;
    this.#owner.output.add(formatResponseHead(response.status, NO_HEADERS, lines));
  }

  #placeFields({ headers, statusCode }: ResponseHead): PlacedFields | undefined {
    if (this.#connectionFields === undefined) return undefined;
    const mayBeChunked = this.#framing === 'none' && statusCode !== 204 && this.head.protocol === 'HTTP/1.1';
    const decision = {
      isPersistent: this.isPersistent && !this.#owner.isUsedUp,
      isChunked: this.#framing === 'chunked' || mayBeChunked,
    };
    return placeFields(headers, this.#connectionFields, decision);
  }

  #mayPersist(): boolean {
    const owner = this.#owner;
    if (owner.server.shutdown !== undefined || owner.parser.state === 'failed') return false;
    if (this.content.isEnded) return true;
    // The client may wait for a 100 that will not come, or send the content all the same.
    if (this.content.awaitsContinue) return false;
    const rest = this.head.contentLength - owner.parser.contentRead;
    return this.head.contentLength < 0 || rest <= owner.server.settings.maxDrainSize;
  }

  /** Formats the server's own fields in node's order: Date, Connection, Keep-Alive, then framing. */
  #formatFraming(response: ResponseHead, placed: PlacedFields | undefined, isAnnounced: boolean): string {
    const owner = this.#owner;
    let fields = '';
    const { serverHeader } = owner.server.options;
    if (serverHeader !== undefined && !hasField(response.headers, 'server')) {
      fields += `Server: ${serverHeader}\r\n`;
    }
    const date = this.#sendsDate && !hasField(response.headers, 'date') ? dateField() : '';
    fields += joinFields(date, this.#formatPersistence(placed, isAnnounced));
    if (response.contentLength !== undefined && !response.hasContentLengthField) {
      fields += `Content-Length: ${response.contentLength}\r\n`;
    } else if (this.#framing === 'chunked' && placed?.hasTransferEncoding !== true) {
      fields += 'Transfer-Encoding: chunked\r\n';
    }
    return fields;
  }

  #formatPersistence(placed: PlacedFields | undefined, isAnnounced: boolean): string {
    if (placed?.hasConnection === true || this.#wishes?.announce === 'nothing') return '';
    if (!isAnnounced || this.#owner.isUsedUp) return 'Connection: close\r\n';
    return placed?.hasKeepAlive === true
      ? 'Connection: keep-alive\r\n'
      : this.#owner.server.persistenceFields;
  }

  /** A deployer may have added fields. */
  get hasOwnEnviron(): boolean {
    return this.#owner.server.options.environ === undefined;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    const { output } = this.#owner;
    if (this.#disconnect !== undefined) return Promise.reject(this.#disconnect);
    this.#addContent(chunk);
    const wait = output.sent();
    if (wait !== undefined || !output.isGone) return wait;
    // An application that writes on and on would never let the event of its client's departure come.
    const departure = disconnection('response');
    this.disconnect(departure);
    return Promise.reject(departure);
  }

  end(lastChunk?: Uint8Array): Promise<void> | undefined {
    const { output } = this.#owner;
    if (this.#disconnect !== undefined) return Promise.reject(this.#disconnect);
    if (lastChunk !== undefined) this.#addContent(lastChunk);
    // RFC 9112 §7.1: the last chunk, the trailer section, an empty line.
    if (this.#framing === 'chunked') output.add(`${LAST_CHUNK}${formatTrailers(this.#trailers ?? [])}\r\n`);
    output.flushUnlessHeld();
    const wait = output.wait();
    this.isEnded = true;
    this.#owner.responseEnded();
    return wait;
  }

  sent(): Promise<void> | undefined {
    return this.#owner.output.sent();
  }

  #addContent(chunk: Uint8Array): void {
    // An empty chunk would be the last one (RFC 9112 §7.1).
    if (chunk.length === 0) return;
    const { output } = this.#owner;
    if (this.#framing === 'chunked') {
      this.#leadingZeros = 0;
      output.add(formatChunkHead(chunk.length));
      output.add(chunk);
      output.add('\r\n');
    } else {
      output.add(chunk);
    }
  }

  abort(error: unknown): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.isPersistent = false;
    this.#owner.responseEnded(error);
  }

  /** The response ends with its connection, so that a cut would pass for its end. */
  get endsWithConnection(): boolean {
    return this.#framing === 'close';
  }

  informational(statusCode: number, headers: HeaderList): void {
    // RFC 9110 §15.2: never to a client of HTTP/1.0.
    if (this.head.protocol === 'HTTP/1.0' || this.isHeadSent) return;
    if (statusCode === 100) this.content.awaitsContinue = false;
    // Advice that the client does not take must not pile up: it can do without (RFC 9110 §15.2).
    else if (this.#owner.output.isFull) return;
    this.#owner.output.add(formatResponseHead(`${statusCode} ${reasonPhrase(statusCode)}`, headers, ''));
    this.#owner.output.flush();
  }

  /** Tells if something can be sent that does not change the response. */
  get canProbe(): boolean {
    return this.isHeadSent ? this.#framing === 'chunked' : this.head.protocol !== 'HTTP/1.0';
  }

  /**
   * Sends a probe: before the head 102 (RFC 9110 §15.2 allows an interim response at any time), after it a leading
   * zero of the next chunk's size (RFC 9112 §7.1: 1*HEXDIG).
   */
  probe(): void {
    if (!this.isHeadSent) {
      this.informational(102, []);
    } else if (this.#leadingZeros < MAX_LEADING_ZEROS) {
      this.#leadingZeros += 1;
      this.#owner.output.add('0');
      this.#owner.output.flush();
    }
  }

  /** RFC 9110 §7.8: a request that asks for another protocol. Content would come before the first octet of that protocol. */
  get handOver(): (() => HandedOver) | undefined {
    const { connectionNominatesUpgrade, contentLength, method } = this.head;
    const isOffered = connectionNominatesUpgrade && contentLength === 0 && method !== 'CONNECT';
    return isOffered ? this.#handOver : undefined;
  }

  #handOver(): HandedOver {
    // The new owner would not hear of the end that the socket has emitted.
    if (this.#disconnect === undefined && this.#owner.isPeerEnded) this.disconnect(disconnection('response'));
    if (this.#disconnect !== undefined) throw this.#disconnect;
    this.isEnded = true;
    const free = this.#owner.letGo();
    // An error would be an uncaught one until the new owner listens.
    free.socket.on('error', () => {});
    return free;
  }

  trailers(headers: HeaderList): void {
    for (const [name] of headers) {
      if (isForbiddenTrailer(name)) throw new ApplicationError('WSGI_ERR_TRAILER_FORBIDDEN', name);
    }
    this.#trailers = [...(this.#trailers ?? []), ...headers];
  }

  direct(directives: ConnectionDirectives): void {
    const { announce, chunked } = directives;
    if (announce !== undefined || chunked !== undefined) this.#wishes = { ...this.#wishes, ...directives };
    // RFC 9112 §9.3: a connection of HTTP/1.0 persists only if the head says so.
    if (announce === 'nothing' && this.head.protocol === 'HTTP/1.0') this.isPersistent = false;
    if (directives.close === true && announce !== 'keep-alive') this.isPersistent = false;
    if (directives.sendDate !== undefined) this.#sendsDate = directives.sendDate;
    if (directives.timeout !== undefined) this.#owner.setSocketTimeout(directives.timeout);
    if (directives.fields !== undefined) this.#connectionFields = directives.fields;
    if (directives.flush === true) this.#owner.output.flush();
    if (directives.halfOpen === undefined) return;
    this.isHalfOpen = directives.halfOpen || this.#owner.server.settings.httpAllowHalfOpen;
    if (!this.isHalfOpen && this.#owner.isPeerEnded) this.#owner.hangUp();
  }
}

/** Joins the two. Mostly both are those of the last response, and the joined string is used again. */
function joinFields(date: string, persistence: string): string {
  if (date !== lastDate || persistence !== lastPersistence) {
    lastDate = date;
    lastPersistence = persistence;
    lastJoined = undefined;
    return date + persistence;
  }
  lastJoined ??= ownCopy(date + persistence);
  return lastJoined;
}

let lastDate = '';
let lastPersistence = '';
let lastJoined: string | undefined;

function hasField(headers: HeaderList, lowerCaseName: string): boolean {
  for (let index = 0; index < headers.length; index += 1) {
    const name = headers[index]?.[0] ?? '';
    if (name.length === lowerCaseName.length && name.toLowerCase() === lowerCaseName) return true;
  }
  return false;
}
