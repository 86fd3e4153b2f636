/**
 * Many clients in a process of its own: node connections-program.ts <port> hold <count> | short <count>
 *
 * `hold` keeps so many connections, uses one after the other, and tells its counts. `short` has a connection for each request.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const [port = '', mode = '', count = ''] = process.argv.slice(2);
const counts = { open: 0, answered: 0, failed: 0 };

/** Connections that are opened at once. */
const CONCURRENCY = 50;
/** Milliseconds between two requests on kept connections. */
const PAUSE = 5;
/** The ports of one address would not do. */
const ADDRESSES = 20;

const ANSWER = /^HTTP\/1\.1 200 OK\r\n/;

function open(index: number, isKept: boolean): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const localAddress = `127.0.0.${2 + (index % ADDRESSES)}`;
    const socket = connect({ port: Number(port), host: '127.0.0.1', localAddress });
    socket.once('error', reject).once('connect', () => {
      ask(socket, isKept);
      resolve(socket);
    });
  });
}

function ask(socket: Socket, isKept: boolean): void {
  socket.write(`GET / HTTP/1.1\r\nHost: a\r\n${isKept ? '' : 'Connection: close\r\n'}\r\n`);
}

/** Takes one answer, which comes in one piece. */
function answerOf(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject).once('close', () => reject(new Error('closed')));
    socket.once('data', (data: Buffer) => {
      socket.removeAllListeners().on('error', () => undefined);
      if (ANSWER.test(data.toString('latin1'))) resolve();
      else reject(new Error('no answer'));
    });
  });
}

/** Runs a step so many times, some at once. */
async function many(step: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lines = Array.from({ length: CONCURRENCY }, async () => {
    while (next < Number(count)) {
      const index = next;
      next += 1;
      await step(index).catch(() => {
        counts.failed += 1;
      });
    }
  });
  await Promise.all(lines);
}

async function hold(): Promise<void> {
  const sockets: Socket[] = [];
  await many(async (index) => {
    const socket = await open(index, true);
    await answerOf(socket);
    sockets.push(socket);
    counts.open += 1;
  });
  for (const socket of sockets)
    socket.on('close', () => {
      counts.open -= 1;
    });
  for (let index = 0; ; index = (index + 1) % sockets.length) {
    const socket = sockets[index];
    if (socket !== undefined) {
      ask(socket, true);
      await answerOf(socket).then(
        () => {
          counts.answered += 1;
        },
        () => {
          counts.failed += 1;
        },
      );
      // Its listeners went with the answer.
      socket.once('close', () => {
        counts.open -= 1;
      });
    }
    await delay(PAUSE);
  }
}

async function short(): Promise<void> {
  await many(async (index) => {
    const socket = await open(index, false);
    await answerOf(socket);
    counts.answered += 1;
    socket.resume();
    await new Promise((resolve) => socket.once('close', resolve));
  });
}

const tell = (): boolean => process.stdout.write(`${JSON.stringify(counts)}\n`);
setInterval(tell, 50).unref();
process.stdin.resume().once('end', () => process.exit());
if (mode === 'hold') await hold();
else await short();
tell();
process.stdin.destroy();
