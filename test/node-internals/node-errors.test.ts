/** Compares errors with those that node throws and emits itself. */
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  checkDuration,
  connectionReset,
  nodeError,
  streamDestroyed,
} from '../../src/node-internals/index.ts';
import { openHttp } from './connections.ts';
import { createResponse } from './messages.ts';

/** Gives what a caller sees of an error; undefined if nothing is thrown. */
function thrownBy(call: () => unknown): unknown {
  try {
    call();
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}

function describeError(error: unknown): unknown {
  // Only its members are read.
  const { name, code, message } = error as NodeJS.ErrnoException;
  return { name, code, message };
}

describe('checkDuration()', () => {
  it.each([
    [undefined],
    [null],
    ['abc'],
    ['10'],
    [true],
    [Symbol('x')],
    [{}],
    [[]],
    [new Date(0)],
    [function named() {}],
    [() => {}],
    [class Named {}],
    [Number.NaN],
    [-1],
    [-1.5],
    [Number.POSITIVE_INFINITY],
    [Number.NEGATIVE_INFINITY],
  ])('throws what setTimeout of a socket throws: %s', (value) => {
    const expected = thrownBy(() => Reflect.apply(Socket.prototype.setTimeout, new Socket(), [value]));
    expect(expected).toBeDefined();
    expect(thrownBy(() => checkDuration(value))).toEqual(expected);
  });

  it.each([0, -0, 1, 1.5])('accepts what setTimeout of a socket accepts: %s', (value) => {
    expect(thrownBy(() => new Socket().setTimeout(value))).toBeUndefined();
    expect(thrownBy(() => checkDuration(value))).toBeUndefined();
  });
});

it('makes the error of a request whose connection was lost', async () => {
  const { client, request } = await openHttp(
    'request',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n',
  );
  request.resume();
  const failure = new Promise((resolve) => request.once('error', resolve));
  client.destroy();
  expect(describeError(connectionReset())).toEqual(describeError(await failure));
});

it('makes the error of a write when the response is gone', async () => {
  const response = createResponse();
  response.on('error', () => {});
  response.destroy();
  const error = await new Promise((resolve) => response.write('x', resolve));
  expect(describeError(streamDestroyed())).toEqual(describeError(error));
});

it('makes an error with a code', () => {
  expect(nodeError('ECODE', 'a message')).toMatchObject({
    name: 'Error',
    code: 'ECODE',
    message: 'a message',
  });
});
