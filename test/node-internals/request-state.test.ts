import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import {
  closeQuietly,
  endQuietly,
  isBeingRead,
  type RequestMessage,
} from '../../src/node-internals/index.ts';
import { areShortcutsOff } from '../support/shortcuts.ts';
import { openHttp } from './connections.ts';
import { createRequest } from './messages.ts';

describe('isBeingRead()', () => {
  it('is false before anything reads', () => {
    const request = createRequest();
    expect(isBeingRead(request)).toBe(false);
    request.on('end', () => {});
    expect(isBeingRead(request)).toBe(false);
  });

  it.each<[string, (request: RequestMessage) => void]>([
    ['a data listener', (request) => void request.on('data', () => {})],
    ['resume', (request) => void request.resume()],
    ['pipe', (request) => void request.pipe(new PassThrough())],
  ])('is true at once after %s, and stays so', async (_name, read) => {
    const request = createRequest();
    read(request);
    expect(isBeingRead(request)).toBe(true);
    await new Promise(setImmediate);
    expect(isBeingRead(request)).toBe(true);
  });

  it('is true a tick after a readable listener', async () => {
    const request = createRequest();
    request.on('readable', () => {});
    await new Promise(process.nextTick);
    expect(isBeingRead(request)).toBe(true);
  });

  it('is true after a read that gave something', () => {
    const request = createRequest();
    request.push('x');
    expect(String(request.read())).toBe('x');
    expect(isBeingRead(request)).toBe(true);
  });

  it('is true after a read that gave nothing, where that can be seen', () => {
    const request = createRequest();
    expect(request.read()).toBe(null);
    expect(isBeingRead(request)).toBe(!areShortcutsOff);
  });
});

describe('endQuietly()', () => {
  it('lets later listeners see the end', async () => {
    const request = createRequest();
    expect(endQuietly(request)).toBe(!areShortcutsOff);
    const onEnd = vi.fn();
    request.on('end', onEnd).resume();
    await new Promise(setImmediate);
    expect(onEnd).toHaveBeenCalledTimes(areShortcutsOff ? 0 : 1);
  });
});

describe('closeQuietly()', () => {
  /** Members that tell how far a request has got. */
  function progress(request: RequestMessage): unknown[] {
    const state: object = Reflect.get(request, '_readableState');
    const names = ['ended', 'endEmitted', 'destroyed', 'closed', 'closeEmitted'];
    return [request.complete, ...names.map((name) => Reflect.get(state, name))];
  }

  it('leaves a request as if it had been read to its end', async () => {
    const { request: live, response } = await openHttp('request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const closed = new Promise((resolve) => live.once('close', resolve));
    live.resume();
    response.end();
    await closed;
    const request = createRequest();
    const before = progress(request);
    expect(closeQuietly(request)).toBe(!areShortcutsOff);
    // node's types leave out the private members.
    expect(progress(request)).toEqual(areShortcutsOff ? before : progress(live as RequestMessage));
  });

  it.skipIf(areShortcutsOff)('leaves nothing to later listeners', async () => {
    const request = createRequest();
    closeQuietly(request);
    const onEvent = vi.fn();
    for (const event of ['end', 'close', 'error']) request.on(event, onEvent);
    request.resume().destroy();
    await new Promise(setImmediate);
    expect(onEvent).not.toHaveBeenCalled();
  });
});
