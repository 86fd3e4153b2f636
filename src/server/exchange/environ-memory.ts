/**
 * Makes the environs of one connection, and remembers the fields of the last one: clients repeat their fields from one
 * request to the next. An environ that is made from memory is the same as one that is made anew.
 */
import { createReceivedEnviron, type EnvironOptions } from '../../gateway/environ.ts';
import { repeatEnviron, toTemplate } from '../../gateway/environ-template.ts';
import type { RequestHead } from '../../http/index.ts';
import type { Environ } from '../../wsgi.ts';
import type { SocketDescription } from '../socket/describe-socket.ts';
import type { Content } from './request-content.ts';

/**
 * Requests with the same fields, one after another, before a template is made of them. Before V8 12 a copy takes longer than
 * to set each key (Node 20).
 */
const ENOUGH_REPEATS: number = Number.parseInt(process.versions.v8, 10) >= 12 ? 8 : Number.POSITIVE_INFINITY;

/** Makes the environs of one connection. */
export class EnvironMemory {
  readonly #description: SocketDescription;
  readonly #options: EnvironOptions;
  /** The list of the last head. The parser gives the same list for the same fields. */
  #lines: readonly string[] | undefined;
  #repeats = 0;
  #template: Environ | undefined;

  /**
   * @param description The socket
   * @param options Options of the server
   */
  constructor(description: SocketDescription, options: EnvironOptions) {
    this.#description = description;
    this.#options = options;
  }

  /**
   * Makes the environ of a request, without the pairs of the option `environ`.
   *
   * @param request The head and the content
   * @throws ProtocolError if the request repeats a field that must stand alone
   */
  create(request: { readonly head: RequestHead; readonly content: Content }): Environ {
    const { head, content } = request;
    if (head.rawHeaders !== this.#lines) {
      this.#lines = head.rawHeaders;
      this.#repeats = 0;
      this.#template = undefined;
      return this.#createAnew(head, content);
    }
    this.#repeats += 1;
    // The authority of another form replaces Host.
    if (this.#repeats < ENOUGH_REPEATS || head.targetForm !== 'origin')
      return this.#createAnew(head, content);
    if (this.#template === undefined) return this.#remember(head, content);
    const { method, target, protocol, rawHeaders } = head;
    return repeatEnviron(this.#template, {
      method,
      target,
      protocol,
      rawHeaders: rawHeaders.slice(),
      input: content.isEnded ? undefined : content,
      trailers: content.trailers,
    });
  }

  #remember(head: RequestHead, content: Content): Environ {
    const environ = this.#createAnew(head, content);
    const { environ: pairs, underscoreHeaders } = this.#options;
    // `gateway.upgrade` has its place among the other extensions, and copies of lines with `_` are marked.
    if (head.connectionNominatesUpgrade || underscoreHeaders === 'allow') return environ;
    this.#template = toTemplate(environ, pairs === undefined);
    return environ;
  }

  #createAnew(head: RequestHead, content: Content): Environ {
    const description = this.#description;
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
      this.#options,
    );
  }
}
