/**
 * Makes our Server an instance of node's servers, by its prototype alone.
 *
 * Helpers ask for it: supertest speaks TLS to an https.Server, http-terminator and http-graceful-shutdown check
 * `socket.server instanceof http.Server`, Connect mounts an http.Server as an app. The constructor of net.Server runs,
 * those of http.Server and https.Server do not. So our class replaces every inherited method that needs what they make.
 */
import { Server as HttpServer } from 'node:http';
import { Server as HttpsServer } from 'node:https';

/** Puts http.Server between a class and net.Server, which http.Server extends. */
export function descendFromHttp(prototype: object): void {
  Object.setPrototypeOf(prototype, HttpServer.prototype);
}

/** Copies a prototype to one that descends from https.Server. On node, too, that is no http.Server. */
export function descendantOfHttps(prototype: object): object {
  return Object.create(HttpsServer.prototype, Object.getOwnPropertyDescriptors(prototype));
}

/**
 * Makes `instanceof` true for all that a class has constructed, whatever their prototype; for subclasses as usual.
 */
export function recognize(type: object, isInstance: (value: object) => boolean): void {
  Object.defineProperty(type, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      if (typeof value !== 'object' || value === null || !isInstance(value)) return false;
      return this === type || Reflect.apply(Function.prototype[Symbol.hasInstance], this, [value]);
    },
  });
}
