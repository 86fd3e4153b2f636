/** Responders that do what a test says, and servers of fromFastCgi. */
import { type AddressInfo, createServer as createNetServer, type Server, type Socket } from 'node:net';
import { afterEach } from 'vitest';
import { type FromFastCgiOptions, fromFastCgi } from '../../../bridges/fastcgi/index.ts';
import { decodeNameValues, encodeNameValues } from '../../../bridges/fastcgi/name-values.ts';
import {
  encodeEndRequest,
  encodeRecords,
  RecordParser,
  RecordType,
} from '../../../bridges/fastcgi/records.ts';
import type { Application } from '../../../src/index.ts';
import { createServer } from '../../../src/server/index.ts';
import { validate } from '../../../src/validate/index.ts';

/** A request as a responder sees it. */
export interface Received {
  readonly id: number;
  readonly socket: Socket;
  readonly params: ReadonlyMap<string, string>;
  /** Content as far as it has come. */
  content: string;
  isAborted: boolean;
  write(type: keyof typeof RecordType, content: string | Buffer): void;
  end(protocolStatus?: number, appStatus?: number): void;
  /** A whole response. */
  answer(output: string): void;
}

/** What a responder does. */
export interface Behaviour {
  /** The parameters have come. */
  onParams?(request: Received): void;
  /** The content has come. */
  onContent?(request: Received): void;
  onAbort?(request: Received): void;
  /** The values of FCGI_GET_VALUES. */
  readonly values?: Readonly<Record<string, string>>;
  readonly keepsOpen?: boolean;
}

const cleanUps: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** A running responder. */
export interface Responder {
  readonly port: number;
  readonly sockets: Socket[];
  readonly requests: Received[];
}

/** Starts a responder. */
export async function startResponder(behaviour: Behaviour): Promise<Responder> {
  const sockets: Socket[] = [];
  const requests: Received[] = [];
  const server: Server = createNetServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    const parser = new RecordParser();
    const open = new Map<number, { received: Received; params: Buffer[] }>();
    socket.on('data', (octets) => {
      for (const { type, requestId: id, content } of parser.push(octets)) {
        if (type === RecordType.getValues) {
          const [values] = encodeNameValues(Object.entries(behaviour.values ?? {}));
          for (const one of encodeRecords(RecordType.getValuesResult, 0, values)) socket.write(one);
        }
        if (type === RecordType.beginRequest)
          open.set(id, { received: receive(id, socket, content), params: [] });
        const one = open.get(id);
        if (one === undefined) continue;
        if (type === RecordType.params && content.length > 0) one.params.push(content);
        else if (type === RecordType.params) {
          Object.assign(one.received, { params: decodeNameValues(Buffer.concat(one.params)) });
          requests.push(one.received);
          behaviour.onParams?.(one.received);
        }
        if (type === RecordType.stdin && content.length > 0)
          one.received.content += content.toString('latin1');
        else if (type === RecordType.stdin) behaviour.onContent?.(one.received);
        if (type === RecordType.abortRequest) {
          one.received.isAborted = true;
          behaviour.onAbort?.(one.received);
        }
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  // It listens on TCP.
  return { port: (server.address() as AddressInfo).port, sockets, requests };
}

function receive(id: number, socket: Socket, begin: Buffer): Received {
  const keepsOpen = begin.readUInt8(2) === 1;
  const write = (buffers: Uint8Array[]): void => {
    for (const one of buffers) socket.write(one);
  };
  const received: Received = {
    id,
    socket,
    params: new Map(),
    content: '',
    isAborted: false,
    write: (type, content) =>
      write(
        encodeRecords(
          RecordType[type],
          id,
          typeof content === 'string' ? Buffer.from(content, 'latin1') : content,
        ),
      ),
    end(protocolStatus = 0, appStatus = 0) {
      write(encodeEndRequest(id, { appStatus, protocolStatus }));
      if (!keepsOpen) socket.end();
    },
    answer(output) {
      received.write('stdout', output);
      received.write('stdout', '');
      received.end();
    },
  };
  return received;
}

/** A server of fromFastCgi. */
export interface Site {
  readonly url: string;
  readonly port: number;
  log(): string;
  close(): Promise<void>;
}

/** Serves what fromFastCgi makes, under the validator. */
export async function serveFrom(options: FromFastCgiOptions): Promise<Site> {
  const application = fromFastCgi(options);
  return { ...(await serveApplication(application)), close: application.close };
}

/** Serves an application, under the validator. */
export async function serveApplication(application: Application): Promise<Omit<Site, 'close'>> {
  let log = '';
  const write = (text: string): void => {
    log += text;
  };
  const errors = { write, writelines: (lines: Iterable<string>) => [...lines].forEach(write), flush() {} };
  const server = createServer(validate(application), { environ: { 'wsgi.errors': errors } });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUps.push(() => server.shutdown({ timeout: 100 }));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, log: () => log };
}

export const HELLO = 'Content-Type: text/plain\r\n\r\nHello';
