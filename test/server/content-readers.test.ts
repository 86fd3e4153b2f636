/** Who reads, reads on: content arrives whole after the answer, as long as somebody reads it. */
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ServerOptions } from '../../src/server/index.ts';
import type { Application, ApplicationFunction, Body, Environ, InputStream } from '../../src/wsgi.ts';
import { get, type RunningServer, startServer } from './support.ts';

let running: RunningServer;
afterEach(() => running.stop());

const SIZE = 1_000_000;
const CONTENT: Buffer = Buffer.alloc(SIZE, 'abcdefg\n');

type Reader = (input: InputStream, note: (octets: number) => void) => Promise<void>;

/** Our inputs are iterated by async generators. */
function piecesOf(input: InputStream): AsyncGenerator<Uint8Array, undefined, void> {
  return input.chunks() as AsyncGenerator<Uint8Array, undefined, void>;
}

const READERS: Record<string, Reader> = {
  'an iteration over pieces': async (input, note) => {
    for await (const piece of input.chunks()) note(piece.length);
  },
  'an iteration over pieces, with pauses': async (input, note) => {
    for await (const piece of input.chunks()) {
      note(piece.length);
      await delay(1);
    }
  },
  'an iteration over lines, with pauses': async (input, note) => {
    let count = 0;
    for await (const line of input) {
      note(line.length);
      count += 1;
      if (count % 10_000 === 0) await delay(5);
    }
  },
  'an iteration whose first piece is late': async (input, note) => {
    const pieces = piecesOf(input);
    note((await pieces.next()).value?.length ?? 0);
    await delay(50);
    for await (const piece of pieces) note(piece.length);
  },
  'a read of everything': async (input, note) => note((await input.read()).length),
  'single reads, one a turn': async (input, note) => {
    for (;;) {
      const piece = await input.read(10_000);
      if (piece.length === 0) return;
      note(piece.length);
    }
  },
  'an iteration after single reads': async (input, note) => {
    note((await input.read(3)).length);
    note((await input.readline()).length);
    for await (const piece of input.chunks()) note(piece.length);
  },
};

/** Ways to answer before the content is read. */
const ANSWERS: Record<string, (environ: Environ, read: () => void) => Body | Promise<Body>> = {
  'in the call': (_environ, read) => {
    read();
    return ['ok'];
  },
  'in a promise': async (_environ, read) => {
    read();
    await Promise.resolve();
    return ['ok'];
  },
  'in a generator': (_environ, read) =>
    (function* () {
      read();
      yield 'o';
      yield 'k';
    })(),
};

/** Serves uploads that are answered first. Gives what was read of each. */
function receiving(reader: Reader, answer: string, lengths: number[]): ApplicationFunction {
  return (environ, startResponse) => {
    startResponse('202 Accepted', [['Content-Length', '2']]);
    if (environ.REQUEST_METHOD !== 'POST') return ['ok'];
    const index = lengths.push(0) - 1;
    const note = (octets: number): void => {
      lengths[index] = (lengths[index] ?? 0) + octets;
    };
    const read = (): void => void reader(environ['wsgi.input'], note).catch(() => {});
    return ANSWERS[answer]?.(environ, read) ?? [];
  };
}

const HEADS: Record<string, string> = {
  'a length': `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${SIZE}\r\n\r\n`,
  chunks: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
  'a connection that is not kept': `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${SIZE}\r\n\r\n`,
  'HTTP/1.0': `POST / HTTP/1.0\r\nContent-Length: ${SIZE}\r\n\r\n`,
};

function request(kind: string): Buffer {
  const isChunked = kind === 'chunks';
  return Buffer.concat([
    Buffer.from(HEADS[kind] ?? ''),
    Buffer.from(isChunked ? `${SIZE.toString(16)}\r\n` : ''),
    CONTENT,
    Buffer.from(isChunked ? '\r\n0\r\n\r\n' : ''),
  ]);
}

const COMBINATIONS = Object.keys(READERS).flatMap((reader) =>
  Object.keys(ANSWERS).map((answer) => ({ reader, answer })),
);

describe.each(COMBINATIONS)('$reader after an answer $answer', ({ reader, answer }) => {
  it.each(Object.keys(HEADS))('gets all content of %s, sent in one burst', async (kind) => {
    const lengths: number[] = [];
    running = await startServer(receiving(READERS[reader] as Reader, answer, lengths));
    const client = running.connect();
    client.send(request(kind));
    expect((await client.readResponse()).statusCode).toBe(202);
    await vi.waitFor(() => expect(lengths).toEqual([SIZE]), 4000);
    if (kind !== 'a length' && kind !== 'chunks') {
      expect(await client.farewell()).toBe('end');
      return;
    }
    client.send(get('/next'));
    expect((await client.readResponse()).statusCode).toBe(202);
  });
});

describe('content that is read on', () => {
  async function upload(application: Application, options?: ServerOptions) {
    running = await startServer(application, options);
    const client = running.connect();
    client.send(request('a length'));
    expect((await client.readResponse()).statusCode).toBe(202);
    return client;
  }

  it('is thrown away when the iteration is left, and the connection is kept', async () => {
    const lengths: number[] = [];
    const leave: Reader = async (input, note) => {
      for await (const piece of input.chunks()) {
        note(piece.length);
        await delay(30);
        break;
      }
    };
    const client = await upload(receiving(leave, 'in the call', lengths));
    client.send(get('/next'));
    expect((await client.readResponse()).statusCode).toBe(202);
    expect(lengths[0]).toBeLessThan(SIZE);
  });

  it('holds the client back while its reader pauses', async () => {
    let read = (): number => 0;
    const pause: Reader = async (input) => {
      const pieces = piecesOf(input);
      await pieces.next();
      await delay(60_000);
    };
    running = await startServer((environ, startResponse) => {
      const socket = environ['gateway.socket'] as { readonly bytesRead: number };
      read = () => socket.bytesRead;
      return receiving(pause, 'in the call', [])(environ, startResponse);
    });
    const client = running.connect();
    client.send(request('a length'));
    await client.readResponse();
    await delay(200);
    expect(read()).toBeLessThan(250_000);
  });

  it('fails after requestTimeout if its reader never goes on', async () => {
    let failure: unknown;
    const pause: Reader = async (input) => {
      const pieces = piecesOf(input);
      await pieces.next();
      await delay(700);
      await Promise.resolve(pieces.next()).catch((error) => {
        failure = error;
      });
    };
    const options = { requestTimeout: 300, connectionsCheckingInterval: 10, lingerTimeout: 100 };
    const client = await upload(receiving(pause, 'in the call', []), options);
    expect((await client.readRest()).length).toBe(0);
    await vi.waitFor(() => expect(failure).toBeInstanceOf(Error));
  });

  it('arrives though it takes longer than requestTimeout, if its reader goes on', async () => {
    const lengths: number[] = [];
    const slow: Reader = async (input, note) => {
      for await (const piece of input.chunks()) {
        note(piece.length);
        await delay(50);
      }
    };
    const options = { requestTimeout: 400, connectionsCheckingInterval: 10 };
    await upload(receiving(slow, 'in the call', lengths), options);
    await vi.waitFor(() => expect(lengths).toEqual([SIZE]), 4000);
  });

  it('arrives though its client closes the connection after the answer', async () => {
    const lengths: number[] = [];
    const reader = READERS['an iteration over pieces, with pauses'] as Reader;
    const client = await upload(receiving(reader, 'in the call', lengths));
    client.halfClose();
    await vi.waitFor(() => expect(lengths).toEqual([SIZE]), 4000);
  });

  it('is read by a body that has been answered and is not over', async () => {
    let length = 0;
    await upload((environ, startResponse) => {
      startResponse('202 Accepted', [['Content-Length', '2']]);
      const body = ['ok'][Symbol.iterator]();
      return Object.assign(
        { [Symbol.iterator]: () => body },
        {
          async close() {
            const input = environ['wsgi.input'];
            for (let piece = await input.read(50_000); piece.length > 0; piece = await input.read(50_000)) {
              length += piece.length;
              await delay(2);
            }
          },
        },
      );
    });
    await vi.waitFor(() => expect(length).toBe(SIZE));
  });

  it('cannot be read after it was thrown away', async () => {
    let failure: unknown;
    await upload((environ, startResponse) => {
      startResponse('202 Accepted', []);
      void (async () => {
        for (let count = 0; count < 20; count += 1) await turn();
        await environ['wsgi.input'].read().catch((error: unknown) => {
          failure = error;
        });
      })();
      return ['ok'];
    });
    await vi.waitFor(() => expect(failure).toHaveProperty('code', 'WSGI_ERR_BODY_CONSUMED'));
  });

  it('is waited for by shutdown', async () => {
    const lengths: number[] = [];
    const reader = READERS['an iteration over pieces, with pauses'] as Reader;
    const client = await upload(receiving(reader, 'in the call', lengths));
    const done = running.server.shutdown({ timeout: 4000 });
    expect(await client.farewell()).toBe('end');
    client.destroy();
    await done;
    expect(lengths).toEqual([SIZE]);
  });
});
