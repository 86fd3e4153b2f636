import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer as createNetServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createServer, type ServeOptions, type Server, serve } from '../../src/server/index.ts';
import type { Application } from '../../src/wsgi.ts';

const tellAddresses: Application = (environ, startResponse) => {
  startResponse('200 OK', []);
  const { SERVER_NAME, SERVER_PORT, REMOTE_ADDR, REMOTE_PORT } = environ;
  return [JSON.stringify({ SERVER_NAME, SERVER_PORT, REMOTE_ADDR, REMOTE_PORT })];
};

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function get(port: number, host: string): Promise<Record<string, string>> {
  const socket = connect(port, host);
  socket.end('GET / HTTP/1.0\r\n\r\n');
  const octets = Buffer.concat(await socket.toArray()).toString();
  return JSON.parse(octets.slice(octets.indexOf('\r\n\r\n')));
}

describe('listening', () => {
  it('works over IPv6, with brackets in SERVER_NAME but not in REMOTE_ADDR', async () => {
    const server = await serve(tellAddresses, { port: 0, host: '::1' });
    const told = await get(portOf(server), '::1');
    expect(told).toMatchObject({
      SERVER_NAME: '[::1]',
      REMOTE_ADDR: '::1',
      SERVER_PORT: `${portOf(server)}`,
    });
    await server.shutdown();
  });

  it.each<ServeOptions>([
    { port: 0, host: undefined },
    { port: 0, path: undefined, fd: undefined },
  ])(
    'binds to 127.0.0.1 if an option is undefined, as of a variable that is not set: %o',
    async (options) => {
      const server = await serve(tellAddresses, options);
      expect(server.address()).toMatchObject({ address: '127.0.0.1' });
      await server.shutdown();
    },
  );

  it.each<[string, () => Server | Promise<Server>]>([
    ['serve', () => serve(tellAddresses, { port: '0' })],
    ['listen', () => createServer(tellAddresses).listen('0', '127.0.0.1')],
    ['listen with an object', () => createServer(tellAddresses).listen({ port: '0', host: '127.0.0.1' })],
  ])('takes a port as text, as the environment has it: %s', async (_name, start) => {
    const server = await start();
    if (!server.listening) await once(server, 'listening');
    expect(portOf(server)).toBeGreaterThan(0);
    await server.shutdown();
  });

  it.each([
    ['', 'ERR_INVALID_ARG_TYPE'],
    ['http', 'ERR_INVALID_ARG_TYPE'],
    [' 80', 'ERR_INVALID_ARG_TYPE'],
    ['-1', 'ERR_INVALID_ARG_TYPE'],
    ['8e3', 'ERR_INVALID_ARG_TYPE'],
    [80.5, 'ERR_INVALID_ARG_TYPE'],
    [Number.NaN, 'ERR_INVALID_ARG_TYPE'],
    [true as never, 'ERR_INVALID_ARG_TYPE'],
    ['65536', 'ERR_OUT_OF_RANGE'],
    [65_536, 'ERR_OUT_OF_RANGE'],
    [-1, 'ERR_OUT_OF_RANGE'],
  ])('refuses %j as a port, and says what is one', async (port, code) => {
    const start = serve(tellAddresses, { port });
    await expect(start).rejects.toMatchObject({ code });
    await expect(start).rejects.toThrow(/^Option port must be .*from 0 to 65535, not /);
  });

  it('refuses an empty host, which would be every address', async () => {
    await expect(serve(tellAddresses, { port: 0, host: '' })).rejects.toThrow(
      /Option host must be .* not ""/,
    );
  });

  it('works over IPv6 and IPv4 at once, and shows mapped addresses as IPv4', async () => {
    const server = createServer(tellAddresses).listen(0);
    await once(server, 'listening');
    expect(await get(portOf(server), '127.0.0.1')).toMatchObject({
      SERVER_NAME: '127.0.0.1',
      REMOTE_ADDR: '127.0.0.1',
    });
    await server.shutdown();
  });

  it('works on an inherited descriptor', async () => {
    const parent = createNetServer().listen(0, '127.0.0.1');
    await once(parent, 'listening');
    const { port } = parent.address() as AddressInfo;
    const program = join(import.meta.dirname, 'inherited-program.ts');
    // node's server keeps the descriptor in its handle, without a public name.
    const { fd } = (parent as unknown as { _handle: { fd: number } })._handle;
    const child = spawn(process.execPath, ['--import', 'tsx', program], {
      stdio: ['ignore', 'pipe', 'inherit', fd],
    });
    await once(child.stdout ?? child, 'data');
    parent.close();
    expect(await get(port, '127.0.0.1')).toMatchObject({ SERVER_PORT: `${port}` });
    child.kill();
    expect((await once(child, 'exit'))[0]).toBe(0);
  });

  it('uses the serverName option', async () => {
    const server = await serve(tellAddresses, { port: 0, serverName: 'example.org' });
    expect(await get(portOf(server), '127.0.0.1')).toMatchObject({ SERVER_NAME: 'example.org' });
    await server.shutdown();
  });
});
