/**
 * Modules of node that most programs never need. They are loaded when they are first needed: to load node:tls takes longer than
 * to load an entry (Node 20; on 26 node:http loads it).
 */
import type { TLSSocket } from 'node:tls';

interface LateModules {
  readonly 'node:crypto': typeof import('node:crypto');
  readonly 'node:https': typeof import('node:https');
  readonly 'node:net': typeof import('node:net');
  readonly 'node:perf_hooks': typeof import('node:perf_hooks');
  readonly 'node:tls': typeof import('node:tls');
}

/** Gives a module of node, and loads it if nothing has. */
export function lateModule<Name extends keyof LateModules>(name: Name): LateModules[Name] {
  return process.getBuiltinModule(name);
}

/** Tells if a value is a socket of TLS. */
export function isTlsSocket(value: object): value is TLSSocket {
  // Asked first, because the class must be loaded to ask for it.
  return 'getCipher' in value && value instanceof lateModule('node:tls').TLSSocket;
}
