import type { Server as HttpServer } from 'node:http';
import { describe, expectTypeOf, it } from 'vitest';
import type { Server } from '../../src/server/index.ts';

describe('the type of a server', () => {
  it('is taken wherever one of node:http is', () => {
    expectTypeOf<Server>().toExtend<HttpServer>();
    const take = (server: HttpServer): HttpServer => server;
    expectTypeOf(take).toBeCallableWith({} as Server);
  });
});
