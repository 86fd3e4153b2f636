import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ProtocolError } from '../../src/errors.ts';
import {
  type ClientError,
  createClientError,
  findClientError,
} from '../../src/node-internals/client-error.ts';
import { areShortcutsOff } from '../support/shortcuts.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\n';
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
const LONG = 'x'.repeat(20_000);

const CHANNELS = ['http.server.request.start', 'http.server.response.created'];

/** Faults of a client: our code, and a request with the fault. */
const FAULTS: Partial<Record<ProtocolError['code'], string>> = {
  WSGI_ERR_HEAD_INCOMPLETE: 'GET /',
  WSGI_ERR_CONTENT_INCOMPLETE: `${POST}Content-Length: 5\r\n\r\nab`,
  WSGI_ERR_REQUEST_LINE_INVALID: 'GET\r\n\r\n',
  WSGI_ERR_METHOD_INVALID: 'G@T / HTTP/1.1\r\n\r\n',
  WSGI_ERR_METHOD_UNKNOWN: 'BREW / HTTP/1.1\r\n\r\n',
  WSGI_ERR_TARGET_INVALID: 'GET a HTTP/1.1\r\n\r\n',
  WSGI_ERR_VERSION_UNSUPPORTED: 'GET / HTTP/3.7\r\n\r\n',
  WSGI_ERR_LINE_END_INVALID: `${GET}X: a\n\r\n`,
  WSGI_ERR_OCTET_FORBIDDEN: `${GET}X: a\0b\r\n\r\n`,
  WSGI_ERR_FIELD_LINE_INVALID: `${GET}X a: b\r\n\r\n`,
  WSGI_ERR_FIELD_FOLDED: `${GET}X: a\r\n b\r\n\r\n`,
  WSGI_ERR_REQUEST_LINE_TOO_LONG: `GET /${LONG} HTTP/1.1\r\n\r\n`,
  WSGI_ERR_FIELDS_TOO_LARGE: `${GET}X: ${LONG}\r\n\r\n`,
  WSGI_ERR_LENGTH_INVALID: `${GET}Content-Length: x\r\n\r\n`,
  WSGI_ERR_FRAMING_AMBIGUOUS: `${POST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
  WSGI_ERR_CODING_INVALID: `${POST}Transfer-Encoding: chunked, gzip\r\n\r\n`,
  WSGI_ERR_CODING_UNSUPPORTED: `${POST}Transfer-Encoding: gzip\r\n\r\n`,
  WSGI_ERR_CHUNK_MALFORMED: `${CHUNKED}x\r\n`,
  WSGI_ERR_CHUNK_EXTENSIONS_TOO_LARGE: `${CHUNKED}1;${LONG}\r\n`,
};

/** The error of node's own server, for a client that sends the octets and then closes its half. */
async function errorOfNode(octets: string | undefined): Promise<NodeJS.ErrnoException> {
  const server = createServer({ requestTimeout: 50, headersTimeout: 50, connectionsCheckingInterval: 10 });
  server.on('request', (request) => request.on('error', () => {}).resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const failure = new Promise<NodeJS.ErrnoException>((resolve) => {
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      resolve(error);
      socket.destroy();
    });
  });
  // A server that listens on a port has an object for an address.
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => {});
  if (octets === undefined) client.write('GET /');
  else client.end(octets, 'latin1');
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  return failure;
}

function createError(code: ProtocolError['code']): NodeJS.ErrnoException {
  return createClientError(new ProtocolError(code, 'a detail'));
}

describe('the error of a client', () => {
  // The keys of the table are its codes.
  it.each(Object.entries(FAULTS) as [ProtocolError['code'], string][])(
    'has the code of node’s own: %s',
    async (code, octets) => {
      const { code: expected, message } = await errorOfNode(octets);
      expect(expected).toMatch(/^HPE_/);
      expect(message).toMatch(/^Parse Error/);
      expect(createError(code).code).toBe(expected);
    },
  );

  it('has the code of node’s own if the client was too slow', async () => {
    const { code } = await errorOfNode(undefined);
    expect(createError('WSGI_ERR_REQUEST_TIMEOUT').code).toBe(code);
    expect(createError('WSGI_ERR_REQUEST_TIMEOUT').message).not.toContain('Parse Error');
  });

  it('is a head that is too large if it has too many fields, which node throws away', () => {
    expect(createError('WSGI_ERR_FIELDS_TOO_MANY').code).toBe(createError('WSGI_ERR_FIELDS_TOO_LARGE').code);
  });

  it('keeps our code if node has none', () => {
    expect(createError('WSGI_ERR_CONTENT_TOO_LARGE').code).toBe('WSGI_ERR_CONTENT_TOO_LARGE');
  });

  it('tells what was parsed, and has ours for its cause', () => {
    const cause = new ProtocolError('WSGI_ERR_TARGET_INVALID', '/#');
    const packet = Buffer.from('GET /# HTTP/1.1\r\n\r\n');
    const error = findClientError(cause, { packet, octets: { consumed: '', rest: packet } }) as ClientError;
    expect(error).toBeInstanceOf(Error);
    expect(error.message).toBe(`Parse Error: ${cause.message}`);
    expect(error.cause).toBe(cause);
    expect(error.rawPacket).toBe(packet);
    expect(error.bytesParsed).toBe(packet.length);
  });

  it('is that of node’s parser if it finds a fault, and no tool hears of the requests', () => {
    const heard: unknown[] = [];
    const hear = (message: unknown): void => void heard.push(message);
    const { emit } = Server.prototype;
    Server.prototype.emit = function (...values: never) {
      heard.push(values);
      return Reflect.apply(emit, this, values);
    };
    for (const name of CHANNELS) subscribe(name, hear);
    const packet = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n\r\n${CHUNKED}x\r\n`);
    const cause = new ProtocolError('WSGI_ERR_CHUNK_MALFORMED', 'x');
    const error = findClientError(cause, { packet, octets: { consumed: '', rest: packet } }) as ClientError;
    for (const name of CHANNELS) unsubscribe(name, hear);
    Server.prototype.emit = emit;
    const isFound = !areShortcutsOff;
    expect(error.message).toBe(`Parse Error: ${isFound ? 'Invalid character in chunk size' : cause.message}`);
    expect(error.bytesParsed).toBe(packet.length - (isFound ? 3 : 0));
    expect(error.cause).toBe(cause);
    expect(heard).toEqual([]);
  });
});
