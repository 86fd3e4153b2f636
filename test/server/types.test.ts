import type { Server as HttpServer } from 'node:http';
import { describe, expectTypeOf, it } from 'vitest';
import type { Server } from '../../src/server/index.ts';

describe('the type of a server', () => {
  it('fits wherever a node:http server is expected', () => {
    expectTypeOf<Server>().toExtend<HttpServer>();
    const take = (server: HttpServer): HttpServer => server;
    expectTypeOf(take).toBeCallableWith({} as Server);
  });

  it('fits the types of newer Node versions', () => {
    // In @types/node from 22.19 and 24 on.
    expectTypeOf<Server>().toExtend<{ keepAliveTimeoutBuffer: number }>();
  });
});
