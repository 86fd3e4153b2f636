/**
 * What node's own servers are to ours: ancestors, by their prototypes and by nothing else.
 *
 * Helpers ask for it: supertest speaks TLS to what is an https.Server, http-terminator and http-graceful-shutdown tell
 * connections apart by `socket.server instanceof http.Server`, Connect mounts an http.Server as an app. No constructor of
 * node's runs, and every method of its prototypes that needs what such a constructor makes is replaced by one of ours.
 */
import { Server as HttpServer } from 'node:http';
import { Server as HttpsServer } from 'node:https';

/** Puts http.Server between a class and net.Server, of which http.Server is a class too. */
export function descendFromHttp(prototype: object): void {
  Object.setPrototypeOf(prototype, HttpServer.prototype);
}

/** Gives a prototype with the same members that descends from https.Server, which is no http.Server on node either. */
export function descendantOfHttps(prototype: object): object {
  return Object.create(HttpsServer.prototype, Object.getOwnPropertyDescriptors(prototype));
}

/**
 * Makes `instanceof` tell of all that a class has constructed, whatever their prototype. Classes that extend it are asked
 * as usual.
 */
export function recognize(type: object, isInstance: (value: object) => boolean): void {
  Object.defineProperty(type, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      if (typeof value !== 'object' || value === null || !isInstance(value)) return false;
      return this === type || Reflect.apply(Function.prototype[Symbol.hasInstance], this, [value]);
    },
  });
}
