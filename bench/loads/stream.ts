/**
 * A client that streams content of 64 MiB up in pieces of 64 KiB, or down, again and again on each connection. An
 * answer that is not whole ends the run.
 */
import { connect, type Socket } from 'node:net';
import { Answers } from './answers.ts';

interface Options {
  readonly direction: 'up' | 'down';
  readonly port: number;
  readonly milliseconds: number;
  readonly connections: number;
}

const MEBIBYTE = 1_048_576;
const LENGTH = 64 * MEBIBYTE;
const PIECE = Buffer.alloc(65_536, 'gatebridge ');
const HOST = 'Host: 127.0.0.1\r\n';
const DOWN = `GET /down HTTP/1.1\r\n${HOST}\r\n`;
const UP = `POST /up HTTP/1.1\r\n${HOST}Content-Type: application/octet-stream\r\nContent-Length: ${LENGTH}\r\n\r\n`;

const { direction, port, milliseconds, connections }: Options = JSON.parse(process.argv[2] ?? '');
/** Milliseconds. */
let longestWait = 0;
const begun = performance.now();
const clients = Array.from({ length: connections }, () => run());
const transfers = (await Promise.all(clients)).reduce((sum, count) => sum + count, 0);
const duration = performance.now() - begun;
console.log(JSON.stringify({ mebibytes: (transfers * LENGTH) / MEBIBYTE, duration, wait: longestWait }));

/** Transfers until the time is over, and finishes the last transfer. */
async function run(): Promise<number> {
  const answers = new Answers(direction === 'up' ? String(LENGTH) : undefined, fail);
  // One buffer for all input, so that the client is not slower than the server.
  let last = performance.now();
  const progress = (): void => {
    const now = performance.now();
    longestWait = Math.max(longestWait, now - last);
    last = now;
  };
  const callback = (length: number, octets: Uint8Array): boolean => {
    progress();
    return answers.take(length, octets);
  };
  const onread = { buffer: Buffer.alloc(PIECE.length), callback };
  const socket = connect({ port, host: '127.0.0.1', onread });
  socket.setNoDelay(true);
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('Server has closed the connection')));
  let count = 0;
  while (performance.now() - begun < milliseconds) {
    const answered = answers.next();
    socket.write(direction === 'down' ? DOWN : UP);
    if (direction === 'up') await sendContent(socket, progress);
    await answered;
    count += 1;
  }
  socket.removeAllListeners('close');
  socket.destroy();
  return count;
}

/** Calls `progress` each time that the server has taken what was written. */
async function sendContent(socket: Socket, progress: () => void): Promise<void> {
  for (let sent = 0; sent < LENGTH; sent += PIECE.length) {
    if (socket.write(PIECE)) continue;
    await new Promise((resolve) => socket.once('drain', resolve));
    progress();
  }
}

function fail(error: Error): never {
  console.error(error);
  process.exit(1);
}
