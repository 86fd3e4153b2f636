/**
 * A client that makes one request on each connection, prints their number, and keeps them idle until its input ends.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { openAll } from './connection.ts';

interface Options {
  readonly port: number;
  readonly connections: number;
  /** Octets of content that the request sends; without any it is a GET. */
  readonly content: number;
}

const { port, connections, content }: Options = JSON.parse(process.argv[2] ?? '');
const HOST = `Host: 127.0.0.1:${port}`;
const HEAD =
  content === 0
    ? `GET / HTTP/1.1\r\n${HOST}\r\n\r\n`
    : `POST /up HTTP/1.1\r\n${HOST}\r\nContent-Length: ${content}\r\n\r\n`;
const PIECE_LENGTH = 20_000;

const sockets = await openAll(connections, open);
console.log(JSON.stringify({ connections: sockets.filter((socket) => !socket.destroyed).length }));
process.stdin.on('end', () => process.exit()).resume();

function open(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('connect', () => void send(socket));
    socket.once('data', () => resolve(socket));
    socket.on('error', reject);
  });
}

/** Sends the content in pieces, as it comes over a network. */
async function send(socket: Socket): Promise<void> {
  socket.setNoDelay(true);
  socket.write(HEAD);
  for (let sent = 0; sent < content; sent += PIECE_LENGTH) {
    await sleep(1);
    socket.write('x'.repeat(Math.min(PIECE_LENGTH, content - sent)));
  }
}
