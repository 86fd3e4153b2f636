import type { Server as HttpServer } from 'node:http';
import { describe, expectTypeOf, it } from 'vitest';
import type { ServeOptions, Server } from '../../src/server/index.ts';

describe('the type of a server', () => {
  it('fits wherever a node:http server is expected', () => {
    expectTypeOf<Server>().toExtend<HttpServer>();
    const take = (server: HttpServer): HttpServer => server;
    expectTypeOf(take).toBeCallableWith({} as Server);
  });

  it('takes a port as text too, as variables of the environment are', () => {
    const { PORT } = process.env;
    expectTypeOf<ServeOptions['port']>().toEqualTypeOf<number | string | undefined>();
    const server = {} as Server;
    expectTypeOf<Server['listen']>().toBeCallableWith(8124);
    const listen = (): void => {
      server.listen(PORT).listen(PORT, '127.0.0.1').listen(PORT, '127.0.0.1', 511).listen({ port: PORT });
      server.listen('8124', () => {}).listen({ port: '8124', host: '::' }, () => {});
      server
        .listen(8124, '::', () => {})
        .listen({ path: '/tmp/socket' })
        .listen('/tmp/socket')
        .listen();
    };
    expectTypeOf(listen).toBeFunction();
  });

  it('fits the types of newer Node versions', () => {
    // In @types/node from 22.19 and 24 on.
    expectTypeOf<Server>().toExtend<{ keepAliveTimeoutBuffer: number }>();
  });
});
