/**
 * Makes a GatewayRequest of a `Request` of the Fetch API.
 *
 * A `Request` has lost what the client sent: its URL is normalised (`..` is resolved), names of fields are in lower case and
 * sorted, repeated fields are joined, and the version of HTTP is unknown. What is left is given as it is.
 */
import type { GatewayRequest } from '../../src/index.ts';
import type { FetchInfo } from './fetch-info.ts';
import { FetchInput } from './fetch-input.ts';
import { receiveField } from './field-text.ts';

/** A request for the gateway; its content must be released after the run. */
export interface FetchGatewayRequest extends GatewayRequest {
  readonly input: FetchInput | undefined;
}

/**
 * Makes a GatewayRequest.
 *
 * @param request The request
 * @param info What the runtime knows besides
 * @throws TypeError if the URL is none of http: or https:
 */
export function createFetchRequest(request: Request, info: FetchInfo = NO_INFO): FetchGatewayRequest {
  const { scheme, authority, name, port, target } = splitUrl(request.url);
  const { remoteAddress, remotePort } = info;
  const { method } = request;
  const rawHeaders: string[] = [];
  let hasHost = false;
  let hasLength = false;
  request.headers.forEach((value, field) => {
    rawHeaders.push(field, receiveField(value));
    if (field === 'host') hasHost = true;
    else if (field === 'content-length' || field === 'transfer-encoding') hasLength = true;
  });
  // The client named the host, or the URL of the request stands for that.
  if (!hasHost) rawHeaders.unshift('host', authority);
  // Runtimes make a stream when it is asked for, and these methods rarely have content.
  const isReadable = hasLength || (method !== 'GET' && method !== 'HEAD');
  const hasContent = isReadable && request.body !== null && request.body !== undefined;
  // RFC 9112 §6.3: one of the two announces content, and wrapped programs go by it.
  if (hasContent && !hasLength) rawHeaders.push('transfer-encoding', 'chunked');
  return {
    method,
    target,
    // The version that most clients speak, and the only one that wrapped programs for node know everywhere.
    protocol: 'HTTP/1.1',
    rawHeaders,
    scheme,
    serverName: name,
    serverPort: port,
    remoteAddress: remoteAddress ?? undefined,
    remotePort: remotePort === undefined || remotePort === null ? undefined : `${remotePort}`,
    input: hasContent ? new FetchInput(request) : undefined,
  };
}

const NO_INFO: FetchInfo = {};

interface UrlParts {
  readonly scheme: 'http' | 'https';
  /** Host and perhaps port, as in a Host field. */
  readonly authority: string;
  readonly name: string;
  readonly port: string;
  /** Path and query, percent-encoded. */
  readonly target: string;
}

/** Scheme, name and port of a normalised URL, and the rest without its fragment. */
const URL_PARTS = /^(https?):\/\/(?:[^/?#@]*@)?((\[[^\]]*\]|[^/?#:]+)(?::([0-9]+))?)([^#]*)/;

const PORTS = { http: '80', https: '443' } as const;

function splitUrl(url: string): UrlParts {
  // A pattern costs less than a URL object. Requests that are not the runtime's own may have URLs that are not normalised.
  const match = URL_PARTS.exec(isVisible(url) ? url : new URL(url).href);
  if (match === null) throw new TypeError(`Request must have a URL of http: or https:, not ${url}`);
  const [, scheme, authority = '', name = '', port, target = ''] = match;
  const known = scheme === 'https' ? 'https' : 'http';
  return {
    scheme: known,
    authority,
    name,
    port: port ?? PORTS[known],
    // RFC 9110 §4.2.3: an empty path is equivalent to '/'.
    target: target.startsWith('/') ? target : `/${target}`,
  };
}

function isVisible(url: string): boolean {
  return /^[\x21-\x7e]*$/.test(url);
}
