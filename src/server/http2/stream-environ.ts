/** Makes the environ of a request of HTTP/2 from its fields, its content and its connection. */
import { createReceivedEnviron, type EnvironOptions } from '../../gateway/environ.ts';
import type { Environ } from '../../wsgi.ts';
import type { SocketDescription } from '../socket/describe-socket.ts';
import type { Http2Sink } from './http2-sink.ts';
import type { StreamRequest } from './stream-request.ts';

/**
 * What the environ of content of unknown length has, which no field announces (RFC 9113 §8.1): parsers of wrapped apps, made for HTTP/1.1,
 * go by it. `gateway.raw_headers` stays as received.
 */
const CHUNKED = { HTTP_TRANSFER_ENCODING: 'chunked' } as const;

/**
 * Makes the environ of a request, without the pairs of the option `environ`.
 *
 * @param description The connection; no stream has a socket of its own
 * @param received The fields, and the exchange, which has the content
 * @param options Options of the server
 * @throws ProtocolError if the request repeats a field that must stand alone
 */
export function createStreamEnviron(
  description: SocketDescription,
  { request, exchange }: { readonly request: StreamRequest; readonly exchange: Http2Sink },
  options: EnvironOptions,
): Environ {
  const { content, isUnannounced } = exchange;
  return createReceivedEnviron(
    {
      method: request.method,
      target: request.target,
      protocol: 'HTTP/2.0',
      rawHeaders: request.rawHeaders,
      // Field by field: spreading the description would be far slower (Node 20).
      scheme: description.scheme,
      serverName: description.serverName,
      serverPort: description.serverPort,
      remoteAddress: description.remoteAddress,
      remotePort: description.remotePort,
      multiprocess: description.multiprocess,
      extensions: isUnannounced ? { ...description.extensions, ...CHUNKED } : description.extensions,
      input: content.isEnded ? undefined : content,
      trailers: content.trailers,
    },
    options,
  );
}
