/**
 * Shared code of the peers that speak fetch. Their packages are installed in bench only, unknown to the project's
 * types, so that the parts in use are declared here.
 */
import type { Server } from 'node:net';
import { HELLO, HELLO_LENGTH } from './contender.ts';

export function respondBy(ResponseClass: typeof Response): Response {
  const headers = { 'Content-Type': 'text/plain', 'Content-Length': HELLO_LENGTH };
  return new ResponseClass(HELLO, { headers });
}

/** Loads a package by a name that the compiler does not resolve. */
export async function importPeer<Module>(name: string): Promise<Module> {
  // The caller declares what it uses of the package.
  return (await import(name)) as Module;
}

export interface HonoNodeServer {
  serve(options: object, onListening: () => void): Server;
}

export interface Hono {
  Hono: new () => HonoApp;
}

/** An app of Hono. */
export interface HonoApp {
  get(path: string, handler: HonoHandler): void;
  post(path: string, handler: HonoHandler): void;
  readonly fetch: (request: Request) => Response | Promise<Response>;
}

type HonoHandler = (context: HonoContext) => Response | Promise<Response>;

interface HonoContext {
  readonly req: {
    readonly path: string;
    param(name: string): string;
    query(name: string): string | undefined;
    header(name: string): string | undefined;
    json(): Promise<unknown>;
  };
  text(text: string): Response;
  json(value: unknown): Response;
  header(name: string, value: string): void;
}

export interface Srvx {
  readonly FastResponse: typeof Response;
  serve(options: object): { ready(): Promise<unknown>; readonly node?: { readonly server?: Server } };
}
