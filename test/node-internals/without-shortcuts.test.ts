/** Runs with the shortcuts switched off, as the core of the suite does beside it (vitest.config.ts). */
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import {
  closeQuietly,
  endQuietly,
  headerMapOf,
  latin1Text,
  leaveLengthToNode,
  NO_CALLBACK,
  type RequestMessage,
  readInto,
} from '../../src/node-internals/index.ts';

it('has no shortcut', () => {
  const request = new IncomingMessage(new Socket()) as RequestMessage;
  const response = new ServerResponse(request);
  expect(headerMapOf(response)).toBeUndefined();
  expect(leaveLengthToNode(response, 5)).toBe(false);
  expect(NO_CALLBACK).toBeUndefined();
  expect(endQuietly(request)).toBe(false);
  expect(closeQuietly(request)).toBe(false);
  const reader = { onPacket: () => true, nextBuffer: () => undefined };
  expect(readInto(new Socket(), Buffer.alloc(1), reader)).toBe(false);
  expect(latin1Text(new Uint8Array([0x80, 0xff]))).toBe('\x80\xff');
});
