/**
 * The types of Fastify that the bridge uses.
 *
 * They are structural, so that neither this package nor its users need Fastify's own; test/bridges checks them
 * against Fastify's.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Readable } from 'node:stream';

/** The log of a request: pino's, another one, or one that does nothing. */
export interface FastifyLogLike {
  warn(details: object, message: string): void;
  trace(details: object, message: string): void;
}

/** A Fastify request. */
export interface FastifyRequestLike {
  readonly log: FastifyLogLike;
  readonly server: object;
  readonly raw: IncomingMessage | Http2ServerRequest;
  body: unknown;
  headers: Record<string, unknown>;
  readonly ips?: string[] | undefined;
  readonly ip: string;
  readonly host: string;
  readonly protocol: string;
}

/** A Fastify reply. */
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

/** Hooks that run after all others of the bridge's routes. */
export interface LastHooks {
  preParsing(request: FastifyRequestLike, reply: FastifyReplyLike, payload: Readable, done: Done): void;
  onSend(request: FastifyRequestLike, reply: FastifyReplyLike, payload: unknown, done: Done): void;
  onError(request: FastifyRequestLike, reply: FastifyReplyLike, error: Error, done: () => void): void;
}

/** One declared route. */
export interface FastifyRouteLike {
  method: string | string[];
  url: string;
  handler(request: FastifyRequestLike, reply: FastifyReplyLike): unknown;
  /** Plugins look at it on our routes. Fastify's type lacks the properties that they look for. */
  readonly schema?: object;
}

/** Settings of the router that change how it takes a path apart. */
export interface RouterSettings {
  readonly ignoreDuplicateSlashes?: boolean;
  readonly useSemicolonDelimiter?: boolean;
}

/** A Fastify instance: the scope of one plugin. */
export interface FastifyScope {
  readonly prefix: string;
  readonly supportedMethods: string[];
  readonly initialConfig?: RouterSettings & { readonly routerOptions?: RouterSettings };
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
