/**
 * Tells listeners of `clientError` of the faults of one connection: an error of its socket, or octets that are no HTTP.
 *
 * As on node they hear of one fault of a connection; destroying the socket would tell of it again.
 */
import type { Socket } from 'node:net';
import { ProtocolError } from '../../errors.ts';
import type { ConnectionOwner, PlaceOfFault } from '../connection-owner.ts';
import type { Intake } from '../socket/intake.ts';
import { throwUncaught } from './uncaught.ts';

/** The faults of the client of one connection. */
export class ClientFaults {
  readonly #socket: Socket;
  readonly #server: ConnectionOwner;
  /** Somebody has listened; undefined before a fault. */
  #isHeard: boolean | undefined;

  constructor(socket: Socket, server: ConnectionOwner) {
    this.#socket = socket;
    this.#server = server;
    socket.on('error', this.#onError);
  }

  /** The socket belongs to somebody else. */
  release(): void {
    this.#socket.off('error', this.#onError);
  }

  /**
   * Tells of octets that are no HTTP, or do not come.
   *
   * @param intake Has read the octets
   * @returns true if somebody listens: the socket is theirs
   */
  report(fault: ProtocolError, intake: Intake): boolean {
    return this.#tell(fault, { intake, isContent: false });
  }

  #tell(fault: ProtocolError, place: PlaceOfFault): boolean {
    if (this.#isHeard === undefined) {
      this.#hearNoMore();
      this.#isHeard = this.#server.reportClientError(fault, this.#socket, place);
    }
    return this.#isHeard;
  }

  /**
   * Tells of a fault that the application will hear of too.
   *
   * @returns true if a listener has ended the connection; otherwise the application answers
   */
  reportContent(fault: unknown, intake: Intake): boolean {
    if (!(fault instanceof ProtocolError)) return false;
    try {
      this.#tell(fault, { intake, isContent: true });
    } catch (error) {
      throwUncaught(error);
    }
    return this.#socket.writableEnded || this.#socket.destroyed;
  }

  readonly #onError = (error: Error): void => {
    this.#hearNoMore();
    this.#server.reportSocketError(error, this.#socket);
  };

  #hearNoMore(): void {
    this.#socket.off('error', this.#onError).on('error', () => {});
  }
}
