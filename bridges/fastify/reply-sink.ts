/**
 * A sink over Fastify's reply: sends an answer as a route does, through `reply.send`.
 *
 * Content that is there at once is sent as one Buffer, other content as a stream that Fastify pulls on. So hooks,
 * serializers of errors, compression and the log see what they see of any route.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { isDisconnection, isError } from '../../src/gateway/index.ts';
import {
  ApplicationError,
  type ConnectionDirectives,
  type DisconnectError,
  type HandedOver,
  type HeaderList,
  type ResponseHead,
  type ResponseSink,
} from '../../src/index.ts';
import { flushHead, isHttp2Message, isStandIn } from '../../src/node-internals/index.ts';
import { handOverOf } from '../_node/hand-over.ts';
import { heldBelow, refersBelow } from '../_node/held-below.ts';
import { isTaken, NodeSink, writesAsNode } from '../_node/node-sink.ts';
import { ContentStream, type StreamOwner } from './content-stream.ts';
import type { FastifyReplyLike, FastifyRequestLike } from './instance.ts';
import { logBrokenResponse, showsStreamErrors } from './log.ts';
import { hostValues, ReplyHead } from './reply-head.ts';

/** The reason why there is no response; a box, because applications may throw undefined. */
interface Failure {
  readonly error: unknown;
}

/** A sink that tells what failed before the head, to be thrown or rejected for Fastify's error handler. */
export interface FailingSink extends ResponseSink {
  failure: Failure | undefined;
  /** Called with a failure, once somebody waits for it. */
  onFailure: ((error: unknown) => void) | undefined;
}

function report(sink: FailingSink, error: unknown): void {
  sink.failure = { error };
  sink.onFailure?.(error);
}

/** Octets of an array that are joined before they are sent. */
const COLLECTABLE = 1024 * 1024;

/** Sends one response by `reply.send`. */
export class ReplySink implements FailingSink, StreamOwner {
  /** Hooks see the payload of a route for HEAD too, and change its headers by it. */
  readonly takesHeadContent = true;
  failure: FailingSink['failure'];
  onFailure: FailingSink['onFailure'];
  readonly #request: FastifyRequestLike;
  readonly #reply: FastifyReplyLike;
  readonly #raw: ServerResponse;
  /** Made on demand: not for a reply that is sent in one piece and taken at once. */
  #nodeSink: NodeSink | undefined;
  #head: ResponseHead | undefined;
  #replyHead: ReplyHead | undefined;
  /** Has the length of all content. */
  #collected: Buffer | undefined;
  #collectedLength = 0;
  #stream: ContentStream | undefined;
  #payload: unknown;
  /** No hook has put another payload in front. */
  #isOwn = false;
  #fields: ConnectionDirectives['fields'];
  #hasTrailers = false;

  /**
   * @param request Fastify's request
   * @param reply Its reply
   */
  constructor(request: FastifyRequestLike, reply: FastifyReplyLike) {
    this.#request = request;
    this.#reply = reply;
    // HTTP/2's compatibility API has the methods that are used here.
    this.#raw = reply.raw as ServerResponse;
  }

  writeHead(head: ResponseHead): void {
    if (this.#reply.sent || this.#raw.headersSent) throw new ApplicationError('WSGI_ERR_RESPONSE_TAKEN');
    this.#head = head;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#stream === undefined) {
      if (this.#isCollectable()) {
        this.#collect(chunk);
        return undefined;
      }
      const flushes = chunk.length === 0;
      // By then Fastify has set all headers, and the payload may be another stream, which gives nothing yet.
      if (flushes) this.#raw.once('pipe', () => this.#flushHead());
      this.#stream = new ContentStream(this);
      this.#raw.once('close', () => this.#stream?.destroy());
      const taken = flushes ? undefined : this.#stream.deliver(chunk);
      this.#send(this.#stream);
      return taken;
    }
    return chunk.length === 0 ? undefined : this.#stream.deliver(chunk);
  }

  end(lastChunk?: Uint8Array): Promise<void> | undefined {
    if (this.#stream === undefined && lastChunk !== undefined && this.#needsChunks()) {
      this.write(lastChunk)?.catch(ignore);
      return this.end();
    }
    if (this.#isHead && lastChunk === undefined && this.#collected === undefined)
      this.#stream ??= this.#sendEmptyStream();
    if (this.#stream === undefined) {
      const content = heldBelow(this.#raw, this.#join(lastChunk));
      const isReferring = refersBelow(this.#raw, content);
      this.#send(content);
      if (isReferring) return this.#node.delivered(true);
      const isDone = this.#nodeSink === undefined && this.#isHttp1 && isTaken(this.#raw);
      return isDone ? undefined : this.#node.delivered();
    }
    if (lastChunk === undefined) {
      this.#stream.finish();
      return this.#node.delivered();
    }
    const stream = this.#stream;
    return stream.deliver(lastChunk).then(() => {
      stream.finish();
      return this.#node.delivered();
    });
  }

  /** Fastify logs a stream that fails; its error handler hears of what fails earlier. */
  get logsAbort(): boolean {
    return this.#stream === undefined ? !this.#reply.sent : showsStreamErrors(this.#request);
  }

  abort(error: unknown): void {
    if (this.#stream !== undefined) {
      if (isDisconnection(error)) this.#stream.destroy();
      else this.#stream.fail(isError(error) ? error : new Error('Response was cut off', { cause: error }));
    } else if (!this.#reply.sent) {
      // A program that cut its connection wants no answer.
      if (isDisconnection(error)) this.#node.abort(error);
      else report(this, error);
    }
  }

  watch(listener: (error: DisconnectError) => void): void {
    this.#node.watch(listener);
  }

  fail(error: unknown): void {
    report(this, error);
  }

  informational(statusCode: number, headers: HeaderList): void {
    this.#node.informational(statusCode, headers);
  }

  trailers(headers: HeaderList): void {
    this.#hasTrailers = true;
    this.#node.trailers(headers);
  }

  direct(directives: ConnectionDirectives): void {
    if (directives.fields !== undefined) this.#fields = directives.fields;
    this.#node.direct(directives);
  }

  get handOver(): (() => HandedOver) | undefined {
    // HTTP/2's compatibility API has no upgrade.
    if (handOverOf(this.#request.raw as IncomingMessage) === undefined) return undefined;
    return () => hijack(this.#reply, () => this.#node.handOver?.());
  }

  /** Called by the last `onSend` hook. */
  settle(payload: unknown): void {
    const isOwn = payload === this.#payload;
    this.#replyHead?.settle(payload, isOwn, this.#fields);
    // If a hook has put another stream in front, the head leaves with that stream's first content.
    this.#isOwn = isOwn;
  }

  /** Called by the last `onError` hook. */
  withdraw(): void {
    this.#replyHead?.withdraw();
    this.#replyHead = undefined;
  }

  #send(payload: unknown): void {
    if (this.#head === undefined) return;
    this.#payload = payload;
    this.#replyHead = new ReplyHead(this.#head, this.#reply);
    this.#reply.send(payload);
  }

  /** Tells if all content is in memory: only then the gateway knows a length that nobody declared. */
  #isCollectable(): boolean {
    const { contentLength = Number.POSITIVE_INFINITY, hasContentLengthField = true } = this.#head ?? {};
    return !hasContentLengthField && contentLength <= COLLECTABLE;
  }

  #collect(chunk: Uint8Array): void {
    this.#collected ??= Buffer.allocUnsafe(this.#head?.contentLength ?? 0);
    this.#collected.set(chunk, this.#collectedLength);
    this.#collectedLength += chunk.length;
  }

  #join(lastChunk: Uint8Array | undefined): Buffer | undefined {
    if (this.#collected === undefined) return lastChunk === undefined ? undefined : toBuffer(lastChunk);
    if (lastChunk !== undefined) this.#collect(lastChunk);
    // To HEAD not all of it may be there.
    return this.#collected.subarray(0, this.#collectedLength);
  }

  get #node(): NodeSink {
    // HTTP/2's compatibility API has the methods that NodeSink uses.
    this.#nodeSink ??= new NodeSink(this.#request.raw as IncomingMessage, this.#raw);
    return this.#nodeSink;
  }

  get #isHttp1(): boolean {
    return !isHttp2Message(this.#raw, this.#request.raw.httpVersionMajor);
  }

  get #isHead(): boolean {
    return this.#head?.isBodiless === true && this.#head.statusCode !== 204 && this.#head.statusCode !== 304;
  }

  /** Sends a stream for content that is not sent and never iterated, so that hooks do not take it for known. */
  #sendEmptyStream(): ContentStream {
    const stream = new ContentStream(this);
    stream.finish();
    this.#send(stream);
    return stream;
  }

  /** RFC 9112 §7.1.2: a trailer section follows chunks, but Fastify gives a whole payload a length. */
  #needsChunks(): boolean {
    return this.#hasTrailers && this.#head?.contentLength === undefined;
  }

  #flushHead(): void {
    if (!this.#raw.headersSent) flushHead(this.#raw);
  }

  /** node takes nothing more after a chunk like this until it has gone. */
  waitsFor(length: number): boolean {
    const raw = this.#raw;
    const isLarge = length >= raw.writableHighWaterMark;
    return this.#isOwn && isLarge && writesAsNode(raw, this.#isHttp1) && !isStandIn(raw.socket);
  }

  lost(failure: Error): void {
    if (showsStreamErrors(this.#request)) logBrokenResponse(this.#request, failure);
  }
}

/** Sends one response past Fastify, on node's response. */
export class HijackSink extends NodeSink implements FailingSink {
  failure: FailingSink['failure'];
  onFailure: FailingSink['onFailure'];
  readonly #reply: FastifyReplyLike;

  /**
   * @param request Fastify's request
   * @param reply Its reply
   */
  constructor(request: FastifyRequestLike, reply: FastifyReplyLike) {
    // HTTP/2's compatibility API has the methods that NodeSink uses.
    super(request.raw as IncomingMessage, reply.raw as ServerResponse);
    this.#reply = reply;
  }

  override writeHead(head: ResponseHead): void {
    const reply = this.#reply;
    if (reply.sent) throw new ApplicationError('WSGI_ERR_RESPONSE_TAKEN');
    const headers = Object.entries(reply.getHeaders());
    reply.hijack();
    // Headers that hooks have set (CORS, cookies) are the reply's only, and would be lost with it.
    for (const [name, value] of headers) {
      if (value === undefined) continue;
      const isJoined = name === 'set-cookie' || name === 'vary';
      const shown = isJoined ? hostValues(reply, this.res, name) : value;
      this.res.setHeader(name, Array.isArray(shown) ? shown.map(String) : String(shown));
    }
    super.writeHead(head);
  }

  override get handOver(): (() => HandedOver) | undefined {
    const handOver = super.handOver;
    return handOver === undefined ? undefined : () => hijack(this.#reply, handOver);
  }

  fail(error: unknown): void {
    report(this, error);
  }
}

/** Takes the socket from under a reply, which is never sent then. */
function hijack(reply: FastifyReplyLike, handOver: () => HandedOver | undefined): HandedOver {
  const handedOver = reply.sent ? undefined : handOver();
  if (handedOver === undefined) throw new ApplicationError('WSGI_ERR_RESPONSE_TAKEN');
  reply.hijack();
  return handedOver;
}

function ignore(): void {}

function toBuffer(octets: Uint8Array): Buffer {
  return Buffer.isBuffer(octets) ? octets : Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
}
