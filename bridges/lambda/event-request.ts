/**
 * Makes a request of what an event says.
 *
 * Rule 1: paths are as the client sent them, so that links lead back: the stage of an API and the path below which the
 *         application is reached become SCRIPT_NAME.
 * Rule 2: the platform has checked the message. Only an event that somebody wrote by hand breaks a rule here, and gets
 *         the answer that a client would get.
 */
import { isFieldValue, isToken } from '../../src/gateway/index.ts';
import { type GatewayRequest, type InputSource, ProtocolError } from '../../src/index.ts';
import { toNative, valuesIn } from './event-text.ts';

/** The request in an event of any shape. */
export interface EventRequest {
  readonly method: string;
  /** The path behind the stage, percent-encoded. */
  readonly path: string;
  /** The stage as the client has it in front of the path; empty if it has none. */
  readonly stage: string;
  readonly query: string;
  /** Values by field name. If several maps have a name, the first one counts. */
  readonly fields: readonly Readonly<Record<string, unknown>>[];
  readonly protocol: string | undefined;
  readonly scheme: 'http' | 'https';
  readonly serverName: string | undefined;
  readonly serverPort: string | undefined;
  readonly remoteAddress: string | undefined;
  readonly remotePort?: string | undefined;
  readonly content: unknown;
  readonly isBase64: boolean;
}

/**
 * Makes a request without fields and content. Never throws.
 *
 * @param event What the event says
 * @param basePath The path below which clients reach the application, percent-encoded
 */
export function createEventRequest(event: EventRequest, basePath: string): GatewayRequest {
  const { mount, path } = splitPath(event, basePath);
  const url = event.query === '' ? path : `${path}?${event.query}`;
  return {
    method: event.method,
    target: `${mount}${url}`,
    url,
    mount,
    protocol: event.protocol ?? 'HTTP/1.1',
    rawHeaders: [],
    scheme: event.scheme,
    serverName: event.serverName ?? 'localhost',
    serverPort: event.serverPort ?? (event.scheme === 'https' ? '443' : '80'),
    remoteAddress: event.remoteAddress,
    remotePort: event.remotePort,
    // Lambda runs other environments of the function at the same time.
    multiprocess: true,
  };
}

/**
 * Adds fields and content to a request.
 *
 * @throws ProtocolError if the method, a field or the content is malformed
 * @throws TypeError if the content is no text
 */
export function addMessage(request: GatewayRequest, event: EventRequest): GatewayRequest {
  if (!isToken(request.method)) throw new ProtocolError('WSGI_ERR_METHOD_INVALID', request.method);
  const content = readContent(event);
  return {
    ...request,
    rawHeaders: readFields(event, content.length),
    input: content.length === 0 ? undefined : sourceOf(content),
  };
}

/** Splits a path into the part that the client knows as the place of the application, and the rest. */
function splitPath({ path, stage }: EventRequest, basePath: string): { mount: string; path: string } {
  const isBelow = basePath !== '' && (path === basePath || path.startsWith(`${basePath}/`));
  if (isBelow) return { mount: `${stage}${basePath}`, path: path.slice(basePath.length) };
  // The mapping of a domain, or a proxy, has taken it off; the address with the stage has no mapping.
  return { mount: stage === '' ? basePath : stage, path };
}

/** Gives the field lines, with the length that the content has now: the platform has taken its framing off. */
function readFields({ fields }: EventRequest, length: number): string[] {
  const lines: string[] = [];
  const seen = new Set<string>();
  for (const map of fields) {
    const names = Object.keys(map);
    for (const name of names) {
      const key = name.toLowerCase();
      if (seen.has(key) || key === 'transfer-encoding') continue;
      const values = key === 'content-length' ? [`${length}`] : valuesIn(map[name]);
      for (const value of values) addLine(lines, name, value);
    }
    for (const name of names) seen.add(name.toLowerCase());
  }
  if (length > 0 && !seen.has('content-length')) lines.push('Content-Length', `${length}`);
  return lines;
}

function addLine(lines: string[], name: string, text: string): void {
  const value = toNative(text);
  if (!isToken(name)) throw new ProtocolError('WSGI_ERR_FIELD_LINE_INVALID', JSON.stringify(name));
  if (!isFieldValue(value)) throw new ProtocolError('WSGI_ERR_OCTET_FORBIDDEN', `in the value of ${name}`);
  lines.push(name, value);
}

function readContent({ content, isBase64 }: EventRequest): Buffer {
  if (content === undefined || content === null) return Buffer.alloc(0);
  if (typeof content !== 'string') throw new TypeError(`Body of a Lambda event must be text or null`);
  if (!isBase64) return Buffer.from(content, 'utf8');
  const octets = Buffer.from(content, 'base64');
  // Node skips what is no base64, and reads no further than a padding.
  const digits = content.length - (content.endsWith('==') ? 2 : content.endsWith('=') ? 1 : 0);
  // One digit more than a multiple of four has only six bits.
  if (digits % 4 === 1 || octets.length !== Math.floor((digits * 3) / 4))
    throw new ProtocolError('WSGI_ERR_CONTENT_MALFORMED', 'base64');
  return octets;
}

function sourceOf(content: Buffer): InputSource {
  let rest: Buffer | null = content;
  return {
    pull() {
      const octets = rest;
      rest = null;
      return octets;
    },
    // All of it has arrived: nobody waits for the rest.
    skip() {
      rest = null;
      return true;
    },
  };
}
