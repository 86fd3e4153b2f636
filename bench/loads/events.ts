/**
 * A client that asks for server-sent events again and again on each connection, and takes each answer to its end. An
 * answer that is not whole ends the run.
 *
 * wrk would leave in the middle of its last answers; with so few of them in a second that distorts the figures.
 */
import { connect } from 'node:net';

interface Options {
  readonly port: number;
  readonly milliseconds: number;
  readonly connections: number;
}

const REQUEST = 'GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
/** The end of chunked content. */
const END = '\r\n0\r\n\r\n';
const EVENTS = 100;
const EVENT_LENGTH = 200;

const { port, milliseconds, connections }: Options = JSON.parse(process.argv[2] ?? '');
const begun = performance.now();
const clients = Array.from({ length: connections }, () => run());
const responses = (await Promise.all(clients)).reduce((sum, count) => sum + count, 0);
console.log(JSON.stringify({ responses, duration: performance.now() - begun }));

/** Asks until the time is over, and takes the last answer to its end. */
async function run(): Promise<number> {
  let [answer, tail] = ['', ''];
  let resolve = (): void => {};
  const buffer = Buffer.alloc(65_536);
  const callback = (length: number): boolean => {
    const text = buffer.toString('latin1', 0, length);
    answer += text;
    // Looking at the whole answer would copy it for each event.
    tail = (tail + text).slice(-END.length);
    if (tail === END) resolve();
    return true;
  };
  const socket = connect({ port, host: '127.0.0.1', onread: { buffer, callback } });
  socket.setNoDelay(true);
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('Server has closed the connection')));
  let count = 0;
  while (performance.now() - begun < milliseconds) {
    const answered = new Promise<void>((done) => {
      resolve = done;
    });
    [answer, tail] = ['', ''];
    socket.write(REQUEST);
    await answered;
    check(answer);
    count += 1;
  }
  socket.removeAllListeners('close');
  socket.destroy();
  return count;
}

/** Reads the chunks; servers may divide content into chunks as they like. */
function check(answer: string): void {
  if (!answer.startsWith('HTTP/1.1 200 ')) fail(new Error(`Answer is ${answer}`));
  let length = 0;
  let at = answer.indexOf('\r\n\r\n') + 4;
  for (;;) {
    const end = answer.indexOf('\r\n', at);
    const size = Number.parseInt(answer.slice(at, end), 16);
    if (!(size > 0)) break;
    length += size;
    at = end + 2 + size + 2;
  }
  if (length !== EVENTS * EVENT_LENGTH) fail(new Error(`Content has ${length} octets`));
}

function fail(error: Error): never {
  console.error(error);
  process.exit(1);
}
