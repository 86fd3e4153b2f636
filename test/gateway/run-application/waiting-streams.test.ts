/** A stream that waits is destroyed when its client leaves. That is no failure of the application. */
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { disconnection } from '../../../src/errors.ts';
import { wrapBody } from '../../../src/middleware/index.ts';
import type { Body } from '../../../src/wsgi.ts';

import { record } from '../../support/recording-sink.ts';
import { answering } from './applications.ts';

/** A source that gives one chunk, and then nothing. */
const begun = (): Readable => {
  const stream = new Readable({ read() {} });
  stream.push('begun');
  return stream;
};

/** An answer of another server that gives one chunk, and then nothing. */
async function proxied(): Promise<IncomingMessage> {
  const server = createServer((_request, response) => response.write('begun'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  // A TCP server has an address of this type.
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve) => get({ port, host: '127.0.0.1' }, resolve));
}

const STREAMS: Readonly<Record<string, () => Body | Promise<Body>>> = {
  'a Readable': begun,
  'a PassThrough': () => begun().pipe(new PassThrough()),
  'a pipeline': () => pipeline(begun(), new PassThrough(), () => {}),
  'a pipeline that flushes': () => pipeline(begun(), createGzip({ flush: 2 }), () => {}),
  'composed streams': () => begun().compose(new PassThrough()),
  'a Readable from a generator': () =>
    Readable.from(
      (async function* () {
        yield 'begun';
        await new Promise(() => {});
      })(),
    ),
  'a Readable of a web stream': () =>
    Readable.fromWeb(new ReadableStream({ start: (controller) => controller.enqueue('begun') })),
  'a Readable with close()': () => {
    const stream = begun();
    return Object.assign(stream, { close: () => stream.destroy() });
  },
  'a Readable in middleware': () => wrapBody(begun()),
  'an answer of another server': proxied,
  'the steps of a Readable': () => {
    const stream = begun();
    return { [Symbol.asyncIterator]: () => stream[Symbol.asyncIterator](), close: () => stream.destroy() };
  },
};

describe('a stream that waits when the client leaves', () => {
  it.each(Object.entries(STREAMS))('%s is destroyed and not logged', async (_name, make) => {
    const body = await make();
    const { sink, log, done } = record(answering(body), {}, { closeTimeout: 50 });
    await vi.waitFor(() => expect(sink.content).not.toBe(''));
    sink.disconnect(disconnection('response'));
    await done;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(log).toEqual([]);
    if (body instanceof Readable) expect(body.destroyed).toBe(true);
  });
});
