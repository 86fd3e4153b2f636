/**
 * A request of node:http, or of the compatibility API of node:http2, as a GatewayRequest.
 *
 * Rule 1: `rawHeaders` and not `headers`: node drops repeated fields from the object.
 * Rule 2: the facts are those of the last hop. What a proxy says about the hop before is middleware's to judge.
 */
import cluster from 'node:cluster';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { DisconnectError, type GatewayRequest, type HeaderList, type InputSource } from '../src/index.ts';
import { announcesContent, fitHeaders, type HostBody, rescueContent } from './_consumed-body.ts';
import { memoryInput, NodeInput } from './_node-input.ts';
import type { Routing } from './_routing.ts';

/** One request of a host. */
export interface HostRequest {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly routing: Routing;
  /** The stream to read, if something of the host decodes the content. */
  readonly stream?: Readable | undefined;
  /** What a parser of the host left; by default what is found on the request. */
  readonly parsed?: HostBody | undefined;
  /** The native objects of the host, under the names that the application finds them by. */
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

/** A request for the gateway, and how to let go of its content afterwards. */
export interface NodeRequest {
  readonly request: GatewayRequest;
  /** To be called when the run is over. */
  release(): void;
}

/**
 * Makes a GatewayRequest of what a host has.
 *
 * @param host The request, and what the host has done to it so far
 */
export function createNodeRequest(host: HostRequest): NodeRequest {
  const { req, res, routing } = host;
  const { socket } = req;
  const isSecure = 'encrypted' in socket && socket.encrypted === true;
  const rawHeaders = req.httpVersionMajor === 2 ? withoutPseudoFields(req.rawHeaders) : req.rawHeaders;
  const content = takeContent(host, rawHeaders);
  const { remotePort } = socket;
  const request: GatewayRequest = {
    method: req.method ?? 'GET',
    target: routing.target,
    url: routing.url,
    mount: routing.mount,
    protocol: req.httpVersion === '1.1' ? 'HTTP/1.1' : `HTTP/${req.httpVersion}`,
    rawHeaders: content.rawHeaders,
    scheme: isSecure ? 'https' : 'http',
    // A unix socket has no address, and neither has a request that was injected.
    serverName: socket.localAddress ?? 'localhost',
    serverPort: `${socket.localPort ?? (isSecure ? 443 : 80)}`,
    remoteAddress: socket.remoteAddress,
    remotePort: remotePort === undefined ? undefined : `${remotePort}`,
    multiprocess: cluster.isWorker,
    input: content.input,
    trailers: () => readTrailers(req),
    extensions: addExtensions(req, res, host.extensions),
  };
  return { request, release: content.release };
}

interface Content {
  readonly rawHeaders: readonly string[];
  readonly input: InputSource;
  release(): void;
}

function takeContent(host: HostRequest, rawHeaders: readonly string[]): Content {
  const { req, res, stream = req } = host;
  if (!stream.readableEnded) {
    const input = new NodeInput(req, res, stream);
    return { rawHeaders, input, release: () => input.release() };
  }
  // Parsers add these to the request; its type knows nothing of them.
  const parsed = host.parsed ?? (req as HostBody);
  const isEmpty = !announcesContent(req.headers) && (req.httpVersionMajor < 2 || parsed.body === undefined);
  const content = isEmpty ? new Uint8Array(0) : rescueContent(req.headers, parsed);
  const isRescued = !isEmpty && content instanceof Uint8Array;
  return {
    rawHeaders: isRescued ? fitHeaders(rawHeaders, req.headers, content) : rawHeaders,
    input: memoryInput(content),
    release: doNothing,
  };
}

/** RFC 9113 §8.3.1: `:authority` stands for Host. The other pseudo-header fields are no fields at all. */
function withoutPseudoFields(rawHeaders: readonly string[]): string[] {
  const fields: string[] = [];
  let authority: string | undefined;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const value = rawHeaders[index + 1] ?? '';
    if (name === ':authority') authority = value;
    else if (!name.startsWith(':')) fields.push(name, value);
  }
  if (authority === undefined || fields.some((name, index) => index % 2 === 0 && name === 'host'))
    return fields;
  return ['host', authority, ...fields];
}

function addExtensions(
  req: IncomingMessage,
  res: ServerResponse,
  extensions: Readonly<Record<string, unknown>> | undefined,
): Record<string, unknown> {
  const all: Record<string, unknown> = { 'node.req': req, 'node.res': res, ...extensions };
  // An injected request has no socket, and that of HTTP/2 belongs to more than one request.
  if (req.socket instanceof Socket && req.httpVersionMajor < 2) all['gateway.socket'] = req.socket;
  return all;
}

/** RFC 9110 §6.5: the trailer section is known once the content has been received. */
function readTrailers(req: IncomingMessage): Promise<HeaderList> {
  return new Promise((resolve, reject) => {
    const finish = (): void => resolve(toPairs(req.rawTrailers));
    if (req.readableEnded) finish();
    else if (req.destroyed) reject(new DisconnectError('WSGI_ERR_DISCONNECTED', 'request'));
    else {
      req.once('end', finish);
      req.once('close', () => reject(new DisconnectError('WSGI_ERR_DISCONNECTED', 'request')));
    }
  });
}

function toPairs(fields: readonly string[] = []): HeaderList {
  const pairs: HeaderList = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    pairs.push([fields[index] ?? '', fields[index + 1] ?? '']);
  }
  return pairs;
}

function doNothing(): void {}
