/**
 * Translates HTTP/1.1 into HTTP/2, so that audits, which speak HTTP/1.1, reach a host that speaks only HTTP/2.
 *
 * Each connection has an HTTP/2 session of its own, and each request is one stream of it. Content goes both ways
 * with backpressure, interim responses and trailers at once, and a reset on one side becomes a reset on the other.
 *
 * Rule: it hides nothing that the host does. It buffers, repeats and adds nothing, and drops only the fields that a
 * translation must drop (RFC 9113 §8.2.2 and §8.3).
 */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { Socket } from 'node:net';

/** Fields of one HTTP/1.1 connection (RFC 9113 §8.2.2). `Host` becomes `:authority`. */
const NOT_IN_HTTP2: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

const NOTHING = new Uint8Array(0);

type Fields = Record<string, string | string[]>;

/**
 * Creates a server that takes HTTP/1.1 and asks an HTTP/2 server.
 *
 * @param openConnection Opens a connection to the HTTP/2 server
 * @param scheme The scheme of all requests
 */
export function createTranslator(openConnection: () => Socket, scheme: 'http' | 'https'): Server {
  const sessions = new WeakMap<Socket, ClientHttp2Session>();
  const translate = (request: IncomingMessage, response: ServerResponse): void => {
    const session = sessions.get(request.socket);
    if (session === undefined) throw new TypeError('Each connection must have a session');
    if (session.destroyed || session.closed) request.socket.destroy();
    else passRequest(request, passResponse(request, response, openStream(session, request, scheme)));
  };
  const server = createServer({ requireHostHeader: false }, translate);
  // The host decides what becomes of an expectation.
  server.on('checkContinue', translate).on('checkExpectation', translate);
  server.on('connection', (socket: Socket) => {
    const session = connect(`${scheme}://translator.test`, { createConnection: openConnection });
    sessions.set(socket, session);
    session.on('error', () => socket.destroy());
    session.on('close', () => socket.destroy());
    socket.on('close', () => session.close());
  });
  return server;
}

function openStream(
  session: ClientHttp2Session,
  { method = 'GET', url = '/', rawHeaders, headers }: IncomingMessage,
  scheme: string,
): ClientHttp2Stream {
  // RFC 9112 §3.2.2: the authority of an absolute-form target replaces Host.
  const [, ownScheme = scheme, authority = headers.host ?? '', path = url] = ABSOLUTE_FORM.exec(url) ?? [];
  const pseudoFields = { ':method': method, ':scheme': ownScheme, ':authority': authority, ':path': path };
  const endStream = headers['content-length'] === undefined && headers['transfer-encoding'] === undefined;
  const fields = { ...pseudoFields, ...toFields(rawHeaders) };
  return session.request(fields, { endStream, waitForTrailers: !endStream });
}

const ABSOLUTE_FORM = /^(https?):\/\/([^/?]*)(.*)$/;

function passRequest(request: IncomingMessage, stream: ClientHttp2Stream): void {
  stream.on('wantTrailers', () => stream.sendTrailers(toFields(request.rawTrailers)));
  request.pipe(stream);
  stream.on('close', () => {
    // A host may answer before it has the whole content; then the client still sends the rest.
    request.unpipe(stream);
    request.resume();
  });
}

function passResponse(
  { socket }: IncomingMessage,
  response: ServerResponse,
  stream: ClientHttp2Stream,
): ClientHttp2Stream {
  const cancel = (): void => stream.close(constants.NGHTTP2_CANCEL);
  socket.on('close', cancel);
  stream.on('headers', (headers: IncomingHttpHeaders, _flags: number, received: string[]) => {
    // Node keeps the connection after content that it has asked for itself.
    if (Number(headers[':status']) === 100) return response.writeContinue();
    const lines = toPairs(received).map(([name, value]) => `${name}: ${value}\r\n`);
    const statusCode = Number(headers[':status']);
    const head = `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode]}\r\n${lines.join('')}\r\n`;
    // A pipelined response has no socket before its turn; then the advice is lost.
    response.socket?.write(head, 'latin1');
  });
  stream.on('response', (headers: IncomingHttpHeaders, _flags: number, received: string[]) => {
    response.sendDate = false;
    response.writeHead(Number(headers[':status']), toPairs(received).flat());
    // Sends the head at once. flushHeaders() would encode it as UTF-8 (Node 20).
    response.write(NOTHING);
    stream.pipe(response);
  });
  stream.on('trailers', (_headers: IncomingHttpHeaders, _flags: number, received: string[]) =>
    response.addTrailers(toPairs(received)),
  );
  // 'close' follows, and tells the same.
  stream.on('error', () => {});
  stream.on('close', () => {
    socket.off('close', cancel);
    if (stream.rstCode !== constants.NGHTTP2_NO_ERROR || !stream.readableEnded) socket.destroy();
  });
  return stream;
}

/** Makes fields as node:http2 takes them, in their order. */
function toFields(lines: readonly string[]): Fields {
  const fields: Record<string, string[]> = {};
  for (const [name, value] of toPairs(lines)) {
    const lowerCase = name.toLowerCase();
    if (NOT_IN_HTTP2.has(lowerCase)) continue;
    fields[lowerCase] ??= [];
    fields[lowerCase].push(value);
  }
  return Object.fromEntries(
    Object.entries(fields).map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]),
  );
}

/** Makes pairs of name and value of a flat list, without pseudo-fields. */
function toPairs(lines: readonly string[]): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index < lines.length; index += 2) {
    const [name = '', value = ''] = lines.slice(index, index + 2);
    if (!name.startsWith(':')) pairs.push([name, value]);
  }
  return pairs;
}
