/**
 * Accepts connections for all workers, and gives each to one of them.
 *
 * The supervisor listens itself, and no worker does: connections wait here while workers are replaced, and one whose worker has
 * died before it arrived goes to another. node:cluster would lose both.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { Address } from './address.ts';
import { type Listening, listenOn } from './listen.ts';
import type { WorkerProcess } from './worker-process.ts';

/** Connections that wait at most for a worker; more are closed. */
const MAX_WAITING = 4_096;

/** How connections are made, as the options of net.createServer. */
export interface ConnectionOptions extends Listening {
  readonly noDelay: boolean;
  readonly keepAlive: boolean;
  readonly keepAliveInitialDelay: number;
}

/** Listens, and gives connections away. */
export class ConnectionGiver {
  readonly #workers: () => readonly WorkerProcess[];
  readonly #servers: Server[] = [];
  readonly #waiting: Socket[] = [];
  #turn = 0;

  /** @param workers Gives those that serve */
  constructor(workers: () => readonly WorkerProcess[]) {
    this.#workers = workers;
  }

  /**
   * Listens on an address.
   *
   * @returns what `address()` gives
   * @throws {@link CommandError} if the address cannot be bound
   */
  async listen(address: Address, options: ConnectionOptions): Promise<ReturnType<Server['address']>> {
    const { noDelay, keepAlive, keepAliveInitialDelay } = options;
    const server = createServer({
      pauseOnConnect: true,
      allowHalfOpen: true,
      noDelay,
      keepAlive,
      keepAliveInitialDelay,
    });
    server.on('connection', (socket) => this.give(socket));
    await listenOn(server, address, options);
    this.#servers.push(server);
    return server.address();
  }

  /** Gives a connection to the worker with the fewest on their way to it; a worker that is stuck takes none. */
  give(socket: Socket): void {
    // node counts the connections of a server, also those that it has given away.
    Reflect.set(socket, 'server', null);
    socket.on('error', () => undefined);
    const worker = this.#choose();
    if (worker !== undefined) worker.give(socket);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(socket);
    else socket.destroy();
  }

  /** A worker is ready: gives it what waits. */
  giveWaiting(): void {
    for (const socket of this.#waiting.splice(0)) this.give(socket);
  }

  #choose(): WorkerProcess | undefined {
    const workers = this.#workers();
    this.#turn += 1;
    let best: WorkerProcess | undefined;
    for (let index = 0; index < workers.length; index += 1) {
      const worker = workers[(this.#turn + index) % workers.length];
      if (worker !== undefined && (best === undefined || worker.pending < best.pending)) best = worker;
    }
    return best;
  }

  /** Stops to listen. What has been accepted by now is given away first. */
  async close(): Promise<void> {
    // One turn of the event loop accepts what waits in the kernel's queue.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    for (const server of this.#servers) server.close();
  }

  /** Closes connections that no worker was there for. */
  destroyWaiting(): void {
    for (const socket of this.#waiting.splice(0)) socket.destroy();
  }
}
