import { once } from 'node:events';
import { expect, it } from 'vitest';
import { hasSentContinue, writeRaw } from '../../src/node-internals/index.ts';
import { openHttp } from './connections.ts';

const EXPECTATION = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n';

it('knows if a response has sent 100', async () => {
  const { response } = await openHttp('checkContinue', EXPECTATION);
  expect(hasSentContinue(response)).toBe(false);
  response.writeContinue();
  expect(hasSentContinue(response)).toBe(true);
});

it('writes text past a response', async () => {
  const { client, response } = await openHttp('request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const hints = 'HTTP/1.1 103 Early Hints\r\nX-Name: \xe9\r\n\r\n';
  writeRaw(response, hints);
  const [octets]: Buffer[] = await once(client, 'data');
  expect(octets?.toString('latin1')).toBe(hints);
  expect(response.headersSent).toBe(false);
});

it('writes nothing without the method', async () => {
  const { client, response } = await openHttp('request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  Object.assign(response, { _writeRaw: undefined });
  writeRaw(response, 'HTTP/1.1 103 Early Hints\r\n\r\n');
  // Sent without `_writeRaw`.
  response.socket?.write('the next octets');
  const [octets]: Buffer[] = await once(client, 'data');
  expect(octets?.toString()).toBe('the next octets');
});
