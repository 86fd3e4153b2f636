/**
 * Makes our Server an instance of node's servers.
 *
 * Helpers ask for it: supertest speaks TLS to an https.Server, http-terminator and http-graceful-shutdown check
 * `socket.server instanceof http.Server`, webpack-dev-server takes a server with `setSecureContext` for one of TLS. The
 * constructor of net.Server runs, or with TLS that of tls.Server; those of http.Server and https.Server do not. So our
 * class replaces every inherited method that needs what they make.
 */
import { Server as HttpServer } from 'node:http';
import { Server as NetServer, type ServerOpts as NetServerOptions } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { lateModule } from '../../node-internals/index.ts';
import { checkAuthorities, explainTlsFault } from './tls-fault.ts';

type Constructor = new (...values: never[]) => object;

/** On Bun http.Server is no net.Server and has a server of Bun's behind it, so that ours descends from net.Server alone. */
const IS_HTTP_NET: boolean = HttpServer.prototype instanceof NetServer;

/** Puts http.Server between a class and net.Server, which http.Server extends. */
export function descendFromHttp(prototype: object): void {
  Object.setPrototypeOf(prototype, nodePrototypeOf(false));
}

/**
 * Constructs a net.Server, or a tls.Server if there are options of TLS, as the instance of a class that descends from
 * http.Server.
 *
 * On node a server of TLS is no http.Server. So its class is a twin of the given one that descends from https.Server.
 */
export function constructBase(
  options: NetServerOptions,
  tls: TlsOptions | undefined,
  type: Constructor,
): object {
  if (tls === undefined) return Reflect.construct(NetServer, [options], type);
  checkAuthorities(tls);
  const { Server: TlsServer } = lateModule('node:tls');
  try {
    return Reflect.construct(TlsServer, [{ ...tls, ...options }], secureTwin(type));
  } catch (error) {
    throw explainTlsFault(error, tls);
  }
}

const twins = new WeakMap<Constructor, Constructor>();

function secureTwin(type: Constructor): Constructor {
  const known = twins.get(type);
  if (known !== undefined) return known;
  // Reflect.construct takes nothing of it but the prototype.
  const twin = function SecureServer() {} as unknown as Constructor;
  twin.prototype = copyChain(type.prototype);
  twins.set(type, twin);
  return twin;
}

/** Copies the prototypes down to http.Server's onto https.Server's. A patched method is patched in the copy too. */
function copyChain(prototype: object): object {
  if (prototype === nodePrototypeOf(false)) return nodePrototypeOf(true);
  const copy: object = Object.create(copyChain(Object.getPrototypeOf(prototype)));
  for (const key of Reflect.ownKeys(prototype)) {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, key) ?? {};
    const isMethod = typeof descriptor.value === 'function' && key !== 'constructor';
    Object.defineProperty(copy, key, isMethod ? forward(prototype, key) : descriptor);
  }
  return copy;
}

function forward(prototype: object, key: string | symbol): PropertyDescriptor {
  return {
    configurable: true,
    get: () => Reflect.get(prototype, key),
    // Assigned to one server, or to the copy.
    set(this: object, value: unknown) {
      Object.defineProperty(this, key, { value, configurable: true, enumerable: true, writable: true });
    },
  };
}

/** Gives the prototype of node's server that one of ours stands for. Tools patch its methods. */
export function nodePrototypeOf(isSecure: boolean): NetServer {
  if (!isSecure) return IS_HTTP_NET ? HttpServer.prototype : NetServer.prototype;
  return lateModule(IS_HTTP_NET ? 'node:https' : 'node:tls').Server.prototype;
}

/**
 * Makes `instanceof` true for all that a class has constructed, also for twins; for subclasses as usual.
 */
export function recognize(type: object, isInstance: (value: object) => boolean): void {
  const isUsual = Function.prototype[Symbol.hasInstance];
  Object.defineProperty(type, Symbol.hasInstance, {
    value(this: object, value: unknown): boolean {
      if (typeof value !== 'object' || value === null || !isInstance(value)) return false;
      if (this === type || Reflect.apply(isUsual, this, [value])) return true;
      // A twin has the constructor of its original.
      const { prototype } = value.constructor;
      return Reflect.get(this, 'prototype') === prototype || Reflect.apply(isUsual, this, [prototype]);
    },
  });
}
