/** Makes servers listen, and tells clearly why one cannot. */
import { lstatSync, unlinkSync } from 'node:fs';
import { createConnection, type ListenOptions, type Server } from 'node:net';
import { isError } from '../errors.ts';
import type { Address } from './address.ts';
import { CommandError } from './exit-codes.ts';
import { findPortHolder } from './port-holder.ts';

/** How to listen. */
export interface Listening {
  readonly backlog: number;
  /** Permissions of a unix socket. */
  readonly socketMode: number | undefined;
  /** The kernel spreads connections over all who listen so. */
  readonly reusePort?: boolean;
}

/**
 * Makes a server listen on an address. A unix socket that a process has left behind is removed first.
 *
 * @throws {@link CommandError} if the address cannot be bound; it names the process that holds it where that can be known
 */
export async function listenOn(
  server: Pick<Server, 'once' | 'off' | 'listen'>,
  address: Address,
  { backlog, socketMode, reusePort = false }: Listening,
): Promise<void> {
  if (address.kind === 'unix') await removeStale(address.path);
  await new Promise<void>((resolve, reject) => {
    const fail = (error: unknown): void => reject(explain(error, address));
    server.once('error', fail);
    server.once('listening', () => {
      server.off('error', fail);
      resolve();
    });
    const place: ListenOptions = { ...placeOf(address), backlog, ...(reusePort && { reusePort }) };
    // The socket is made during the call, so that it never has other permissions.
    const isMasked = address.kind === 'unix' && socketMode !== undefined;
    const mask = isMasked ? process.umask(0o777 & ~socketMode) : undefined;
    try {
      server.listen(place);
    } catch (error) {
      fail(error);
    } finally {
      if (mask !== undefined) process.umask(mask);
    }
  });
}

function placeOf(address: Address): ListenOptions {
  switch (address.kind) {
    case 'unix':
      return { path: address.path };
    case 'fd':
      // The types of node lack it (node:net, server.listen(handle)).
      return { fd: address.fd } as ListenOptions;
    default:
      return { port: address.port, ...(address.host !== undefined && { host: address.host }) };
  }
}

/** Removes a unix socket that nobody listens on. */
async function removeStale(path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isSocket())
    throw new CommandError('address', `${path} exists and is no socket`, { cure: 'Choose another path.' });
  const isServed = await new Promise<boolean>((resolve) => {
    const probe = createConnection(path, () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (isServed)
    throw new CommandError('address', `Another process listens on unix:${path}`, {
      cure: 'Stop it, or choose another path.',
    });
  unlinkSync(path);
}

function explain(error: unknown, address: Address): CommandError {
  const code: unknown = isError(error) ? Reflect.get(error, 'code') : undefined;
  const message = isError(error) ? error.message : String(error);
  const port = address.kind === 'tcp' ? address.port : undefined;
  if (code === 'EADDRINUSE' && port !== undefined) {
    const holder = findPortHolder(port);
    const by = holder === undefined ? '' : ` by ${holder}`;
    return new CommandError('address', `Port ${port} is in use${by}`, {
      cure: `--port ${port === MAX_PORT ? port - 1 : port + 1} takes another one, --port 0 any free one.`,
    });
  }
  if (code === 'EACCES' && port !== undefined && port < 1024) {
    return new CommandError('address', `Port ${port} may be bound by root only`, {
      cure: 'Use a port above 1023 behind a proxy, or socket activation, or allow it: setcap cap_net_bind_service=+ep on node.',
    });
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new CommandError(
      'address',
      `This machine has no address ${address.kind === 'tcp' ? address.host : address.text}`,
      {
        cure: '127.0.0.1 is reached from this machine, 0.0.0.0 from others too.',
      },
    );
  }
  return new CommandError('address', `Cannot listen on ${address.text}: ${message}`);
}

const MAX_PORT = 65_535;
