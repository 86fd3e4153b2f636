/** The servers that Bun and Deno have of their own, behind one function. Their types are not the project's, so that the parts in use are declared here. */
import { type Listening, listeningAt } from './contender.ts';

type FetchHandler = (request: Request) => Response | Promise<Response>;

interface Engines {
  readonly Bun?: { serve(options: object): { readonly port: number } };
  readonly Deno?: {
    serve(options: object, handler: FetchHandler): { readonly addr: { readonly port: number } };
  };
}

/** Serves on the engine that runs this, with its defaults. */
export function serveOnEngine(fetch: FetchHandler): Listening {
  // Both engines add their name to the global object.
  const { Bun, Deno } = globalThis as Engines;
  // Deno reports a client that leaves during its request; a real error still fails the load by its status.
  const onError = (): Response => new Response(null, { status: 500 });
  const place = { port: 0, hostname: '127.0.0.1' };
  const port =
    Bun?.serve({ ...place, fetch }).port ??
    Deno?.serve({ ...place, onError, onListen() {} }, fetch).addr.port;
  if (port === undefined) throw new TypeError('Neither Bun nor Deno runs this program');
  return listeningAt(port);
}
