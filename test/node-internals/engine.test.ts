import { afterEach, expect, it, vi } from 'vitest';
import { refuseOnWorkers } from '../../src/gateway/index.ts';
import { otherEngine } from '../../src/node-internals/index.ts';
import { createServer } from '../../src/server/index.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

it('node is no other engine', () => {
  expect(otherEngine()).toBeUndefined();
  expect(() => refuseOnWorkers('it cannot run')).not.toThrow();
});

it('a server says on Cloudflare Workers that it cannot listen, and what can', () => {
  vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' });
  const server = createServer(() => []);
  expect(() => server.listen(0)).toThrow(
    'A server cannot listen on Cloudflare Workers: export default { fetch: toFetch(application) }',
  );
});
