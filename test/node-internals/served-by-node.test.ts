import { expect, it } from 'vitest';
import { isServedByNode } from '../../src/node-internals/index.ts';
import { openHttp, openTcp } from './connections.ts';

it('knows a socket of node’s own server', async () => {
  const { request, response } = await openHttp('request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const { socket } = request;
  expect(isServedByNode(socket)).toBe(true);
  response.end();
  await new Promise((resolve) => socket.destroy().once('close', resolve));
  expect(isServedByNode(socket)).toBe(true);
});

it('knows that another server has a socket', async () => {
  const { socket } = await openTcp();
  expect(isServedByNode(socket)).toBe(false);
  expect(isServedByNode(undefined)).toBe(false);
});
