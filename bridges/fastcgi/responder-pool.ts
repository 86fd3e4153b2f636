/**
 * The connections to one FastCGI responder: opens them on demand, in bounds, and keeps some open.
 *
 * A child of php-fpm serves nobody else while its connection is open, even without a request. So of more than `keepAlive` connections none
 * is kept while another request waits for its first answer, and none for long.
 */
import { MAX_DELAY, type Place } from '../../src/gateway/index.ts';
import { UpstreamError } from '../../src/index.ts';
import { Departures, type Watchable } from '../_process/departures.ts';
import { Slots } from '../_process/slots.ts';
import { codeOf, openSocket, type ResponderAddress, ResponderConnection } from './responder-connection.ts';
import type { ResponderRequest } from './responder-request.ts';

/** Settings of {@link ResponderPool}. */
export interface PoolOptions {
  readonly address: ResponderAddress;
  /** The name of the responder, for errors. */
  readonly name: string;
  readonly maxConnections: number;
  readonly maxQueued: number;
  readonly queueTimeout: number;
  readonly connectTimeout: number;
  readonly keepAlive: number;
  readonly keepAliveTimeout: number;
  readonly multiplex: number;
}

/** A connection that is open, or being opened. */
interface Member {
  readonly opening: Promise<ResponderConnection>;
  connection: ResponderConnection | undefined;
  /** Requests that use it, or will. */
  users: number;
  /** Runs from time to time while it is open, also while it is used: setting a timer for each request costs more. */
  idleTimer: NodeJS.Timeout | undefined;
  /** The time of `performance.now()` at which its last request has ended. */
  idleSince: number;
}

/** A request that has a slot. */
interface Turn {
  readonly request: ResponderRequest;
  readonly perConnection: number;
  /** Gives the slot back. */
  readonly release: () => void;
  /** Among those that are not watched yet. */
  readonly departure: Place<Watchable>;
}

/** The number of requests that the responder takes. */
interface Capacity {
  readonly perConnection: number;
  readonly slots: Slots;
}

/** Connections to one responder. */
export class ResponderPool {
  readonly #options: PoolOptions;
  readonly #members = new Set<Member>();
  readonly #departures = new Departures();
  /** Those that start before the event loop goes on. */
  #ready: { readonly turn: Turn; readonly member: Member }[] = [];
  #capacity: Promise<Capacity> | Capacity | undefined;
  /** Requests that have a slot. */
  #served = 0;
  #isClosed = false;
  #closing: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    if (options.multiplex === 1) this.#capacity = this.#capacityOf(1);
  }

  /**
   * Refuses a request early, before anything is done for it.
   *
   * @throws {@link UpstreamError} 503 if too many wait, 502 if the pool is closed
   */
  assertRoom(): void {
    if (this.#isClosed) throw this.#closed();
    if (this.#capacity !== undefined && 'slots' in this.#capacity) this.#capacity.slots.assertRoom();
  }

  /**
   * Sends a request when its turn has come. If it cannot be sent, it is refused: with 503 if too many wait, 502 or 504 if there is no
   * connection.
   */
  send(request: ResponderRequest): void {
    const capacity = this.#findCapacity();
    if ('slots' in capacity) {
      this.#enter(request, capacity);
      return;
    }
    capacity.then(
      (found) => this.#enter(request, found),
      (error: unknown) => request.refuse(error),
    );
  }

  #enter(request: ResponderRequest, { slots, perConnection }: Capacity): void {
    if (request.isGivenUp) return;
    const departure = this.#departures.add(request);
    try {
      const leave = slots.enter({
        admit: (release) => {
          this.#served += 1;
          this.#serve({ request, perConnection, release, departure });
        },
        refuse: (error) => {
          departure.leave();
          request.refuse(error);
        },
      });
      request.waitAt({
        leave: () => {
          leave();
          departure.leave();
        },
      });
    } catch (error) {
      departure.leave();
      request.refuse(error);
    }
  }

  /** Sends a request that has a slot, unless it has been given up since. Nothing waits that need not. */
  #serve(turn: Turn): void {
    if (this.#isClosed) {
      this.#refuse(turn, this.#closed());
      return;
    }
    const member = this.#choose(turn.perConnection);
    member.users += 1;
    if (member.connection !== undefined) {
      // The end of a kept connection may have arrived, and node has not read it yet.
      if (this.#ready.length === 0) setImmediate(this.#startAll);
      this.#ready.push({ turn, member });
      return;
    }
    member.opening.then(
      (connection) => this.#start(turn, member, connection),
      (error: unknown) => {
        this.#leave(member);
        this.#refuse(turn, error);
      },
    );
  }

  /** Starts all that have a connection: one callback of the event loop costs less than one for each. */
  readonly #startAll = (): void => {
    const ready = this.#ready;
    this.#ready = [];
    for (const { turn, member } of ready) {
      if (member.connection?.isOpen === true) {
        this.#start(turn, member, member.connection);
        continue;
      }
      this.#leave(member);
      this.#serve(turn);
    }
  };

  #start(turn: Turn, member: Member, connection: ResponderConnection): void {
    const { request } = turn;
    const leave = (): void => {
      this.#leave(member);
      this.#free(turn);
      this.#rest(member);
    };
    if (request.isGivenUp) leave();
    else connection.start(request, leave);
  }

  #refuse(turn: Turn, error: unknown): void {
    this.#free(turn);
    turn.request.refuse(error);
  }

  #free({ departure, release }: Turn): void {
    departure.leave();
    this.#served -= 1;
    release();
    if (this.#served === 0) this.#onIdle?.();
  }

  /** Lets requests under way end, and refuses others. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    for (const member of [...this.#members]) if (member.users === 0) this.#drop(member);
    if (this.#served === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  #choose(perConnection: number): Member {
    for (const member of this.#members) {
      const isUsable = member.connection === undefined ? perConnection > 1 : member.connection.isOpen;
      if (isUsable && member.users < perConnection) return member;
    }
    const forget = (): void => {
      if (member.connection?.isOpen === false) this.#members.delete(member);
    };
    const opening = this.#open(perConnection > 1, forget);
    const member: Member = { opening, connection: undefined, users: 0, idleTimer: undefined, idleSince: 0 };
    this.#members.add(member);
    opening.then(
      (connection) => {
        member.connection = connection;
      },
      () => this.#members.delete(member),
    );
    return member;
  }

  async #open(isShared: boolean, onChange: () => void): Promise<ResponderConnection> {
    const { address, name, connectTimeout, keepAlive } = this.#options;
    try {
      const socket = await openSocket(address, connectTimeout);
      const keepsOpen = isShared || keepAlive > 0;
      return new ResponderConnection(socket, { name, keepsOpen, isShared, onChange });
    } catch (cause) {
      const detail = `${name} ${REASONS[codeOf(cause) ?? ''] ?? `cannot be reached: ${codeOf(cause)}`}`;
      if (codeOf(cause) === 'ETIMEDOUT' || codeOf(cause) === 'EAGAIN')
        throw new UpstreamError('WSGI_ERR_UPSTREAM_TIMEOUT', detail, { cause });
      throw new UpstreamError('WSGI_ERR_UPSTREAM_UNAVAILABLE', detail, { cause });
    }
  }

  #leave(member: Member): void {
    member.users -= 1;
    const { connection } = member;
    if (member.users > 0 || connection === undefined) return;
    if (this.#isClosed || !connection.isOpen || !this.#mayKeep(member)) this.#drop(member);
  }

  /** Tells if a connection may stay open without a request. */
  #mayKeep(member: Member): boolean {
    const { keepAlive } = this.#options;
    // Up to `keepAlive` connections the responder has a child for each.
    const isCrowded = this.#members.size > keepAlive;
    let idle = 0;
    for (const one of this.#members) {
      if (one === member) continue;
      if (one.users === 0) idle += 1;
      if (isCrowded && one.connection?.isSilent !== false) return false;
    }
    return idle < keepAlive;
  }

  /** A connection that nobody has taken at once closes in some time. */
  #rest(member: Member): void {
    if (member.users > 0 || !this.#members.has(member)) return;
    member.connection?.unref();
    member.idleSince = performance.now();
    if (member.idleTimer === undefined) this.#setIdleTimer(member, this.#options.keepAliveTimeout);
  }

  #setIdleTimer(member: Member, delay: number): void {
    const close = (): void => {
      member.idleTimer = undefined;
      if (member.users > 0) return;
      const left = member.idleSince + this.#options.keepAliveTimeout - performance.now();
      // Timers of node may be a millisecond early.
      if (left < 1) this.#drop(member);
      else this.#setIdleTimer(member, left);
    };
    member.idleTimer = setTimeout(close, Math.min(delay, MAX_DELAY)).unref();
  }

  #drop(member: Member): void {
    this.#members.delete(member);
    clearTimeout(member.idleTimer);
    member.connection?.destroy();
  }

  #findCapacity(): Promise<Capacity> | Capacity {
    if (this.#capacity === undefined) {
      const asked = this.#ask();
      this.#capacity = asked;
      // The next request asks again.
      asked.catch(() => {
        this.#capacity = undefined;
      });
    }
    return this.#capacity;
  }

  /** Asks the responder if requests may share a connection (FastCGI §4.1). */
  async #ask(): Promise<Capacity> {
    const connection = await this.#open(true, () => {});
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<ReadonlyMap<string, string>>((resolve) => {
      timer = setTimeout(() => resolve(new Map()), Math.min(this.#options.connectTimeout, MAX_DELAY));
    });
    const values = await Promise.race([connection.askValues(['FCGI_MPXS_CONNS']), late]);
    clearTimeout(timer);
    connection.destroy();
    return this.#capacityOf(values.get('FCGI_MPXS_CONNS') === '1' ? this.#options.multiplex : 1);
  }

  #capacityOf(perConnection: number): Capacity {
    const { name, maxConnections, maxQueued, queueTimeout } = this.#options;
    const most = maxConnections * perConnection;
    const slots = new Slots({ program: name, most, mostWaiting: maxQueued, patience: queueTimeout });
    return { perConnection, slots };
  }

  #closed(): UpstreamError {
    return new UpstreamError('WSGI_ERR_UPSTREAM_UNAVAILABLE', `${this.#options.name}: close() was called`);
  }
}

/** Why there is no connection, and what to look at. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist: the responder does not run, or has its socket elsewhere',
  ECONNREFUSED: 'refuses connections: the responder does not run',
  EACCES: 'may not be opened by this user (listen.owner, listen.mode of php-fpm)',
  ENOTSOCK: 'is no socket',
  ENOTFOUND: 'is the name of no host',
  ETIMEDOUT: 'accepts no connection (option connectTimeout)',
  EAGAIN: 'accepts no connection: its queue is full (listen.backlog of php-fpm)',
};
