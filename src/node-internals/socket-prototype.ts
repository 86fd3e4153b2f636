/**
 * Lets a stand-in for a socket be an instance of node's classes: libraries ask `socket instanceof net.Socket`.
 *
 * The classes are in its prototype chain, but their members are hidden: their constructors have not run, so they would
 * fail. A stand-in has of them what it defines itself; of the rest it has what Stream has.
 */
import { Socket } from 'node:net';
import { Stream } from 'node:stream';
import { lateModule } from './late-modules.ts';

/** Marks stand-ins, also those of another copy of this package. */
const STAND_IN = Symbol.for('gatebridge.stand-in-socket');

/** Tells if a value is a socket of node's, and no stand-in for one. */
export function isNodeSocket(value: unknown): value is Socket {
  return value instanceof Socket && !(STAND_IN in value);
}

/** Tells if a value is a stand-in for a socket: it looks empty before the host below has anything. */
export function isStandIn(value: unknown): boolean {
  return value instanceof Socket && STAND_IN in value;
}

/** Gives a prototype that inherits from net.Socket's or tls.TLSSocket's, with the members of Stream alone. */
export function socketPrototype(isSecure: boolean): object {
  const hiding: object = Object.create(
    isSecure ? lateModule('node:tls').TLSSocket.prototype : Socket.prototype,
  );
  for (
    let level: object = Object.getPrototypeOf(hiding);
    level !== Stream.prototype;
    level = Object.getPrototypeOf(level)
  ) {
    for (const key of Reflect.ownKeys(level)) {
      if (key === 'constructor') continue;
      const value: unknown = Reflect.get(Stream.prototype, key);
      Object.defineProperty(hiding, key, { value, configurable: true, writable: true });
    }
  }
  return Object.defineProperty(hiding, STAND_IN, { value: true });
}

/** Copies the prototypes of a stand-in onto that of a secure socket. */
export function securePrototypeOf(prototype: object): object {
  // The one that `socketPrototype` has made has no constructor of its own.
  if (!Object.hasOwn(prototype, 'constructor')) return socketPrototype(true);
  const parent = securePrototypeOf(Object.getPrototypeOf(prototype));
  return Object.create(parent, Object.getOwnPropertyDescriptors(prototype));
}
