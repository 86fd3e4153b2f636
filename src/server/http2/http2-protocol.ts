/**
 * HTTP/2 of a server with the option `http2`: tells which connections speak it, and makes a session of them.
 *
 * node:http2 is loaded here, so that a server without the option does not pay for it.
 */
import type { EventEmitter } from 'node:events';
import type { performServerHandshake } from 'node:http2';
import type { Socket } from 'node:net';
import type { ConnectionOwner, ServedConnection } from '../connection-owner.ts';
import type { ServerOptions } from '../options.ts';
import type { SocketDescription } from '../socket/describe-socket.ts';
import { Http2Events } from './http2-events.ts';
import { PrefaceReader } from './preface-reader.ts';
import { SessionConnection } from './session-connection.ts';
import { sessionOptions } from './session-options.ts';

/** The owner of connections, as it hands them on once the protocol is known. */
export interface ProtocolOwner extends ConnectionOwner {
  /** Puts a connection in the place of the one that has found out its protocol. */
  replace(reader: ServedConnection, next: ServedConnection): void;
  /** Serves a socket by HTTP/1.1, beginning with octets that have come. */
  serveHttp1(socket: Socket, description: SocketDescription, octets: Buffer): ServedConnection;
}

/** HTTP/2 of one server. */
export class Http2Protocol {
  readonly #events: Http2Events;
  readonly #handshake: typeof performServerHandshake;

  /**
   * @param emitter Its listeners hear of sessions and streams
   * @throws TypeError if this version of Node cannot serve HTTP/2 on a given socket
   */
  constructor(emitter: EventEmitter, options: ServerOptions) {
    this.#handshake = findHandshake();
    this.#events = new Http2Events(emitter, options);
  }

  /**
   * Begins to serve a socket.
   *
   * @param description The socket
   * @returns undefined if it speaks HTTP/1.1
   */
  begin(socket: Socket, owner: ProtocolOwner, description: SocketDescription): ServedConnection | undefined {
    // A listener of the connection has ended it. node would make a session of it all the same.
    if (socket.destroyed) return undefined;
    const alpn: unknown = Reflect.get(socket, 'alpnProtocol');
    if (alpn === 'h2') return this.#open(socket, owner, description);
    // Over TLS only ALPN chooses HTTP/2 (RFC 9113 §3.2). What others have decrypted may say nothing.
    if ('getCipher' in socket) return undefined;
    const reader: PrefaceReader = new PrefaceReader(socket, owner, (isHttp2, octets) => {
      if (isHttp2) socket.unshift(octets);
      const next = isHttp2
        ? this.#open(socket, owner, description)
        : owner.serveHttp1(socket, description, octets);
      owner.replace(reader, next);
    });
    return reader;
  }

  #open(socket: Socket, owner: ConnectionOwner, description: SocketDescription): SessionConnection {
    const session = this.#handshake(socket, sessionOptions(owner.options, owner.settings));
    return new SessionConnection(socket, session, { owner, events: this.#events, description });
  }
}

function findHandshake(): typeof performServerHandshake {
  const http2: Partial<typeof import('node:http2')> | undefined = process.getBuiltinModule('node:http2');
  if (typeof http2?.performServerHandshake === 'function') return http2.performServerHandshake;
  const error = new TypeError(
    `Option http2 needs http2.performServerHandshake, which this runtime lacks (${process.version}); ` +
      'use Node 20.12 or later',
  );
  throw Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
}
