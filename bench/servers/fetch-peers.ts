/**
 * What the peers that speak fetch have in common. Their packages are installed in this folder only, so that the types
 * of the project do not know them: what is used of them is declared here.
 */
import type { Server } from 'node:net';
import { HELLO, HELLO_LENGTH } from './contender.ts';

export function respondBy(ResponseClass: typeof Response): Response {
  const headers = { 'Content-Type': 'text/plain', 'Content-Length': HELLO_LENGTH };
  return new ResponseClass(HELLO, { headers });
}

/** Loads a package that the compiler is not to look for. */
export async function importPeer<Module>(name: string): Promise<Module> {
  // The caller declares what it uses of the package.
  return (await import(name)) as Module;
}

export interface HonoNodeServer {
  serve(options: object, onListening: () => void): Server;
}

export interface Hono {
  Hono: new () => { get(path: string, handler: () => Response): void; readonly fetch: unknown };
}

export interface Srvx {
  readonly FastResponse: typeof Response;
  serve(options: object): { ready(): Promise<unknown>; readonly node?: { readonly server?: Server } };
}
