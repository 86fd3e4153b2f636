/**
 * A client at a constant rate: a request leaves when it is due, as soon as a connection is free.
 *
 * Latency counts from when a request was due, not from when it was sent, so that a stall of the server is charged to
 * all requests that were due meanwhile (no coordinated omission). The client looks at the clock all the time, because
 * timers of a millisecond are too coarse.
 */
import { connect, type Socket } from 'node:net';

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
const EXPECTED = 'HTTP/1.1 200 OK\r\n';

const total = Math.floor((rate * (warmUp + milliseconds)) / 1000);
const uncounted = Math.floor((rate * warmUp) / 1000);
const latencies = new Float64Array(total);
/** Connections that are free to take a request. */
const free: Socket[] = [];
/** Of each connection: the number of its request, its first answer, and the length of an answer. */
const due = new Map<Socket, { request: number; answer: string; length: number }>();

await Promise.all(Array.from({ length: connections }, open));
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
    const state = due.get(socket);
    if (state === undefined) throw new TypeError('Connection has no state');
    state.request = next;
    next += 1;
    socket.write(REQUEST);
  }
  if (answered < total) setImmediate(turn);
  else report();
}

function report(): void {
  // Microseconds.
  const counted = latencies.subarray(uncounted).sort();
  const at = (part: number): number => (counted[Math.ceil(counted.length * part) - 1] ?? Number.NaN) * 1000;
  const achieved = (total / (performance.now() - begun)) * 1000;
  console.log(JSON.stringify({ p50: at(0.5), p99: at(0.99), achieved }));
  process.exit();
}

/** Opens a connection. All answers are alike, so that the first one tells their length. */
function open(): Promise<void> {
  return new Promise((resolve) => {
    const state = { request: -1, answer: '', length: 0 };
    const buffer = Buffer.alloc(65_536);
    let received = 0;
    const callback = (length: number): boolean => {
      if (state.length === 0) {
        state.answer += buffer.toString('latin1', 0, length);
        const declared = /\r\nContent-Length: *(\d+)\r\n/i.exec(state.answer)?.[1];
        const end = state.answer.indexOf('\r\n\r\n');
        if (end === -1) return true;
        if (declared === undefined || !state.answer.startsWith(EXPECTED)) fail(new Error(state.answer));
        if (state.answer.length < end + 4 + Number(declared)) return true;
        state.length = state.answer.length;
        free.push(socket);
        resolve();
        return true;
      }
      received += length;
      if (received < state.length) return true;
      if (received > state.length || buffer[0] !== 72) fail(new Error('Answer is not as the first one'));
      received = 0;
      latencies[state.request] = performance.now() - (begun + state.request * interval);
      answered += 1;
      free.push(socket);
      return true;
    };
    const socket = connect({ port, host: '127.0.0.1', onread: { buffer, callback } });
    due.set(socket, state);
    socket.setNoDelay(true);
    socket.on('connect', () => socket.write(REQUEST));
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('Server has closed a connection')));
  });
}

function fail(error: Error): never {
  console.error(error);
  process.exit(1);
}
