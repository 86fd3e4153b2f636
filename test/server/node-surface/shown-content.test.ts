/** Tools that patch `on` of a request see the content that an application reads, and the application gets all of it. */
import { once } from 'node:events';
import { createServer as createNodeServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Server as NetServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { toNode } from '../../../bridges/node/index.ts';
import { createServer } from '../../../src/server/index.ts';
import type { Application, Environ } from '../../../src/wsgi.ts';

type Input = Environ['wsgi.input'];

const READERS: Record<string, (input: Input, length: number) => Promise<number>> = {
  'read()': async (input) => (await input.read()).length,
  async 'read(n), not beyond the length'(input, length) {
    let read = 0;
    while (read < length) read += (await input.read(Math.min(1000, length - read))).length;
    return read;
  },
  async 'read(n), up to the end'(input) {
    let read = 0;
    for (;;) {
      const { length } = await input.read(700);
      if (length === 0) return read;
      read += length;
    }
  },
  async lines(input) {
    let read = 0;
    for await (const line of input) read += line.length;
    return read;
  },
};

/** Notes what listeners for 'data' would get, in the way of Sentry. */
function watch(request: IncomingMessage, notes: unknown[]): void {
  let seen = 0;
  const { on } = request;
  const patched = (event: string, listener: (piece: Buffer) => void): IncomingMessage => {
    if (event !== 'data') return Reflect.apply(on, request, [event, listener]);
    const seeing = (piece: Buffer): void => {
      seen += piece.length;
      listener(piece);
    };
    return Reflect.apply(on, request, [event, seeing]);
  };
  Object.assign(request, { on: patched });
  request.on('end', () => notes.push(`${seen} seen`));
}

const MAKERS: Record<string, (application: Application) => NetServer> = {
  'the standalone server': (application) => createServer(application),
  'a mount': (application) => createNodeServer(toNode(application)),
};

describe.each(Object.entries(MAKERS))('on %s', (_name, make) => {
  describe.each(Object.entries(READERS))('an application that reads by %s', (reader, read) => {
    it.each([
      ['Content-Length', 5_000],
      ['Content-Length', 500_000],
      ['chunks', 5_000],
      ['chunks', 500_000],
    ])('shows its content: %s, %i octets', async (framing, length) => {
      // It never hears of the end.
      if (reader.includes('not beyond') && framing === 'chunks') return;
      const notes: unknown[] = [];
      const server = make(async (environ, startResponse) => {
        notes.push(await read(environ['wsgi.input'], length));
        startResponse('200 OK', []);
        return ['x'];
      });
      const { emit } = server;
      server.emit = (event: string, ...values: unknown[]) => {
        // The first value of the event.
        if (event === 'request') watch(values[0] as IncomingMessage, notes);
        return Reflect.apply(emit, server, [event, ...values]);
      };
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      onTestFinished(() => void server.close());
      // It listens on a port.
      const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
      onTestFinished(() => void client.destroy());
      const head = (field: string): string => `POST / HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n`;
      const content = `${'x'.repeat(99)}\n`.repeat(length / 100);
      if (framing === 'chunks') {
        client.write(head('Transfer-Encoding: chunked'));
        client.write(`${length.toString(16)}\r\n${content}\r\n0\r\n\r\n`);
      } else client.write(head(`Content-Length: ${length}`) + content);
      // And the next request is served.
      client.write(
        `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n${content}`,
      );
      const answers = Buffer.concat(await client.toArray()).toString();
      expect(answers.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
      expect(notes.toSorted()).toEqual([length, length, `${length} seen`, `${length} seen`]);
    });
  });

  it('leaves alone a request without content, and content that nobody reads', async () => {
    const notes: unknown[] = [];
    const server = make((_environ, startResponse) => {
      startResponse('200 OK', []);
      return ['x'];
    });
    const { emit } = server;
    server.emit = (event: string, ...values: unknown[]) => {
      if (event === 'request') watch(values[0] as IncomingMessage, notes);
      return Reflect.apply(emit, server, [event, ...values]);
    };
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.write(
      'GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
    );
    client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const answers = Buffer.concat(await client.toArray()).toString();
    expect(answers.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
  });
});
