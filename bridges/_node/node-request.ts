/**
 * Makes a GatewayRequest of a request of node:http, or of node:http2's compatibility API.
 *
 * Rule 1: `rawHeaders`, not `headers`: node drops repeated fields from the object. What middleware has changed in
 *         `headers` counts all the same.
 * Rule 2: scheme and addresses are those of the last hop, unless the deployer has told the framework to trust proxies.
 *         Otherwise middleware judges what a proxy says about the hop before.
 * Rule 3: each property of a request is read once. Express gives each request its own prototype, after which Node 20
 *         caches no property: every read is as slow as the first.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { disconnection, isClusterWorker, toPairs } from '../../src/gateway/index.ts';
import type { ApplicationError, Environ, GatewayRequest, HeaderList } from '../../src/index.ts';
import {
  endsAfterHead,
  isClosedInOrder,
  isHttp2Message,
  isNodeSocket,
} from '../../src/node-internals/index.ts';
import { announcesContent, fitHeaders, type HostBody, rescueContent } from './consumed-body.ts';
import { fieldLines, type HostHeaders, textLines } from './host-fields.ts';
import { type HostInput, memoryInput, NO_CONTENT, NodeInput } from './node-input.ts';
import type { Routing } from './routing.ts';

/** One request of a host. */
export interface HostRequest {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly routing: Routing;
  /** Read instead of the request, if something of the host decodes the content. */
  readonly stream?: Readable | undefined;
  /** The headers as the host shows them. @default those of the request */
  readonly headers?: HostHeaders | undefined;
  /** Set if the deployer has told the framework to trust proxies. */
  readonly hop?: TrustedHop | undefined;
  /** Makes the reader of content that is still to come. @default one that drains the rest in the end */
  readonly openInput?: (() => HostInput) | undefined;
}

/** The scheme, host and address that a framework takes from a proxy that its deployer trusts. */
export interface TrustedHop {
  /** The scheme, if it is one that a request may have. */
  readonly protocol: string | undefined;
  /** Host and perhaps port. */
  readonly host: string | undefined;
  /** The address of the client. */
  readonly ip: string | undefined;
}

/** Finds what a parser of the host left. */
export type BodyFinder<Incoming extends HostRequest> = (hostRequest: Incoming) => HostBody;

/** A request for the gateway; its content must be released after the run. */
export interface NodeRequest extends GatewayRequest {
  readonly input: HostInput;
}

/**
 * Makes a GatewayRequest.
 *
 * @param hostRequest The request, and what the host has done to it so far
 * @param findBody Finds what a parser of the host left; by default on the request itself
 */
export function createNodeRequest<Incoming extends HostRequest>(
  hostRequest: Incoming,
  findBody?: BodyFinder<Incoming>,
): NodeRequest {
  const { req, routing, stream = req } = hostRequest;
  // Null, against node's types, for a request that something has destroyed (Node 20).
  const socket: MaybeSecureSocket | null = req.socket;
  const { httpVersion } = req;
  const isHttp2 = isHttp2Message(req, req.httpVersionMajor);
  const isSecure = socket?.encrypted === true;
  const remotePort = socket?.remotePort;
  const received: readonly string[] = req.rawHeaders ?? NO_LINES;
  let rawHeaders = fieldLines(req, isHttp2, hostRequest.headers);
  // An injected request has no socket, and one of HTTP/2 is shared by many requests.
  const ownSocket = isNodeSocket(socket) && !isHttp2 ? socket : undefined;
  if (ownSocket === undefined) rawHeaders = textLines(rawHeaders);
  let input: HostInput;
  let extensions: Readonly<Record<string, string>> | undefined;
  const isWithoutContent =
    ownSocket !== undefined
      ? !hasContentFields(received.length === 0 ? rawHeaders : received)
      : isHttp2 && endsAfterHead(req);
  if (isWithoutContent && stream === req) {
    input = NO_CONTENT;
  } else if (stream.readableEnded || !isStream(stream)) {
    const content = findConsumed(hostRequest, findBody);
    if (content instanceof Uint8Array) rawHeaders = fitHeaders(rawHeaders, req.headers, content);
    input = memoryInput(content ?? NOTHING);
  } else {
    input = hostRequest.openInput?.() ?? new NodeInput(req, hostRequest.res, stream);
    const isInjected = ownSocket === undefined && hasInjectedStream(req);
    // RFC 9113 §8.1: there content needs no field. RFC 9112 §6.3: it needs one for wrapped programs, whose parsers go by that.
    const isUnannounced = isInjected || (isHttp2 && !endsAfterHead(req) && !hasContentFields(received));
    if (stream !== req && (isUnannounced || announcesContent(req.headers)))
      rawHeaders = fitHeaders(rawHeaders, req.headers);
    else if (isInjected) rawHeaders = [...rawHeaders, 'Transfer-Encoding', 'chunked'];
    else if (isUnannounced) extensions = CHUNKED;
  }
  const request: NodeRequest = {
    method: req.method ?? 'GET',
    target: routing.target,
    url: routing.url,
    mount: routing.mount,
    protocol: httpVersion === '1.1' ? 'HTTP/1.1' : `HTTP/${httpVersion}`,
    rawHeaders,
    scheme: isSecure ? 'https' : 'http',
    // A unix socket has no address, and an injected request has no socket.
    serverName: socket?.localAddress ?? 'localhost',
    serverPort: portText(socket?.localPort ?? (isSecure ? 443 : 80)),
    remoteAddress: socket?.remoteAddress,
    remotePort: remotePort === undefined ? undefined : `${remotePort}`,
    multiprocess: isClusterWorker(),
    input,
    // There is no content to read to its end.
    trailers: input === NO_CONTENT ? noTrailers : () => readTrailers(req, input),
    socket: ownSocket,
    extensions,
  };
  return hostRequest.hop === undefined ? request : beforeProxies(request, hostRequest.hop);
}

/** `gateway.raw_headers` stays as received: an added key is a field line for wrapped programs. */
const CHUNKED = { HTTP_TRANSFER_ENCODING: 'chunked' } as const;

/** Takes scheme, host and address from the framework. The fields stay as they were received. */
function beforeProxies(request: NodeRequest, { protocol, host, ip }: TrustedHop): NodeRequest {
  const scheme = protocol === 'https' || protocol === 'http' ? protocol : request.scheme;
  const isForwarded = host !== undefined && host !== '' && host !== hostField(request.rawHeaders);
  const [, name = '', port = scheme === 'https' ? '443' : '80'] = HOST_AND_PORT.exec(host ?? '') ?? [];
  const isNamed = isForwarded && name !== '';
  return {
    ...request,
    scheme,
    serverName: isNamed ? name : request.serverName,
    serverPort: isNamed ? port : request.serverPort,
    remoteAddress: ip ?? request.remoteAddress,
    remotePort: ip === undefined || ip === request.remoteAddress ? request.remotePort : undefined,
    extensions: isForwarded ? { ...request.extensions, HTTP_HOST: host } : request.extensions,
  };
}

/** Not more than may stand in a URL. */
const HOST_AND_PORT = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~%]+)(?::([0-9]+))?$/;

function hostField(lines: readonly string[]): string | undefined {
  const index = lines.findIndex((name, at) => at % 2 === 0 && name.toLowerCase() === 'host');
  return index === -1 ? undefined : lines[index + 1];
}

/** Requests that tools make for tests may have a body and no content to read. */
function isStream(stream: Partial<Readable>): boolean {
  return stream.readableLength !== undefined;
}

/**
 * Tells if light-my-request (Fastify's `inject`) gives a request the content of a stream without a field that announces it.
 * A client would send chunks, and wrapped programs go by the fields.
 */
function hasInjectedStream(req: IncomingMessage & { readonly _lightMyRequest?: Injected }): boolean {
  const { payload } = req._lightMyRequest ?? {};
  const isStream = typeof payload === 'object' && payload !== null && '_readableState' in payload;
  return isStream && !('content-length' in req.headers || 'transfer-encoding' in req.headers);
}

/** The property in which light-my-request keeps the injected request. */
interface Injected {
  readonly payload?: unknown;
}

/** A socket that may be TLS's, which its type does not say. */
interface MaybeSecureSocket extends Socket {
  readonly encrypted?: boolean;
}

/** Formats a port, and remembers it: most servers have one. */
function portText(port: number): string {
  if (port !== lastPort) {
    lastPort = port;
    lastText = `${port}`;
  }
  return lastText;
}

let lastPort = 80;
let lastText = '80';

/**
 * Tells if the fields of an HTTP/1 request announce content (RFC 9112 §6.3), if only of length 0. If not, the stream
 * is not looked at, and no reader is made.
 */
function hasContentFields(rawHeaders: readonly string[]): boolean {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.length !== 14 && name.length !== 17) continue;
    const lowerCase = name.toLowerCase();
    if (lowerCase === 'content-length' || lowerCase === 'transfer-encoding') return true;
  }
  return false;
}

/** Puts node's objects into an environ, key by key: no further object and no copy per request (Node 20 to 26). */
export function addNodeObjects(environ: Environ, { req, res }: HostRequest): void {
  environ['node.req'] = req;
  environ['node.res'] = res;
}

const NOTHING = new Uint8Array(0);
const NO_LINES: readonly string[] = [];

/** Restores content that something else has read; undefined if there was none. */
function findConsumed<Incoming extends HostRequest>(
  hostRequest: Incoming,
  findBody?: BodyFinder<Incoming>,
): Uint8Array | ApplicationError | undefined {
  const { req } = hostRequest;
  // Parsers add these to the request; its type lacks them.
  const parsed = findBody === undefined ? (req as HostBody) : findBody(hostRequest);
  // HTTP/2 announces a length or nothing at all.
  const hasContent =
    announcesContent(req.headers) || (isHttp2Message(req, req.httpVersionMajor) && parsed.body !== undefined);
  return hasContent ? rescueContent(req.headers, parsed) : undefined;
}

function noTrailers(): Promise<HeaderList> {
  return Promise.resolve([]);
}

/** RFC 9110 §6.5: the trailer section is known once the content was received. */
function readTrailers(req: IncomingMessage, input: HostInput): Promise<HeaderList> {
  const trailers = new Promise<HeaderList>((resolve, reject) => {
    // Undefined, against node's types, for an injected request.
    const finish = (): void => resolve(toPairs(req.rawTrailers ?? []));
    const fail = (): void => {
      // Node closes an HTTP/2 stream whose content nobody reads, once the response has gone.
      if (isClosedInOrder(req)) finish();
      else reject(disconnection('request'));
    };
    if (req.readableEnded) finish();
    else if (req.destroyed) fail();
    else {
      req.once('end', finish);
      req.once('close', fail);
      input.whenOver?.((isWhole) => {
        req.off('end', finish).off('close', fail);
        if (isWhole) finish();
      });
    }
  });
  // The caller may fail at reading before it awaits this.
  trailers.catch(() => {});
  return trailers;
}
