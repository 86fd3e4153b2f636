/**
 * A client at a constant rate: a request leaves when it is due, as soon as a connection is free.
 *
 * Latency counts from when a request was due, not from when it was sent, so that a stall of the server is charged to
 * all requests that were due meanwhile (no coordinated omission). The client looks at the clock all the time, because
 * timers of a millisecond are too coarse.
 */
import type { Socket } from 'node:net';
import { openConnection } from './connection.ts';

interface Options {
  readonly port: number;
  /** Requests a second. */
  readonly rate: number;
  readonly milliseconds: number;
  /** Milliseconds at the start that do not count. */
  readonly warmUp: number;
  readonly connections: number;
}

const { port, rate, milliseconds, warmUp, connections }: Options = JSON.parse(process.argv[2] ?? '');
const REQUEST = Buffer.from(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);

const total = Math.floor((rate * (warmUp + milliseconds)) / 1000);
const uncounted = Math.floor((rate * warmUp) / 1000);
const latencies = new Float64Array(total);
/** Connections that are free to take a request. */
const free: Socket[] = [];
/** The number of the request of each connection. */
const due = new Map<Socket, number>();

free.push(
  ...(await Promise.all(Array.from({ length: connections }, () => openConnection(port, REQUEST, onAnswer)))),
);
const begun = performance.now() + 10;
const interval = 1000 / rate;
let next = 0;
let answered = 0;
turn();

function turn(): void {
  const now = performance.now();
  while (next < total && begun + next * interval <= now) {
    const socket = free.pop();
    if (socket === undefined) break;
    due.set(socket, next);
    next += 1;
    socket.write(REQUEST);
  }
  if (answered < total) setImmediate(turn);
  else report();
}

function onAnswer(socket: Socket): void {
  const request = due.get(socket) ?? Number.NaN;
  latencies[request] = performance.now() - (begun + request * interval);
  answered += 1;
  free.push(socket);
}

function report(): void {
  // Microseconds.
  const counted = latencies.subarray(uncounted).sort();
  const at = (part: number): number => (counted[Math.ceil(counted.length * part) - 1] ?? Number.NaN) * 1000;
  const achieved = (total / (performance.now() - begun)) * 1000;
  console.log(JSON.stringify({ p50: at(0.5), p99: at(0.99), achieved }));
  process.exit();
}
