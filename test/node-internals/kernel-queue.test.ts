import { Socket } from 'node:net';
import { expect, it, vi } from 'vitest';
import { kernelQueue } from '../../src/node-internals/index.ts';
import { areShortcutsOff } from '../support/shortcuts.ts';
import { openTcp } from './connections.ts';

/** More than the kernel takes for a peer that does not read. */
const SIZE = 32_000_000;

it('counts what the kernel has not taken of a chunk', async () => {
  const { client, socket } = await openTcp();
  socket.write(Buffer.alloc(SIZE));
  // The kernel has taken a part at once.
  expect(socket.writableLength).toBe(SIZE);
  expect(kernelQueue(socket) < SIZE).toBe(!areShortcutsOff);
  expect(kernelQueue(socket)).toBeGreaterThan(SIZE / 2);
  client.resume();
  await vi.waitFor(() => expect(kernelQueue(socket)).toBe(0), { timeout: 15_000 });
});

it.each([
  ['no handle any more', null],
  ['a handle that does not count', {}],
])('counts whole chunks if a socket has %s', (_name, handle) => {
  const socket = Object.assign(new Socket(), { _handle: handle });
  vi.spyOn(socket, 'writableLength', 'get').mockReturnValue(5);
  expect(kernelQueue(socket)).toBe(5);
});
