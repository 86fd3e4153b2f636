import type { Server as HttpServer } from 'node:http';
import { describe, expectTypeOf, it } from 'vitest';
import type { Server } from '../../src/server/index.ts';

describe('the type of a server', () => {
  it('is taken wherever one of node:http is', () => {
    expectTypeOf<Server>().toExtend<HttpServer>();
    const take = (server: HttpServer): HttpServer => server;
    expectTypeOf(take).toBeCallableWith({} as Server);
  });

  it('is taken where the types of a newer Node ask for more', () => {
    // In @types/node since 22.19 and 24.
    expectTypeOf<Server>().toExtend<{ keepAliveTimeoutBuffer: number }>();
  });
});
