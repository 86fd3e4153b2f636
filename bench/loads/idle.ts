/**
 * A client that makes one request on each connection, prints their number, and keeps them idle until its input ends.
 */
import { connect, type Socket } from 'node:net';
import { openAll } from './connection.ts';

interface Options {
  readonly port: number;
  readonly connections: number;
  /** Octets of content that the request sends; without any it is a GET. */
  readonly content: number;
}

const { port, connections, content }: Options = JSON.parse(process.argv[2] ?? '');
const HOST = `Host: 127.0.0.1:${port}`;
const REQUEST =
  content === 0
    ? `GET / HTTP/1.1\r\n${HOST}\r\n\r\n`
    : `POST /up HTTP/1.1\r\n${HOST}\r\nContent-Length: ${content}\r\n\r\n${'x'.repeat(content)}`;

const sockets = await openAll(connections, open);
console.log(JSON.stringify({ connections: sockets.filter((socket) => !socket.destroyed).length }));
process.stdin.on('end', () => process.exit()).resume();

function open(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('connect', () => socket.write(REQUEST));
    socket.once('data', () => resolve(socket));
    socket.on('error', reject);
  });
}
