/** A host that listens on a socket: what its file says, and the rest. */
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import type { Application } from '../../../src/index.ts';
import { MemoryErrors } from '../../../src/testing/index.ts';
import { type Connect, connectHttp1 } from '../clients.ts';
import type { Host } from '../matrix.ts';

/** The certificate of the tests. */
export const TLS: { readonly key: string; readonly cert: string } = {
  key: readFileSync(new URL('../../support/tls/key.pem', import.meta.url), 'utf8'),
  cert: readFileSync(new URL('../../support/tls/cert.pem', import.meta.url), 'utf8'),
};

/** A server that listens. */
export interface Listening {
  readonly port: number;
  close(): Promise<unknown>;
}

/** The options of every host: where it logs. */
export interface LogOptions {
  readonly environ: { readonly 'wsgi.errors': MemoryErrors };
}

/** What differs from host to host. */
export interface SocketHost extends Omit<Host, 'start'> {
  /** @default '' */
  readonly mount?: string;
  /** @default 'http' */
  readonly scheme?: 'http' | 'https';
  /** @default connectHttp1 */
  readonly connect?: Connect;
  listen(application: Application, options: LogOptions): Promise<Listening>;
}

/** Makes a host. */
export function socketHost(host: SocketHost): Host {
  const { mount = '', scheme = 'http', connect = connectHttp1 } = host;
  return {
    ...host,
    async start({ application }) {
      const errors = new MemoryErrors();
      const { port, close } = await host.listen(application, { environ: { 'wsgi.errors': errors } });
      const client = connect(`${scheme}://127.0.0.1:${port}${mount}`);
      return {
        send: client.send,
        log: () => errors.text,
        async close() {
          client.close();
          await close();
        },
      };
    },
  };
}

/** The methods that node's servers and ours share. */
interface Server {
  address(): AddressInfo | string | null;
  close(callback: () => void): unknown;
  closeAllConnections?(): void;
  listen(port: number, host: string, callback: () => void): unknown;
}

/** Listens at a free port of 127.0.0.1. */
export async function listen(server: Server): Promise<Listening> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: portOf(server),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(resolve);
        server.closeAllConnections?.();
      }),
  };
}

/** The port of a server that listens on TCP. */
export function portOf(server: Pick<Server, 'address'>): number {
  // It has such an address.
  return (server.address() as AddressInfo).port;
}
