/** Describes a socket for the environs of all its requests. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { isClusterWorker } from '../../gateway/platform.ts';
import type { GatewayRequest } from '../../port.ts';
import type { ProxyProtocol } from '../../wsgi.ts';

/** The part of an environ that is the same for all requests of a connection. */
export type SocketDescription = Pick<
  GatewayRequest,
  | 'scheme'
  | 'serverName'
  | 'serverPort'
  | 'remoteAddress'
  | 'remotePort'
  | 'multiprocess'
  | 'socket'
  | 'extensions'
>;

/**
 * Describes a socket.
 *
 * @param socket A connected socket; a TLS socket after its handshake
 * @param serverName SERVER_NAME, if not the address that the client connected to
 * @param proxied What a proxy has told of it
 */
export function describeSocket(
  socket: Socket | TLSSocket,
  serverName: string | undefined,
  proxied?: ProxyProtocol,
): SocketDescription {
  // A program that has ended TLS itself says so on the socket that it emits; so does a proxy.
  const isEncrypted = Reflect.get(socket, 'encrypted') === true;
  return {
    scheme: isEncrypted ? 'https' : 'http',
    // A unix socket has no address, but the variables are required.
    serverName: serverName ?? socket.localAddress ?? 'localhost',
    serverPort: String(socket.localPort ?? (isEncrypted ? 443 : 80)),
    remoteAddress: socket.remoteAddress,
    remotePort: socket.remotePort === undefined ? undefined : String(socket.remotePort),
    multiprocess: isClusterWorker(),
    socket,
    extensions: proxied === undefined ? ownTls(socket) : { ...describeProxied(proxied), ...ownTls(socket) },
  };
}

function ownTls(socket: Socket | TLSSocket): Record<string, string> | undefined {
  return 'getCipher' in socket ? describeTls(socket) : undefined;
}

/** Gives what a proxy has told; its TLS by the names of ours. */
function describeProxied(proxied: ProxyProtocol): Record<string, unknown> {
  const { tls } = proxied;
  if (tls === undefined) return { 'gateway.proxy_protocol': proxied };
  const verified = tls.isVerified ? 'SUCCESS' : 'FAILED:not verified by the proxy';
  return {
    'gateway.proxy_protocol': proxied,
    SSL_PROTOCOL: tls.protocol ?? '',
    SSL_CIPHER: tls.cipher ?? '',
    SSL_CLIENT_VERIFY: tls.hasCertificate ? verified : 'NONE',
  };
}

/** Gives variables with the names of Apache's mod_ssl. */
function describeTls(socket: TLSSocket): Record<string, string> {
  // Null, against their types, for a socket that a listener has destroyed: the cipher and the certificate.
  const cipher = socket.getCipher() as { readonly name: string } | null;
  const variables: Record<string, string> = {
    SSL_PROTOCOL: socket.getProtocol() ?? '',
    SSL_CIPHER: cipher?.name ?? '',
    SSL_CLIENT_VERIFY: 'NONE',
  };
  // Without a client certificate the object is empty, against its type.
  const { raw } = (socket.getPeerCertificate() ?? {}) as { readonly raw?: Buffer };
  if (raw === undefined) return variables;
  const reason = String(socket.authorizationError);
  variables.SSL_CLIENT_VERIFY = socket.authorized ? 'SUCCESS' : `FAILED:${reason}`;
  variables.SSL_CLIENT_CERT = formatCertificate(raw);
  return variables;
}

/** Formats a certificate as PEM (RFC 7468 §5). */
function formatCertificate(octets: Buffer): string {
  const lines = octets.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
