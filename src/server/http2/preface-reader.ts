/**
 * One connection without TLS whose first octets decide if it speaks HTTP/2 or HTTP/1.1 (RFC 9113 §3.3, prior knowledge).
 *
 * It is decided at the first octet that differs, which for most requests of HTTP/1.1 is the very first.
 */
import type { Socket } from 'node:net';
import { ProtocolError } from '../../errors.ts';
import type { ConnectionOwner } from '../connection-owner.ts';
import { FirstOctets } from '../first-octets.ts';
import type { Phase } from '../phase.ts';

/** The octets with which a client of HTTP/2 begins (RFC 9113 §3.4). */
const PREFACE: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** Called with the protocol, and the octets that have come. */
export type PrefaceListener = (isHttp2: boolean, octets: Buffer) => void;

/** A connection whose first octets are awaited. */
export class PrefaceReader extends FirstOctets {
  readonly phase: Phase = 'fresh';
  readonly requests = 0;
  readonly #onDecided: PrefaceListener;

  /** @param onDecided Called once; the socket is then as if nobody had begun to read it */
  constructor(socket: Socket, owner: ConnectionOwner, onDecided: PrefaceListener) {
    super(socket, owner);
    this.#onDecided = onDecided;
  }

  protected override look(): void {
    const { octets } = this;
    const length = Math.min(octets.length, PREFACE.length);
    const isPreface = octets.compare(PREFACE, 0, length, 0, length) === 0;
    if (isPreface && length < PREFACE.length) return;
    this.handOn();
    this.#onDecided(isPreface, octets);
  }

  protected override incomplete(): ProtocolError {
    return new ProtocolError('WSGI_ERR_HEAD_INCOMPLETE');
  }
}
