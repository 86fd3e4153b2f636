/** Makes environs of requests with content, for tests without a server. */
import { createEnviron as create, DisconnectError, type Environ } from '../../../src/index.ts';

export type { Environ } from '../../../src/index.ts';

/** Makes an environ of field lines and of functions that give the pieces of its content. */
export function createEnviron(rawHeaders: readonly string[], pieces: readonly (() => Uint8Array)[]): Environ {
  const rest = [...pieces];
  return create({
    method: 'POST',
    target: '/shop/x',
    mount: '/shop',
    url: '/x',
    protocol: 'HTTP/1.1',
    rawHeaders,
    scheme: 'http',
    serverName: 'site.test',
    serverPort: '80',
    input: { pull: () => rest.shift()?.() ?? null },
  });
}

/** A piece that never comes, because the client has left. */
export function disconnected(): never {
  throw new DisconnectError('WSGI_ERR_DISCONNECTED', 'request');
}
