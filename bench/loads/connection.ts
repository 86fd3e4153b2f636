/** A connection that makes one request after another, and checks that all answers are as long as the first. */
import { connect, type Socket } from 'node:net';

const EXPECTED = 'HTTP/1.1 200 OK\r\n';

/** All connections read into it: nothing keeps what was read. */
const buffer = Buffer.alloc(65_536);

/** Opens a connection and makes the first request. All answers are alike, so that the first one tells their length. */
export function openConnection(
  port: number,
  request: Uint8Array,
  onAnswer: (socket: Socket) => void,
): Promise<Socket> {
  return new Promise((resolve) => {
    let [answer, length, received] = ['', 0, 0];
    const readFirst = (count: number): void => {
      answer += buffer.toString('latin1', 0, count);
      const declared = /\r\nContent-Length: *(\d+)\r\n/i.exec(answer)?.[1];
      const end = answer.indexOf('\r\n\r\n');
      if (end === -1) return;
      if (declared === undefined || !answer.startsWith(EXPECTED)) fail(new Error(answer));
      if (answer.length < end + 4 + Number(declared)) return;
      length = answer.length;
      resolve(socket);
    };
    const callback = (count: number): boolean => {
      if (length === 0) {
        readFirst(count);
        return true;
      }
      received += count;
      if (received < length) return true;
      if (received > length || buffer[0] !== 72) fail(new Error('Answer is not as the first one'));
      received = 0;
      onAnswer(socket);
      return true;
    };
    const socket = connect({ port, host: '127.0.0.1', onread: { buffer, callback } });
    socket.setNoDelay(true);
    socket.on('connect', () => socket.write(request));
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('Server has closed a connection')));
  });
}

/** Opens several connections, a hundred at a time: more would overflow the backlog. */
export async function openAll<T>(count: number, open: () => Promise<T>): Promise<T[]> {
  const opened: T[] = [];
  let begun = 0;
  const openSome = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      opened.push(await open());
    }
  };
  await Promise.all(Array.from({ length: 100 }, openSome));
  return opened;
}

/** Ends the program. */
export function fail(error: Error): never {
  console.error(error);
  process.exit(1);
}
