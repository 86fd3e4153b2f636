/** Makes servers listen, and tells clearly why one cannot. */
import { existsSync, lstatSync } from 'node:fs';
import { createConnection, type ListenOptions, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { isError } from '../errors.ts';
import { socketPathFault } from '../gateway/index.ts';
import type { Address } from './address.ts';
import { CommandError } from './exit-codes.ts';
import { findPortHolder, type PortHolder } from './port-holder.ts';
import { takeAway } from './take-away.ts';

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
  if (address.kind === 'unix') {
    checkPath(address.path);
    await removeStale(address.path);
  }
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

function checkPath(path: string): void {
  const found = socketPathFault(path, { existsSync, lstatSync, platform: process.platform });
  if (found !== undefined) throw new CommandError('address', found.fault, { cure: found.cure });
}

/** Milliseconds after which a socket that was just made is listened on. */
const BIND_TIME = 50;

/** Removes a unix socket that nobody listens on. */
async function removeStale(path: string): Promise<void> {
  for (;;) {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return;
    if (!stats.isSocket()) {
      // It was made after the look at the path, or is gone by now.
      checkPath(path);
      continue;
    }
    if ((await isServed(path)) || (await isServedSoon(path))) throw socketInUse(path);
    takeAway(path, (aside) => {
      // The number of a removed file may be given to the next one.
      const { ino, mtimeMs } = lstatSync(aside);
      return ino === stats.ino && mtimeMs === stats.mtimeMs;
    });
  }
}

async function isServedSoon(path: string): Promise<boolean> {
  await delay(BIND_TIME);
  return isServed(path);
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection(path, () => {
      probe.destroy();
      resolve(true);
    });
    // Any other error, such as a full queue, comes from a socket that is in use. None is there any more after ENOENT.
    probe.once('error', (error) =>
      resolve(!['ECONNREFUSED', 'ENOENT'].includes(String(Reflect.get(error, 'code')))),
    );
  });
}

function explain(error: unknown, address: Address): CommandError {
  const code: unknown = isError(error) ? Reflect.get(error, 'code') : undefined;
  const message = isError(error) ? error.message : String(error);
  const port = address.kind === 'tcp' ? address.port : undefined;
  // It was made after the look at the path.
  if (code === 'EADDRINUSE' && address.kind === 'unix') return socketInUse(address.path);
  if (code === 'EADDRINUSE' && port !== undefined) return portInUse(port, findPortHolder(port));
  if (code === 'EACCES' && port !== undefined && port < 1024) {
    return new CommandError('address', `Port ${port} may be bound by root only`, {
      cure: 'Use a port above 1023 behind a proxy, or socket activation, or allow it: setcap cap_net_bind_service=+ep on node.',
    });
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new CommandError(
      'address',
      `No address is known of the host ${address.text.replace(/:\d+$/, '')}`,
      {
        cure: '127.0.0.1 is reached from this machine, 0.0.0.0 from others too.',
      },
    );
  }
  if (address.kind === 'fd' && ['EINVAL', 'EBADF', 'ENOTSOCK'].includes(String(code))) {
    return new CommandError('address', `Descriptor ${address.fd} is no listening socket`, {
      cure: 'Socket activation of systemd gives the first one as fd:3.',
    });
  }
  if (code === 'EADDRNOTAVAIL') {
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

function socketInUse(path: string): CommandError {
  return new CommandError('address', `Another process listens on unix:${path}`, {
    cure: 'Stop it, or choose another path.',
  });
}

function portInUse(port: number, holder: PortHolder | undefined): CommandError {
  const other = `--port ${port === MAX_PORT ? port - 1 : port + 1} takes another one, --port 0 any free one.`;
  if (holder?.pid === process.pid) {
    return new CommandError('address', `The application itself listens on port ${port}`, {
      cure: `Leave its listen() out, because gatebridge listens; or ${other}`,
    });
  }
  const by = holder === undefined ? '' : ` by process ${holder.pid} (${holder.command})`;
  return new CommandError('address', `Port ${port} is in use${by}`, { cure: other });
}

const MAX_PORT = 65_535;
