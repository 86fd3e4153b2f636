/** Makes the environ of a request from its head, its content and its socket. */
import { createReceivedEnviron, type EnvironOptions } from '../../gateway/environ.ts';
import type { RequestHead } from '../../http/index.ts';
import type { Environ } from '../../wsgi.ts';
import type { SocketDescription } from '../socket/describe-socket.ts';
import type { Content } from './request-content.ts';

/**
 * Makes the environ of a request, without the pairs of the option `environ`.
 *
 * @param description The socket
 * @param request The head and the content
 * @param options Options of the server
 * @throws ProtocolError if the request repeats a field that must stand alone
 */
export function createRequestEnviron(
  description: SocketDescription,
  { head, content }: { readonly head: RequestHead; readonly content: Content },
  options: EnvironOptions,
): Environ {
  return createReceivedEnviron(
    {
      method: head.method,
      target: head.target,
      protocol: head.protocol,
      // A copy for the application; heads are remembered and may come again.
      rawHeaders: head.rawHeaders.slice(),
      // Field by field: spreading the description would be far slower (Node 20).
      scheme: description.scheme,
      serverName: description.serverName,
      serverPort: description.serverPort,
      remoteAddress: description.remoteAddress,
      remotePort: description.remotePort,
      multiprocess: description.multiprocess,
      socket: description.socket,
      extensions: description.extensions,
      input: content.isEnded ? undefined : content,
      trailers: content.trailers,
    },
    options,
  );
}
