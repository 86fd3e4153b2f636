/**
 * A client that makes one request on each connection, prints their number, and keeps them idle until its input ends.
 */
import { connect, type Socket } from 'node:net';

interface Options {
  readonly port: number;
  readonly connections: number;
}

/** Handshakes at once; more would overflow the backlog. */
const AT_ONCE = 100;

const { port, connections }: Options = JSON.parse(process.argv[2] ?? '');
const REQUEST = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
const sockets: Socket[] = [];

let opened = 0;
await Promise.all(Array.from({ length: AT_ONCE }, openSome));
console.log(JSON.stringify({ connections: sockets.filter((socket) => !socket.destroyed).length }));
process.stdin.on('end', () => process.exit()).resume();

async function openSome(): Promise<void> {
  while (opened < connections) {
    opened += 1;
    sockets.push(await open());
  }
}

function open(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('connect', () => socket.write(REQUEST));
    socket.once('data', () => resolve(socket));
    socket.on('error', reject);
  });
}
