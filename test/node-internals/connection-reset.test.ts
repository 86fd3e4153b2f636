import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { canReset } from '../../src/node-internals/index.ts';
import { openTcp, openTls, openUnix } from './connections.ts';

it('can reset TCP', async () => {
  const { client, socket } = await openTcp();
  expect(canReset(socket)).toBe(true);
  const failure = new Promise((resolve) => client.once('error', resolve));
  socket.resetAndDestroy();
  expect(await failure).toMatchObject({ code: 'ECONNRESET' });
});

it('cannot reset TLS', async () => {
  const { socket } = await openTls();
  expect(canReset(socket)).toBe(false);
});

it.skipIf(process.platform === 'win32')('cannot reset a unix socket', async () => {
  const { socket } = await openUnix();
  expect(canReset(socket)).toBe(false);
});

it.each([
  ['no socket', null],
  ['a socket without a connection', new Socket()],
  ['a stand-in', { remoteAddress: '127.0.0.1' }],
])('cannot reset %s', (_name, socket) => {
  expect(canReset(socket)).toBe(false);
});

it('is not misled by addresses and TLS that a proxy has told', async () => {
  const { socket } = await openTcp();
  Object.defineProperty(socket, 'encrypted', { value: true });
  expect(canReset(socket)).toBe(true);
});

it.skipIf(process.platform === 'win32')('is not misled by an address of a unix socket', async () => {
  const { socket } = await openUnix();
  Object.defineProperty(socket, 'remoteAddress', { value: '198.51.100.7' });
  expect(canReset(socket)).toBe(false);
});
