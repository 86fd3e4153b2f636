import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { fieldValues, WireClient } from '../../src/conformance/wire-client.ts';

const servers: Server[] = [];
const clients: WireClient[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** Starts a server that treats all clients alike, and connects to it. */
async function open(speak: (socket: Socket) => void, timeout?: number): Promise<WireClient> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    speak(socket);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A server on TCP has an address of this form.
  const { port } = server.address() as AddressInfo;
  const client = new WireClient(connect(port, '127.0.0.1'), timeout);
  clients.push(client);
  return client;
}

const opening = (text: string): Promise<WireClient> => open((socket) => socket.end(text, 'latin1'));

describe('readResponse()', () => {
  it('reads interim responses, chunks and trailers', async () => {
    const client = await opening(
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' +
        'HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\nSet-Cookie: a\r\nset-cookie: b\r\n\r\n' +
        '3\r\none\r\nA\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n' +
        'HTTP/1.1 404 Not Here\r\nContent-Length: 2\r\n\r\nab',
    );
    const first = await client.readResponse();
    expect(first.interim.map(({ statusCode }) => statusCode)).toEqual([103]);
    expect([first.framing, first.reason, first.chunks.map(String)]).toEqual([
      'chunked',
      '',
      ['one', '0123456789'],
    ]);
    expect(first.trailers).toEqual([['X-T', '1']]);
    expect(fieldValues(first, 'Set-Cookie')).toEqual(['a', 'b']);
    const second = await client.readResponse();
    expect([second.statusCode, second.framing, String(second.content)]).toEqual([404, 'length', 'ab']);
    expect(await client.farewell()).toBe('end');
  });

  it.each([
    ['to HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'],
    ['204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n'],
  ])('reads no content of a response %s', async (_name, method, text) => {
    const response = await (await opening(text)).readResponse(method);
    expect([response.framing, response.content.length]).toEqual(['none', 0]);
  });

  it('reads a response that ends with the connection', async () => {
    const { framing, content } = await (await opening('HTTP/1.0 200 OK\r\n\r\n\x80rest')).readResponse();
    expect([framing, content.toString('latin1')]).toEqual(['close', '\x80rest']);
  });

  it.each([
    ['a bare LF', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
    ['a status line without a space', 'HTTP/1.1 200\r\n\r\n'],
    ['another version', 'HTTP/2 200 OK\r\n\r\n'],
    ['a folded field', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n'],
    ['a space before a colon', 'HTTP/1.1 200 OK\r\nA : b\r\n\r\n'],
    ['a control character', 'HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na'],
    ['a length with a sign', 'HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na'],
    [
      'a length beside chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['another coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    [
      'a chunk size with a prefix',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n',
    ],
    ['a chunk of another size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n'],
    ['a missing last chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n'],
    ['missing content', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab'],
    ['nothing', ''],
  ])('fails on %s', async (_name, text) => {
    await expect((await opening(text)).readResponse()).rejects.toThrow(/^[A-Z]/);
  });

  it('fails on silence, after its deadline', async () => {
    const client = await open(() => {}, 50);
    await expect(client.readResponse()).rejects.toThrow(
      'Nothing came for 50 ms while waiting for a status line',
    );
  });
});

describe('a connection', () => {
  it('sends native strings as octets', async () => {
    const client = await open((socket) => socket.pipe(socket));
    client.send('\x80\xff');
    expect([...(await client.readOctets(2))]).toEqual([0x80, 0xff]);
  });

  it('tells a reset from an end', async () => {
    const client = await open((socket) => socket.resetAndDestroy());
    expect(await client.farewell()).toBe('reset');
  });

  it('gives the octets before the end', async () => {
    const rests: string[] = [];
    expect(await (await opening('rest')).farewell((rest) => rests.push(String(rest)))).toBe('end');
    expect(rests).toEqual(['rest']);
  });

  it('tells silence from octets and from the end', async () => {
    expect(await (await open(() => {})).isSilent(20)).toBe(true);
    expect(await (await open((socket) => socket.write('x'))).isSilent(2000)).toBe(false);
    expect(await (await opening('')).isSilent(2000)).toBe(false);
  });

  it('can be half closed', async () => {
    const client = await open((socket) => socket.on('end', () => socket.end('after')).resume());
    client.halfClose();
    expect(String(await client.readRest())).toBe('after');
  });

  it('takes nothing outside a wait', async () => {
    let sent = 0;
    const client = await open((socket) => {
      const chunk = Buffer.alloc(1 << 16);
      const send = (): void => {
        while (sent < 1024 && socket.write(chunk)) sent += 1;
      };
      socket.on('drain', send);
      send();
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(sent).toBeLessThan(1024);
    expect((await client.readOctets(64 << 20)).length).toBe(64 << 20);
  });
});
