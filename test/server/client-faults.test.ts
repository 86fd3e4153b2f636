/**
 * Faults of clients, sent to node:http and to ours: `clientError` gets the same error of both, at the same octet of the
 * same packet, with the socket that listeners of `connection` got.
 *
 * DIFFERENT are the inputs that only one of them refuses, or refuses for another reason.
 */
import { readFileSync } from 'node:fs';
import { createServer as createNodeServer, type IncomingMessage, type RequestListener } from 'node:http';
import { type AddressInfo, connect, type Server as NetServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, assert, beforeAll, describe, it } from 'vitest';
import { fromNode } from '../../bridges/node/index.ts';
import { createServer } from '../../src/server/index.ts';
import { areShortcutsOff } from '../support/shortcuts.ts';

const HOST = 'Host: a\r\n';
const GET = `GET / HTTP/1.1\r\n${HOST}`;
const POST = `POST / HTTP/1.1\r\n${HOST}`;
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
const LONG = 'x'.repeat(20_000);
/** Ends the client's half. */
const END = '';

/** Packets of a client. */
const FAULTS: Record<string, readonly string[]> = {
  'an unknown method': [`G@T / HTTP/1.1\r\n${HOST}\r\n`],
  'a method of nobody': [`BREW / HTTP/1.1\r\n${HOST}\r\n`],
  'a method of nobody, after a request': [`${GET}\r\nBREW / HTTP/1.1\r\n${HOST}X: y\r\n\r\nGET`],
  'a method in lower case': ['get / HTTP/1.1\r\n\r\n'],
  'a TLS handshake': ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  'the preface of HTTP/2': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  'only a method': ['GET\r\n\r\n'],
  'LF in the request line': ['GET /\n HTTP/1.1\r\nHost: a\r\n\r\n'],
  'LF after the request line': ['GET / HTTP/1.1\nHost: a\r\n\r\n'],
  'CR without LF after the request line': ['GET / HTTP/1.1\rHost: a\r\n\r\n'],
  'CR in the target': ['GET /\r HTTP/1.1\r\nHost: a\r\n\r\n'],
  'a space in the target': [`GET /a b HTTP/1.1\r\n${HOST}\r\n`],
  'NUL in the target': [`GET /\0 HTTP/1.1\r\n${HOST}\r\n`],
  'no slash at the target': [`GET a HTTP/1.1\r\n${HOST}\r\n`],
  'HTTX/1.1': [`GET / HTTX/1.1\r\n${HOST}\r\n`],
  'HTTP/3.7': [`GET / HTTP/3.7\r\n${HOST}\r\n`],
  'HTTP/1': [`GET / HTTP/1\r\n${HOST}\r\n`],
  'http/1.1': [`GET / http/1.1\r\n${HOST}\r\n`],
  'a space after the version': [`GET / HTTP/1.1 \r\n${HOST}\r\n`],
  'LF after a field': [`${GET}X: a\nY: b\r\n\r\n`],
  'CR without LF in a field': [`${GET}X: a\rb\r\n\r\n`],
  'CR without LF at the end of the head': [`${GET}\rX`],
  'NUL in a field': [`${GET}X: a\0b\r\n\r\n`],
  'a control character in a field': [`${GET}X: a\x01b\r\n\r\n`],
  'DEL in a field': [`${GET}X: a\x7fb\r\n\r\n`],
  'a space in a name': [`${GET}X a: b\r\n\r\n`],
  'a space before the colon': [`${GET}X : b\r\n\r\n`],
  'no colon': [`${GET}Xab\r\n\r\n`],
  'an empty name': [`${GET}: b\r\n\r\n`],
  'an octet above ASCII in a name': [`${GET}X\xe9: b\r\n\r\n`],
  'a folded field': [`${GET}X: a\r\n b\r\n\r\n`],
  'a space before the first field': [`GET / HTTP/1.1\r\n X: a\r\n${HOST}\r\n`],
  'two different Content-Length': [`${POST}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
  'two equal Content-Length': [`${POST}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`],
  'Content-Length: x': [`${POST}Content-Length: x\r\n\r\n`],
  'Content-Length: -1': [`${POST}Content-Length: -1\r\n\r\n`],
  'Content-Length: +1': [`${POST}Content-Length: +1\r\n\r\na`],
  'Content-Length: 1, 1': [`${POST}Content-Length: 1, 1\r\n\r\na`],
  'Content-Length: 0x1': [`${POST}Content-Length: 0x1\r\n\r\na`],
  'an empty Content-Length': [`${POST}Content-Length:\r\n\r\n`],
  'a Content-Length that overflows': [`${POST}Content-Length: ${'9'.repeat(30)}\r\n\r\n`],
  'Content-Length, then Transfer-Encoding': [
    `${POST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  'Transfer-Encoding, then Content-Length': [
    `${POST}Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n`,
  ],
  'Transfer-Encoding that does not end with chunked': [`${POST}Transfer-Encoding: chunked, gzip\r\n\r\n`],
  'Transfer-Encoding: gzip': [`${POST}Transfer-Encoding: gzip\r\n\r\n`],
  'a broken frame without Host': ['POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
  'a broken frame beside a broken Host': [
    'POST / HTTP/1.1\r\nHost: a b\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  'a long target': [`GET /${LONG} HTTP/1.1\r\n${HOST}\r\n`],
  'a long field': [`${GET}X: ${LONG}\r\n\r\n`],
  'an endless field': [`${GET}X: ${LONG}`],
  'a fault after a request': [`${GET}\r\nBAD\r\n\r\n`],
  'a fault after three requests': [
    `${GET}\r\n${POST}Content-Length: 2\r\n\r\nab${GET}\r\nGET x HTTP/1.1\r\n`,
  ],
  'a fault in a second packet': [`${GET}X:   a \r\nY: `, 'b\0\r\n\r\n'],
  'a fault at the beginning of a second packet': [`${GET}X`, '\0: a\r\n\r\n'],
  'a fault in a third packet, line by line': [`GET / HT`, `TP/1.1\r\n${HOST}X:a\r\n`, 'Y\x01: a\r\n\r\n'],
  'two Content-Length in two packets': [`${POST}Content-Length: 1\r\n`, 'Content-Length: 2\r\n\r\nab'],
  'a fault in a second packet, after a request': [`${GET}\r\nGET /`, ' HTTP/1.1\r\nHost : a\r\n\r\n'],
  'a fault after content in two packets': [`${POST}Content-Length: 4\r\n\r\nab`, 'cdBAD / \r\n\r\n'],
  'a chunk size that is no number': [`${CHUNKED}x\r\n`],
  'an empty chunk size': [`${CHUNKED}\r\n`],
  'a chunk size of 0x1': [`${CHUNKED}0x1\r\na\r\n0\r\n\r\n`],
  'a negative chunk size': [`${CHUNKED}-1\r\na\r\n0\r\n\r\n`],
  'a chunk size that overflows': [`${CHUNKED}${'f'.repeat(30)}\r\na`],
  'LF after a chunk size': [`${CHUNKED}1\na\r\n0\r\n\r\n`],
  'a chunk that is longer than its size': [`${CHUNKED}1\r\nab\r\n0\r\n\r\n`],
  'LF after a chunk': [`${CHUNKED}1\r\na\n0\r\n\r\n`],
  'NUL in a chunk extension': [`${CHUNKED}1;a\0b\r\na\r\n0\r\n\r\n`],
  'a chunk extension without end': [`${CHUNKED}1;a=${LONG}`],
  'a long chunk extension': [`${CHUNKED}1;a=${LONG}\r\na\r\n0\r\n\r\n`],
  'a bad chunk after good ones': [`${CHUNKED}3\r\nabc\r\n2\r\nde\r\ng\r\n`],
  'a bad chunk in a packet of its own': [CHUNKED, '3\r\nabc\r\n', 'x\r\n'],
  'a bad chunk in the packet of another': [CHUNKED, '3\r\nab', 'c\r\nx\r\n'],
  'a chunk size in two packets': [`${CHUNKED}1`, '\0\r\na\r\n'],
  'a bad end of a chunk in two packets': [`${CHUNKED}1\r\na\r`, 'x\r\n'],
  'a bad trailer': [`${CHUNKED}1\r\na\r\n0\r\nX y: z\r\n\r\n`],
  'a bad trailer in a packet of its own': [`${CHUNKED}0\r\nA: b\r\n`, 'X\0: z\r\n\r\n'],
  'NUL in a trailer': [`${CHUNKED}1\r\na\r\n0\r\nX: \0\r\n\r\n`],
  'a half head': ['GET /', END],
  'a half head after a request': [`${GET}\r\nGET /`, END],
  'half of the content': [`${POST}Content-Length: 5\r\n\r\nab`, END],
  'half of a chunk': [`${CHUNKED}5\r\nab`, END],
  'no last chunk': [`${CHUNKED}2\r\nab\r\n`, END],
  'a connection on which nothing comes': [],
  'empty lines only': ['\r\n\r\n'],
  'a head that does not come': ['GET /'],
  'content that does not come': [`${POST}Content-Length: 5\r\n\r\nab`],
  'chunks that do not come': [`${CHUNKED}2\r\nab\r\n`],
};

/** Inputs of which neither tells. */
const ANSWERED: Record<string, readonly string[]> = {
  'no Host': ['GET / HTTP/1.1\r\n\r\n'],
  'an unknown expectation': [`${GET}Expect: tea\r\n\r\n`],
  'CONNECT without a listener': [`CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n`],
  'a good request': [`${GET}\r\n`],
};

/** Packets, and the codes of node:http and ours; undefined where nothing is told. Rows of docs/http.md. */
const DIFFERENT: Record<string, readonly [string[], onNode: string | undefined, ours: string | undefined]> = {
  'two spaces in the request line': [[`GET  / HTTP/1.1\r\n${HOST}\r\n`], undefined, 'HPE_INVALID_METHOD'],
  '`#` in the target': [[`GET /a#b HTTP/1.1\r\n${HOST}\r\n`], undefined, 'HPE_INVALID_URL'],
  '`RTSP/1.0` as the version': [[`GET / RTSP/1.0\r\n${HOST}\r\n`], undefined, 'HPE_INVALID_METHOD'],
  '`HTTP/1.2`': [[`GET / HTTP/1.2\r\n${HOST}\r\n`], 'HPE_INVALID_VERSION', undefined],
  'two `Host` fields': [[`${GET}${HOST}\r\n`], undefined, 'WSGI_ERR_FIELD_REPEATED'],
  'a malformed `Host`': [['GET / HTTP/1.1\r\nHost: a b\r\n\r\n'], undefined, 'WSGI_ERR_HOST_INVALID'],
  '`Connection: host`': [[`${GET}Connection: host\r\n\r\n`], undefined, 'WSGI_ERR_CONNECTION_INVALID'],
  '150 fields': [[`${GET}${'X: 1\r\n'.repeat(150)}\r\n`], undefined, 'HPE_HEADER_OVERFLOW'],
  '`Transfer-Encoding: gzip, chunked`': [
    [`${POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    undefined,
    'HPE_INVALID_TRANSFER_ENCODING',
  ],
  'chunked content in HTTP/1.0': [
    ['POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    undefined,
    'HPE_INVALID_TRANSFER_ENCODING',
  ],
  '`Content-Length` above 1 GiB': [
    [`${POST}Content-Length: 2000000000\r\n\r\n`],
    'ERR_HTTP_REQUEST_TIMEOUT',
    'WSGI_ERR_CONTENT_TOO_LARGE',
  ],
  'chunk extensions of more than 16 KiB in all': [
    [`${CHUNKED}${`1;a=${'x'.repeat(9000)}\r\nh\r\n`.repeat(2)}0\r\n\r\n`],
    undefined,
    'HPE_CHUNK_EXTENSIONS_OVERFLOW',
  ],
  'a request after one with `Connection: close`': [
    [`${GET}Connection: close\r\n\r\n${GET}\r\n`],
    'HPE_CLOSED_CONNECTION',
    undefined,
  ],
  'a request line that is wrong, and has not ended': [
    ['G@T'],
    'HPE_INVALID_METHOD',
    'ERR_HTTP_REQUEST_TIMEOUT',
  ],
};

interface Told {
  readonly code: unknown;
  readonly message: string;
  readonly reason: unknown;
  readonly bytesParsed: unknown;
  readonly rawPacket: string | undefined;
  readonly isKnownSocket: boolean;
}

/** By the ports of server and client. */
const told = new Map<string, Told[]>();
/** The sockets that listeners of 'connection' got, by the ports of server and client. */
const accepted = new Map<string, Socket>();
let servers: Record<'node' | 'program' | 'application', NetServer>;

/** Answers once it has read the request. */
const listener: RequestListener = (req: IncomingMessage, res) => {
  req.on('error', () => {}).on('end', () => res.end('ok'));
  req.resume();
};

const options = { requestTimeout: 400, headersTimeout: 400, connectionsCheckingInterval: 20 };

beforeAll(async () => {
  servers = {
    node: createNodeServer(options, listener),
    program: createServer(fromNode(listener), options),
    application: createServer(async (environ, startResponse) => {
      await environ['wsgi.input'].read();
      startResponse('200 OK', []);
      return ['ok'];
    }, options),
  };
  for (const server of Object.values(servers)) {
    server.on('connection', (socket: Socket) => {
      accepted.set(`${socket.localPort} ${socket.remotePort}`, socket);
    });
    server.on('clientError', (error: Error, socket: Socket) => {
      const ports = `${socket.localPort} ${socket.remotePort}`;
      const list = told.get(ports) ?? [];
      told.set(ports, list);
      const rawPacket: Buffer | undefined = Reflect.get(error, 'rawPacket');
      list.push({
        code: Reflect.get(error, 'code'),
        message: error.message,
        reason: Reflect.get(error, 'reason'),
        bytesParsed: Reflect.get(error, 'bytesParsed'),
        rawPacket: rawPacket?.toString('latin1'),
        isKnownSocket: accepted.get(ports) === socket,
      });
      socket.destroy(error);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  }
});
afterAll(() => {
  for (const server of Object.values(servers)) server.close();
});

/** Gives what a server's listener is told of a client until the connection is closed, or for so many milliseconds. */
async function tell(server: NetServer, packets: readonly string[], patience = 800): Promise<Told[]> {
  // It listens on a port.
  const { port } = server.address() as AddressInfo;
  const client = connect(port, '127.0.0.1');
  client.on('error', () => {}).resume();
  await new Promise((resolve) => client.once('connect', resolve));
  const ports = `${port} ${client.localPort}`;
  told.delete(ports);
  let sent = 0;
  for (const packet of packets) {
    if (packet === END) client.end();
    else client.write(packet, 'latin1');
    sent += packet.length;
    // The server reads each packet for itself, however busy this process is.
    const isRead = () => (accepted.get(ports)?.bytesRead ?? 0) >= sent || client.closed;
    for (let waited = 0; waited < 2000 && !isRead(); waited += 5) await delay(5);
  }
  for (let waited = 0; waited < patience && !client.closed; waited += 20) await delay(20);
  client.destroy();
  await delay(10);
  return told.get(ports) ?? [];
}

describe.skipIf(areShortcutsOff)('clientError is told as on node', { concurrent: true }, () => {
  it.each(Object.entries(FAULTS))('of %s', async (_name, packets) => {
    const [onNode, program, application] = await Promise.all(
      [servers.node, servers.program, servers.application].map((server) => tell(server, packets, 8000)),
    );
    assert.lengthOf(onNode ?? [], 1);
    for (const ours of [program, application]) {
      // Where no octet is at fault, node gives no packet.
      const isGiven = onNode?.[0]?.rawPacket !== undefined;
      assert.deepEqual(isGiven ? ours : ours?.map((error) => ({ ...error, rawPacket: undefined })), onNode);
    }
  });
});

describe('clientError is not told, as on node', { concurrent: true }, () => {
  it.each(Object.entries(ANSWERED))('of %s', async (_name, packets) => {
    for (const server of Object.values(servers)) assert.deepEqual(await tell(server, packets), []);
  });
});

describe('clientError differs from node’s on purpose', { concurrent: true }, () => {
  it.each(Object.entries(DIFFERENT))('for %s', async (_name, [packets, onNode, ours]) => {
    const codes = async (server: NetServer): Promise<unknown> =>
      (await tell(server, packets)).map(({ code }) => code)[0];
    assert.equal(await codes(servers.application), ours);
    assert.equal(await codes(servers.program), ours);
    if (process.version.startsWith('v20.')) assert.equal(await codes(servers.node), onNode);
  });

  it('in the cases that docs/http.md lists', () => {
    const page = readFileSync(new URL('../../docs/http.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| (.+?) \| `?(.+?)`? \| `?(.+?)`? \|$/gm)]
      .map(([, name, onNode, ours]) => [name, onNode, ours])
      .filter(([, , ours]) => /^(HPE|WSGI|ERR|none)/.test(ours ?? ''));
    const listed = Object.entries(DIFFERENT).map(([name, [, ...codes]]) => [
      name,
      ...codes.map((code) => code ?? 'none'),
    ]);
    assert.deepEqual(rows, listed);
  });
});
