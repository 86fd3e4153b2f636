import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { leaveUnread, readInto } from '../../src/node-internals/index.ts';
import { areShortcutsOff } from '../support/shortcuts.ts';
import { openTcp, openTls } from './connections.ts';

const canReadInto = !areShortcutsOff && process.platform !== 'win32';

const READER = { onPacket: () => true, nextBuffer: () => undefined };

/** Collects packets as text; the next one goes to the buffer that `nextBuffer` gives. */
function readPackets(socket: Socket, buffer: Buffer, nextBuffer: () => Buffer | undefined = () => undefined) {
  const packets: { text: string; buffer: Buffer }[] = [];
  const onPacket = (length: number, filled: Buffer): boolean => {
    packets.push({ text: filled.toString('latin1', 0, length), buffer: filled });
    return true;
  };
  expect(readInto(socket, buffer, { onPacket, nextBuffer })).toBe(true);
  return packets;
}

const TRANSPORTS = [
  ['TCP', openTcp],
  ['TLS', openTls],
] as const;

describe.runIf(canReadInto).each(TRANSPORTS)('readInto() over %s', (transport, open) => {
  it('reads packets into the buffer', async () => {
    const { client, socket } = await open();
    const buffer = Buffer.alloc(100);
    const packets = readPackets(socket, buffer);
    const push = vi.spyOn(socket, 'push');
    client.write('first');
    await vi.waitFor(() => expect(packets).toHaveLength(1));
    client.write('second');
    await vi.waitFor(() => expect(packets).toHaveLength(2));
    expect(packets.map(({ text }) => text)).toEqual(['first', 'second']);
    expect(packets.every((packet) => packet.buffer === buffer)).toBe(true);
    expect(buffer.toString('latin1', 0, 6)).toBe('second');
    expect(push).not.toHaveBeenCalled();
  });

  it('reads the next packet into another buffer', async () => {
    const { client, socket } = await open();
    const [buffer, other] = [Buffer.alloc(100), Buffer.alloc(100)];
    const packets = readPackets(socket, buffer, () => other);
    client.write('first');
    await vi.waitFor(() => expect(packets).toHaveLength(1));
    client.write('second');
    await vi.waitFor(() => expect(packets).toHaveLength(2));
    expect(packets.map((packet) => packet.buffer === other)).toEqual([false, true]);
  });

  it('cuts what is larger than the buffer', async () => {
    const { client, socket } = await open();
    const packets = readPackets(socket, Buffer.alloc(4));
    client.write('more than four');
    await vi.waitFor(() => expect(packets.map(({ text }) => text).join('')).toBe('more than four'));
    expect(packets).toHaveLength(4);
  });

  it('stops if the reader wants nothing more', async () => {
    const { client, socket } = await open();
    const onPacket = vi.fn(() => false);
    readInto(socket, Buffer.alloc(4), { ...READER, onPacket });
    client.write('12345678');
    await vi.waitFor(() => expect(onPacket).toHaveBeenCalled());
    await new Promise((resolve) => setTimeout(resolve, 50));
    // Octets that are decrypted already still come.
    const before = transport === 'TLS' ? 2 : 1;
    expect(onPacket).toHaveBeenCalledTimes(before);
    client.write('more');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(onPacket).toHaveBeenCalledTimes(before);
  });
});

describe('readInto() gives up', () => {
  it.runIf(areShortcutsOff)('without the shortcut', async () => {
    const { socket } = await openTcp();
    expect(readInto(socket, Buffer.alloc(100), READER)).toBe(false);
  });

  it('for a stand-in of a socket', () => {
    const standIn = Object.assign(new Duplex({ read() {} }), { _handle: { useUserBuffer() {} } });
    // As a program may pass one to the server's 'connection' event.
    expect(readInto(standIn as unknown as Socket, Buffer.alloc(100), READER)).toBe(false);
  });

  it('for a socket that has no handle any more', async () => {
    const { socket } = await openTcp();
    socket.destroy();
    expect(readInto(socket, Buffer.alloc(100), READER)).toBe(false);
  });

  it('for a socket that something reads', async () => {
    const { socket } = await openTcp();
    socket.pause();
    expect(readInto(socket, Buffer.alloc(100), READER)).toBe(false);
  });

  it('for a socket that has read something', async () => {
    const { socket } = await openTcp();
    socket.unshift('waiting');
    expect(readInto(socket, Buffer.alloc(100), READER)).toBe(false);
  });
});

describe.each(TRANSPORTS)('leaveUnread() over %s', (_transport, open) => {
  /** Reads a socket in one of the two ways, then leaves it unread. */
  async function leave(hasOwnBuffer: boolean) {
    const { client, socket } = await open();
    const buffer = Buffer.alloc(100);
    const onPacket = (length: number): boolean => socket.push(Buffer.from(buffer.subarray(0, length)));
    const onData = (): void => {};
    if (hasOwnBuffer) readInto(socket, buffer, { ...READER, onPacket });
    else socket.on('data', onData);
    await new Promise(setImmediate);
    socket.off('data', onData);
    leaveUnread(socket, hasOwnBuffer);
    return { client, socket };
  }

  it.each(canReadInto ? [false, true] : [false])(
    'leaves a socket to the next reader, which finds it unread; with a buffer of its own: %s',
    async (hasOwnBuffer) => {
      const { client, socket } = await leave(hasOwnBuffer);
      expect(socket.readableFlowing).toBe(null);
      client.write('early, ');
      // Octets still arrive.
      await vi.waitFor(() => expect(socket.readableLength).toBe(7));
      let text = '';
      socket.on('data', (octets) => {
        text += octets;
      });
      expect(socket.readableFlowing).toBe(true);
      client.write('late');
      await vi.waitFor(() => expect(text).toBe('early, late'));
    },
  );
});
