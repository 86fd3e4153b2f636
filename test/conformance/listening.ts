/** Makes any server fit for audits: a free port, a log, and a close that destroys all connections. */
import { type AddressInfo, connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type {
  AuditGatewayOptions,
  AuditServeOptions,
  AuditServer,
  Listener,
} from '../../src/conformance/index.ts';

/** The methods that node's servers and ours share. */
export interface NetServer {
  address(): AddressInfo | string | null;
  close(callback: () => void): unknown;
  listen(port: number, host: string): unknown;
  on(event: 'checkContinue', listener: Listener): unknown;
  on(event: 'connection', listener: (socket: Socket) => void): unknown;
  on(event: 'listening', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** A log of `wsgi.errors`, and the gateway options that write to it. */
export interface AuditLog {
  readonly gateway: AuditGatewayOptions;
  text(): string;
}

/** TLS without certificates: both sides share a key (RFC 4279). */
const KEY = Buffer.from('an audit of the gateway');
const CIPHERS = { ciphers: 'PSK-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' } as const;

/** Options of a TLS server with that key. */
export const SHARED_KEY = { ...CIPHERS, pskCallback: (): Buffer => KEY };

/** Makes gateway options that write to a log. */
export function createLog({ gateway = {} }: AuditServeOptions): AuditLog {
  let written = '';
  const errors = {
    write(text: string) {
      written += text;
    },
    writelines(lines: Iterable<string>) {
      for (const line of lines) written += line;
    },
    flush() {},
  };
  return {
    gateway: { ...gateway, environ: { 'wsgi.errors': errors, ...gateway.environ } },
    text: () => written,
  };
}

/** How a server is reached. */
export interface ListenOptions {
  readonly log?: AuditLog;
  /** @default the whole server */
  readonly mount?: string;
  readonly isTls?: boolean | undefined;
  /** The protocols that a client offers during the handshake of TLS. @default none */
  readonly protocols?: string[];
}

/** Listens at a free port of 127.0.0.1. */
export async function listen(
  server: NetServer,
  { log, mount = '', isTls, protocols }: ListenOptions,
): Promise<AuditServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.on('listening', resolve);
    server.on('error', reject);
    server.listen(0, '127.0.0.1');
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    port,
    mount,
    log: () => log?.text() ?? '',
    connect() {
      if (!isTls) return connect({ port, host: '127.0.0.1' });
      const identify = (): { psk: Buffer; identity: string } => ({ psk: KEY, identity: 'audit' });
      return connectTls({
        port,
        host: '127.0.0.1',
        ...CIPHERS,
        ...(protocols === undefined ? {} : { ALPNProtocols: protocols }),
        pskCallback: identify,
        checkServerIdentity: () => undefined,
      });
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
