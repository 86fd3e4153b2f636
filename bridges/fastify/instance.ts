/**
 * What the bridge needs of Fastify, as types.
 *
 * They are structural, so that neither this package nor who uses it needs Fastify's own types; test/bridges holds
 * Fastify's against them.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Readable } from 'node:stream';

/** A request of Fastify's. */
export interface FastifyRequestLike {
  readonly raw: IncomingMessage | Http2ServerRequest;
  body: unknown;
  headers: Record<string, unknown>;
}

/** A reply of Fastify's. */
export interface FastifyReplyLike {
  readonly raw: ServerResponse | Http2ServerResponse;
  readonly sent: boolean;
  code(statusCode: number): unknown;
  getHeader(name: string): unknown;
  getHeaders(): Record<string, unknown>;
  header(name: string, value: unknown): unknown;
  removeHeader(name: string): unknown;
  send(payload?: unknown): unknown;
  hijack(): unknown;
}

/** Goes on to the next hook. */
export type Done = (error?: Error | null, payload?: unknown) => void;

/** The hooks that the bridge puts behind all others of its routes. */
export interface LastHooks {
  preParsing(request: FastifyRequestLike, reply: FastifyReplyLike, payload: Readable, done: Done): void;
  onSend(request: FastifyRequestLike, reply: FastifyReplyLike, payload: unknown, done: Done): void;
  onError(request: FastifyRequestLike, reply: FastifyReplyLike, error: Error, done: () => void): void;
}

/** One route as it is declared. */
export interface FastifyRouteLike {
  method: string | string[];
  url: string;
  handler(request: FastifyRequestLike, reply: FastifyReplyLike): unknown;
  /** Of a route that we register; plugins look at it. Fastify's own type knows none of what they look for. */
  readonly schema?: object;
}

/** An instance of Fastify's: the scope of one plugin. */
export interface FastifyScope {
  readonly prefix: string;
  readonly supportedMethods: string[];
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(
    contentType: string,
    parser: (
      request: FastifyRequestLike,
      payload: unknown,
      done: (error: Error | null, body?: unknown) => void,
    ) => void,
  ): unknown;
  decorateRequest(name: symbol, value: undefined): unknown;
  addHook(name: 'onRoute', hook: (route: FastifyRouteLike) => void): unknown;
  route(route: FastifyRouteLike): unknown;
}
