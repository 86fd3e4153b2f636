import { EventEmitter, once } from 'node:events';
import { IncomingMessage, OutgoingMessage, ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  clearNeedDrain,
  closeQuietly,
  endQuietly,
  hasListeners,
  headerMapOf,
  isBeingRead,
  isFinishCallback,
  isHeaderMap,
  latin1Text,
  leaveLengthToNode,
  NO_CALLBACK,
  type RequestMessage,
  type ResponseMessage,
  readInto,
  type WriteCallback,
} from '../../src/node-internals/index.ts';

const createRequest = (): RequestMessage => new IncomingMessage(new Socket()) as RequestMessage;
const createResponse = (): ResponseMessage => new ServerResponse(createRequest()) as ResponseMessage;

/** A new Node that lacks one of these makes gatebridge slower or coarser: the essay of its file says how. */
describe('this Node has the shortcut', () => {
  it('to the map of setHeader', () => {
    const response = createResponse();
    expect(headerMapOf(response)).toBe(null);
    response.setHeader('X-Name', 'value');
    expect(headerMapOf(response)?.['x-name']).toEqual(['X-Name', 'value']);
    expect(isHeaderMap(response, {})).toBe(false);
  });

  it('to the length that node works out', () => {
    const response = createResponse();
    response.useChunkedEncodingByDefault = true;
    expect(leaveLengthToNode(response, 5)).toBe(true);
  });

  it('to the callbacks of write and end', () => {
    expect(NO_CALLBACK).toBeTypeOf('function');
    const passed: (WriteCallback | null | undefined)[] = [];
    const response = createResponse();
    const send: ResponseMessage['_send'] = (_data, _encoding, callback) => {
      passed.push(callback);
      return true;
    };
    Object.assign(response, { _send: send, _header: 'settled', socket: new Socket() });
    response.end('x');
    expect(passed.some((callback) => isFinishCallback(callback ?? undefined))).toBe(true);
  });

  it('to the mark of a response that needs a drain', () => {
    const response = createResponse();
    Object.assign(response, { _send: () => false, _header: 'settled' });
    response.write('x');
    expect(response.writableNeedDrain).toBe(true);
    clearNeedDrain(response);
    expect(response.writableNeedDrain).toBe(false);
  });

  it('to the number of listeners', () => {
    const emitter = new EventEmitter();
    expect(Reflect.get(emitter, '_eventsCount')).toBe(0);
    expect(hasListeners(emitter)).toBe(false);
    emitter.on('close', () => {});
    expect(hasListeners(emitter)).toBe(true);
  });

  it('to the state of a request', () => {
    const request = createRequest();
    expect(isBeingRead(request)).toBe(false);
    expect(endQuietly(request)).toBe(true);
    expect(closeQuietly(request)).toBe(true);
    expect(request.closed).toBe(true);
  });

  it('to octets as latin-1', () => {
    expect(latin1Text(new Uint8Array([0x61, 0x80, 0xff]))).toBe('a\x80\xff');
    expect('latin1Slice' in Buffer.prototype).toBe(true);
  });

  it.skipIf(process.platform === 'win32')('to a buffer for all packets', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = connect(port, '127.0.0.1', () => client.end('hello'));
    const [socket]: Socket[] = await once(server, 'connection');
    const buffer = Buffer.alloc(1000);
    const packet = await new Promise<string>((resolve) => {
      const onPacket = (length: number): boolean => {
        resolve(buffer.toString('latin1', 0, length));
        return true;
      };
      expect(readInto(socket as Socket, buffer, { onPacket, nextBuffer: () => undefined })).toBe(true);
    });
    expect(packet).toBe('hello');
    socket?.destroy();
    server.close();
  });

  it('to the queue of the kernel', () => {
    expect('_handle' in new Socket()).toBe(true);
    expect(new OutgoingMessage().writableHighWaterMark).toBeGreaterThan(0);
  });
});
