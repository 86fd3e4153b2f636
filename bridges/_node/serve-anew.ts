/**
 * Gives a request back to node's server, as if nobody listened to `upgrade`.
 *
 * A client may ask for another protocol with any request (RFC 9110 §7.8), and be content with HTTP. Clients of Java ask for
 * h2c like this, also with content, which node up to 24 neither parses nor leaves to the request.
 */
import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

/** The first Node that reads the content of a request with an upgrade. */
const READS_CONTENT = 25;

const LINE_END = /[\r\n]/;

const majorVersion = Number.parseInt(process.versions.node, 10);

/** Tells if a request announces content (RFC 9112 §6.3). */
export function hasContent({ headers }: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = headers;
  return encoding !== undefined || (length !== undefined && Number(length) > 0);
}

/** Tells if a request is better served by node's server itself: its content is unread, or it asks for h2c. */
export function isForServer(request: IncomingMessage): boolean {
  if (hasContent(request)) {
    const isLength = request.headers['transfer-encoding'] === undefined;
    // A length tells the truth: with content, node has read none of it.
    if (isLength) return request.complete && request.readableLength === 0;
    return majorVersion < READS_CONTENT;
  }
  return request.headers.upgrade?.toLowerCase() === 'h2c';
}

/**
 * Lets a server read a request once more, without its Upgrade field, and what comes after it.
 *
 * @param head The octets that have come after the head of the request
 * @returns false if the socket has no server
 */
export function serveAnew(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
  const server: EventEmitter | undefined = Reflect.get(socket, 'server');
  if (server === undefined) return false;
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  const { rawHeaders } = request;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() !== 'upgrade')
      lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`);
  }
  // node's lenient parser (`insecureHTTPParser`) may let line ends through, which would make other fields.
  if (lines.some((line) => LINE_END.test(line))) {
    socket.destroy();
    return true;
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  return server.emit(Reflect.get(socket, 'encrypted') === true ? 'secureConnection' : 'connection', socket);
}
