/** Relays between the clients of an audit and its host: they change the octets of either side. */
import { createServer, type Socket } from 'node:net';
import type { AuditHost } from '../../../src/conformance/index.ts';
import { listen } from '../listening.ts';
import { serving } from './wrong-host.ts';

/** Serves one client. `connect` opens a connection to the host. */
export type Relay = (client: Socket, connect: () => Socket) => void;

/** Puts a relay between the clients and a host. */
export function behind(host: AuditHost, relay: Relay): AuditHost {
  return serving(host, (serve) => async (application, options) => {
    const server = await serve(application, options);
    const relaying = createServer({ allowHalfOpen: true }, (client) => {
      client.on('error', () => {});
      relay(client, () => {
        const upstream = server.connect();
        upstream.on('error', () => {});
        client.on('close', () => upstream.destroy());
        return upstream;
      });
    });
    const listening = await listen(relaying, {});
    return {
      ...server,
      connect: () => listening.connect(),
      async close() {
        await listening.close();
        await server.close();
      },
    };
  });
}

/** Changes of what passes, as native strings. */
export interface RelayChanges {
  readonly request?: (octets: string) => string;
  readonly response?: (octets: string) => string;
}

/** Puts a relay in front of a host that changes each piece that passes. */
export function relayed(host: AuditHost, { request, response }: RelayChanges): AuditHost {
  return behind(host, (client, connect) => {
    const upstream = connect();
    pass(client, upstream, request);
    pass(upstream, client, response);
  });
}

/** Passes octets on, and the end. */
export function pass(
  from: Socket,
  to: Socket,
  change: (octets: string) => string = (octets) => octets,
): void {
  from.on('data', (octets: Buffer) => {
    const text = octets.toString('latin1');
    const changed = change(text);
    const isTaken = to.write(changed === text ? octets : Buffer.from(changed, 'latin1'));
    if (isTaken) return;
    from.pause();
    to.once('drain', () => from.resume());
  });
  from.on('end', () => to.end());
  from.on('error', () => to.destroy());
}
