/**
 * Reads a socket into one buffer that all sockets share.
 *
 * A Readable makes a buffer of 64 KiB for every packet, cuts it down, queues and emits it. net.Socket's option
 * `onread` avoids that, but a server makes its sockets without options. So what the option sets is set on an accepted
 * socket: the symbols `kBuffer`, `kBufferCb` and `kBufferGen`, and `useUserBuffer` of the handle (since Node 12;
 * checked on 20 to 26). A TLS socket has them too: what OpenSSL has decrypted is copied into the buffer.
 *
 * Without the shortcut, and on Windows, octets come as 'data'.
 */
import { Socket } from 'node:net';
import { findSymbol, shortcut } from './shortcuts.ts';

/** Takes the packets of one socket. */
export interface PacketReader {
  /**
   * Takes a packet.
   *
   * @param length Octets, at the beginning of the buffer
   * @param buffer Overwritten by the next packet
   * @returns false to stop reading for now; over TLS what is decrypted already still comes
   */
  onPacket(length: number, buffer: Buffer): boolean;
  /** Gives the buffer for the next packet; undefined for the one before. */
  nextBuffer(): Buffer | undefined;
}

interface SocketWithHandle extends Socket {
  readonly _handle?: { useUserBuffer?(buffer: Buffer): void } | null;
}

/** Windows has many reads under way at once, each with its own buffer. */
const SYMBOLS = shortcut('kBuffer, kBufferCb and kBufferGen', () => {
  if (process.platform === 'win32') return undefined;
  const probe = new Socket();
  const buffer = findSymbol(probe, 'kBuffer');
  const callback = findSymbol(probe, 'kBufferCb');
  const generator = findSymbol(probe, 'kBufferGen');
  const areKnown = buffer !== undefined && callback !== undefined && generator !== undefined;
  return areKnown ? { buffer, callback, generator } : undefined;
});

/**
 * Makes an accepted socket read into a buffer.
 *
 * @param socket Nobody has begun to read it
 * @param buffer For the first packet
 * @returns false if it cannot be done, and 'data' must be used
 */
export function readInto(socket: SocketWithHandle, buffer: Buffer, reader: PacketReader): boolean {
  if (SYMBOLS === undefined || !(socket instanceof Socket)) return false;
  if (socket.readableLength > 0 || socket.readableFlowing !== null) return false;
  const handle = socket._handle;
  if (typeof handle?.useUserBuffer !== 'function') return false;
  Object.assign(socket, {
    [SYMBOLS.buffer]: buffer,
    [SYMBOLS.callback]: reader.onPacket,
    [SYMBOLS.generator]: reader.nextBuffer,
  });
  handle.useUserBuffer(buffer);
  return true;
}

/**
 * Leaves a socket unread, so that the next reader decides how to read it (`readableFlowing` is null, as when node
 * hands over the socket of an upgrade). Until then it is read as far as its buffer goes.
 *
 * @param hasOwnBuffer {@link readInto} was called for it
 */
export function leaveUnread(socket: Socket, hasOwnBuffer: boolean): void {
  socket.pause();
  Object.assign(socket, { readableFlowing: null });
  // pause() has stopped a socket with its own buffer; read() starts it again.
  if (hasOwnBuffer) socket.read(0);
}
