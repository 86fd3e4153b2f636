/**
 * A request of node:http, or of the compatibility API of node:http2, as a GatewayRequest.
 *
 * Rule 1: `rawHeaders` and not `headers`: node drops repeated fields from the object.
 * Rule 2: the facts are those of the last hop. What a proxy says about the hop before is middleware's to judge.
 * Rule 3: what is needed of a request is read once. Express gives each request a prototype of its own, after which
 *         Node 20 remembers no place of a property: every look is as slow as the first.
 */

import cluster from 'node:cluster';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { disconnection, toPairs } from '../../src/gateway/index.ts';
import type { ApplicationError, Environ, GatewayRequest, HeaderList } from '../../src/index.ts';
import { announcesContent, fitHeaders, type HostBody, rescueContent } from './consumed-body.ts';
import { type HostInput, memoryInput, NO_CONTENT, NodeInput } from './node-input.ts';
import type { Routing } from './routing.ts';

/** One request of a host. */
export interface HostRequest {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly routing: Routing;
  /** The stream to read, if something of the host decodes the content. */
  readonly stream?: Readable | undefined;
}

/** Finds what a parser of the host left. */
export type BodyFinder<Host extends HostRequest> = (host: Host) => HostBody;

/** A request for the gateway, whose content has to be let go of when the run is over. */
export interface NodeRequest extends GatewayRequest {
  readonly input: HostInput;
}

/**
 * Makes a GatewayRequest of what a host has.
 *
 * @param host The request, and what the host has done to it so far
 * @param findBody Finds what a parser of the host left; by default what is on the request
 */
export function createNodeRequest<Host extends HostRequest>(
  host: Host,
  findBody?: BodyFinder<Host>,
): NodeRequest {
  const { req, routing, stream = req } = host;
  // Node's types have it always; a request that something has destroyed has lost it (Node 20).
  const socket: MaybeSecureSocket | null = req.socket;
  const { httpVersion } = req;
  const isHttp2 = req.httpVersionMajor === 2;
  const isSecure = socket?.encrypted === true;
  const remotePort = socket?.remotePort;
  let rawHeaders = isHttp2 ? withoutPseudoFields(req.rawHeaders) : req.rawHeaders;
  // An injected request has no socket, and that of HTTP/2 belongs to more than one request.
  const ownSocket = socket instanceof Socket && !isHttp2 ? socket : undefined;
  let input: HostInput;
  if (ownSocket !== undefined && stream === req && !hasContentFields(rawHeaders)) {
    input = NO_CONTENT;
  } else if (stream.readableEnded) {
    const content = findConsumed(host, findBody);
    if (content instanceof Uint8Array) rawHeaders = fitHeaders(rawHeaders, req.headers, content);
    input = memoryInput(content ?? NOTHING);
  } else {
    input = new NodeInput(req, host.res, stream);
    if (stream !== req && announcesContent(req.headers)) rawHeaders = fitHeaders(rawHeaders, req.headers);
  }
  return {
    method: req.method ?? 'GET',
    target: routing.target,
    url: routing.url,
    mount: routing.mount,
    protocol: httpVersion === '1.1' ? 'HTTP/1.1' : `HTTP/${httpVersion}`,
    rawHeaders,
    scheme: isSecure ? 'https' : 'http',
    // A unix socket has no address, and neither has a request that was injected.
    serverName: socket?.localAddress ?? 'localhost',
    serverPort: portText(socket?.localPort ?? (isSecure ? 443 : 80)),
    remoteAddress: socket?.remoteAddress,
    remotePort: remotePort === undefined ? undefined : `${remotePort}`,
    multiprocess: cluster.isWorker,
    input,
    // Nobody reads to the end of what is not there.
    trailers: input === NO_CONTENT ? noTrailers : () => readTrailers(req),
    socket: ownSocket,
  };
}

/** A socket, of which the types do not say that it may be TLS's. */
interface MaybeSecureSocket extends Socket {
  readonly encrypted?: boolean;
}

/** A server has few ports, and most have one; to spell it anew takes 40 ns (Node 20). */
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
 * Whether the fields of a request of HTTP/1 announce content (RFC 9112 §6.3), if only of no length. Where they do not,
 * nothing of the stream has to be looked at, and nothing made to read it: 0.3 µs under Express on Node 20.
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

/**
 * Puts node's own objects into an environ. Each key is assigned by itself, as the bridges do with theirs: to
 * collect them in an object and copy that, in two steps, takes 0.2 µs a request (Node 20 to 26).
 */
export function addNodeObjects(environ: Environ, { req, res }: HostRequest): void {
  environ['node.req'] = req;
  environ['node.res'] = res;
}

const NOTHING = new Uint8Array(0);

/** What is left of content that something else has read; undefined where there was none. */
function findConsumed<Host extends HostRequest>(
  host: Host,
  findBody?: BodyFinder<Host>,
): Uint8Array | ApplicationError | undefined {
  const { req } = host;
  // Parsers add these to the request; its type knows nothing of them.
  const parsed = findBody === undefined ? (req as HostBody) : findBody(host);
  // HTTP/2 announces a length or nothing at all.
  const hasContent =
    announcesContent(req.headers) || (req.httpVersionMajor === 2 && parsed.body !== undefined);
  return hasContent ? rescueContent(req.headers, parsed) : undefined;
}

/** RFC 9113 §8.3.1: `:authority` stands for Host. The other pseudo-header fields are no fields at all. */
function withoutPseudoFields(rawHeaders: readonly string[]): string[] {
  const fields: string[] = [];
  let authority: string | undefined;
  let hasHost = false;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const value = rawHeaders[index + 1] ?? '';
    if (name === ':authority') authority = value;
    if (name.startsWith(':')) continue;
    if (name === 'host') hasHost = true;
    fields.push(name, value);
  }
  return authority === undefined || hasHost ? fields : ['host', authority, ...fields];
}

function noTrailers(): Promise<HeaderList> {
  return Promise.resolve([]);
}

/** RFC 9110 §6.5: the trailer section is known once the content has been received. */
function readTrailers(req: IncomingMessage): Promise<HeaderList> {
  const trailers = new Promise<HeaderList>((resolve, reject) => {
    // Node's types have it always; an injected request has none.
    const finish = (): void => resolve(toPairs(req.rawTrailers ?? []));
    const fail = (): void => reject(disconnection('request'));
    if (req.readableEnded) finish();
    else if (req.destroyed) fail();
    else {
      req.once('end', finish);
      req.once('close', fail);
    }
  });
  // Whoever asked may have failed at reading before it came to waiting.
  trailers.catch(() => {});
  return trailers;
}
