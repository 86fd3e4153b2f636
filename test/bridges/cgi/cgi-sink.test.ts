/** The output of a CGI program, over outputs that call back early or late. */
import type { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { CgiSink } from '../../../bridges/cgi/cgi-sink.ts';
import type { ResponseHead } from '../../../src/index.ts';

const HEAD: ResponseHead = {
  status: '200 OK',
  statusCode: 200,
  reason: 'OK',
  headers: [],
  contentLength: 6,
  hasContentLengthField: false,
  isBodiless: false,
};

type Call = (callback: () => void) => void;

it.each<[string, Call]>([
  ['during the call, as Bun does', (callback) => callback()],
  ['in a microtask', (callback) => queueMicrotask(callback)],
  ['later', (callback) => setImmediate(callback)],
])('ends if the output calls back %s', async (_name, call) => {
  let output = '';
  // The members that a sink uses.
  const stream = {
    writableLength: 0,
    on: () => stream,
    write(octets: Buffer, callback: () => void) {
      output += octets;
      call(callback);
      return true;
    },
  } as unknown as Writable;
  const sink = new CgiSink(stream, false);
  sink.writeHead(HEAD);
  await sink.write(Buffer.from('abc'));
  await sink.end(Buffer.from('def'));
  expect(output).toBe('Status: 200 OK\r\nContent-Length: 6\r\n\r\nabcdef');
});
