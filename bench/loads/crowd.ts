/**
 * Many connections that stay open. It prints their number when all are open. Each line of its input then asks for a time of
 * work, and is answered with figures. It ends with its input.
 *
 * With `requests` a request leaves when it is due, on the connection that has rested longest, so that all have their turn.
 * Latency counts from when a request was due (see constant-rate.ts). With `events` the connections count the events that come.
 */
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, openAll, openConnection } from './connection.ts';

interface Options {
  readonly kind: 'requests' | 'events';
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  /** Requests or events a second, of all connections together. */
  readonly rate: number;
}

const { kind, port, path, connections, rate }: Options = JSON.parse(process.argv[2] ?? '');
const REQUEST = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
/** A byte that each event has once, and no framing of chunks. */
const COLON = 0x3a;

/** Events of each connection. */
const events: number[] = [];
/** Connections that rest, the one that rests longest at `rested`. */
const resting: Socket[] = [];
let rested = 0;
let onAnswer = (_socket: Socket): void => {};

const sockets =
  kind === 'events'
    ? await openAll(connections, listen)
    : await openAll(connections, () => openConnection(port, REQUEST, (socket) => onAnswer(socket)));
resting.push(...sockets);
console.log(JSON.stringify({ connections: sockets.length }));
for await (const line of createInterface(process.stdin)) {
  const { milliseconds }: { milliseconds: number } = JSON.parse(line);
  console.log(JSON.stringify(kind === 'events' ? await count(milliseconds) : await ask(milliseconds)));
}
// A reset leaves no port behind that waits for a minute.
for (const socket of sockets) socket.removeAllListeners('close').resetAndDestroy();

/** Makes the requests that are due, and waits for the answers. */
function ask(milliseconds: number): Promise<Record<string, number>> {
  const total = Math.floor((rate * milliseconds) / 1000);
  const interval = 1000 / rate;
  const latencies = new Float64Array(total);
  const numbers = new Map<Socket, number>();
  const begun = performance.now();
  let [next, answered] = [0, 0];
  return new Promise((resolve) => {
    onAnswer = (socket) => {
      const number = numbers.get(socket) ?? Number.NaN;
      latencies[number] = performance.now() - (begun + number * interval);
      resting.push(socket);
      answered += 1;
    };
    const turn = (): void => {
      const now = performance.now();
      while (next < total && begun + next * interval <= now) {
        const socket = takeRested();
        if (socket === undefined) break;
        numbers.set(socket, next);
        next += 1;
        socket.write(REQUEST);
      }
      if (answered < total) setImmediate(turn);
      else resolve({ count: total, duration: performance.now() - begun, ...percentiles(latencies) });
    };
    turn();
  });
}

function takeRested(): Socket | undefined {
  const socket = resting[rested];
  if (socket === undefined) return undefined;
  rested += 1;
  if (rested === 100_000) {
    resting.splice(0, rested);
    rested = 0;
  }
  return socket;
}

/** In microseconds. */
function percentiles(latencies: Float64Array): Record<string, number> {
  const sorted = latencies.sort();
  const at = (part: number): number => (sorted[Math.ceil(sorted.length * part) - 1] ?? Number.NaN) * 1000;
  return { p50: at(0.5), p99: at(0.99) };
}

/** Counts the events of a time. A connection that gets much less than its part ends the run. */
async function count(milliseconds: number): Promise<Record<string, number>> {
  events.fill(0);
  const begun = performance.now();
  await sleep(milliseconds);
  const duration = performance.now() - begun;
  const found = events.reduce((sum, one) => sum + one, 0);
  const due = (rate / connections) * (duration / 1000);
  const least = Math.min(...events);
  if (least < Math.floor(due * 0.7)) fail(new Error(`A client got ${least} events instead of ${due}`));
  return { count: found, duration };
}

/** Opens a connection that listens to events, and waits for the first. */
function listen(): Promise<Socket> {
  return new Promise((resolve) => {
    const index = events.push(0) - 1;
    const socket = connect({ port, host: '127.0.0.1' });
    let head = '';
    socket.on('connect', () => socket.write(REQUEST));
    socket.on('data', (octets: Buffer) => {
      if (head.includes('data:')) {
        for (let at = octets.indexOf(COLON); at !== -1; at = octets.indexOf(COLON, at + 1)) {
          events[index] = (events[index] ?? 0) + 1;
        }
        return;
      }
      head += octets.toString('latin1');
      if (!head.includes('data:')) return;
      if (!head.startsWith('HTTP/1.1 200 ')) fail(new Error(head));
      resolve(socket);
    });
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('Server has closed a connection')));
  });
}
