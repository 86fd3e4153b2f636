/** Repeated heads on a connection give equal results, even after their octets were overwritten. */
import { expect, it } from 'vitest';
import { DEFAULT_LIMITS, type RequestHead, RequestParser } from '../../src/http/index.ts';

const HEAD =
  'GET /path?q HTTP/1.1\r\nHost: a\r\nConnection: upgrade, x\r\nUpgrade: y\r\nExpect: 100-continue\r\n\r\n';

function readAll(parser: RequestParser, text: string, isLent = false): RequestHead[] {
  const octets = Buffer.from(text, 'latin1');
  parser.push(octets, octets.length, isLent);
  const heads: RequestHead[] = [];
  for (let head = parser.readHead(); head !== undefined; head = parser.readHead()) heads.push(head);
  parser.keep();
  octets.fill('?');
  return heads;
}

it('gives an equal head for each repetition', () => {
  const parser = new RequestParser(DEFAULT_LIMITS);
  const [first, ...others] = [...readAll(parser, HEAD.repeat(3), true), ...readAll(parser, HEAD, true)];
  expect(others).toEqual([first, first, first]);
  expect(first).toMatchObject({ target: '/path?q', connectionNominatesUpgrade: true, expectsContinue: true });
});

it.each([
  ['another target', HEAD.replace('path', 'PATH')],
  ['another value', HEAD.replace('Host: a', 'Host: b')],
  ['another name', HEAD.replace('Upgrade:', 'Upgrad3:')],
  ['one field more', HEAD.replace('\r\n\r\n', '\r\nX: 1\r\n\r\n')],
  ['a longer value', HEAD.replace('100-continue', '100-continued')],
  ['another octet at the end', HEAD.replace('100-continue', '100-continuE')],
])('notices %s', (_case, other) => {
  const fresh = readAll(new RequestParser(DEFAULT_LIMITS), other);
  const parser = new RequestParser(DEFAULT_LIMITS);
  readAll(parser, HEAD.repeat(3));
  expect(readAll(parser, other)).toEqual(fresh);
  expect(readAll(parser, HEAD + other + HEAD)[1]).toEqual(fresh[0]);
});

// Heads of this size are compared in C++, not by a loop.
it.each([100, 500, 900])('notices one changed octet in a head with a field of %i octets', (size) => {
  const large = HEAD.replace('Host: a', `X: ${'x'.repeat(size)}\r\nHost: a`);
  const parser = new RequestParser(DEFAULT_LIMITS);
  const [first] = readAll(parser, large.repeat(3));
  expect(readAll(parser, large)).toEqual([first]);
  for (const index of [30, Math.floor(size / 2) + 30, size + 20]) {
    const other = `${large.slice(0, index)}y${large.slice(index + 1)}`;
    expect(readAll(parser, other)).toEqual(readAll(new RequestParser(DEFAULT_LIMITS), other));
  }
});

it('waits for the end of a head that begins like the last one', () => {
  const parser = new RequestParser(DEFAULT_LIMITS);
  const [first] = readAll(parser, HEAD.repeat(3), true);
  for (let size = 1; size < HEAD.length; size += 1) {
    expect(readAll(parser, HEAD.slice(0, size), true)).toEqual([]);
    expect(parser.hasPartialHead).toBe(true);
    expect(readAll(parser, HEAD.slice(size), true)).toEqual([first]);
  }
});

it('reads content after a repeated head', () => {
  const parser = new RequestParser(DEFAULT_LIMITS);
  const message = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n';
  for (const content of ['one', 'two', '3rd', '4th']) {
    parser.push(Buffer.from(message + content));
    expect(parser.readHead()?.contentLength).toBe(3);
    expect(parser.readContent()?.toString()).toBe(content);
    expect(parser.readContent()).toBeNull();
  }
});

const LINES = [
  'GET /',
  'HEAD /',
  'GET /other?q',
  'OPTIONS *',
  'GET http://b/',
  'CONNECT b:80',
  'BREW /%00',
].flatMap((line) => [`${line} HTTP/1.1`, `${line} HTTP/1.0`, `${line} HTTP/1.7`]);

// Repeated fields are not read again, but their effect depends on the request line.
it.each([
  ['plain fields', 'Host: a\r\nX: 1'],
  ['CONNECT refused', 'Host: a', false],
  ['no Host', 'X: 1'],
  ['no content', 'Host: a\r\nContent-Length: 0'],
  ['Connection: close', 'Host: a\r\nConnection: close'],
  ['Connection: Keep-Alive', 'Host: a\r\nConnection: Keep-Alive'],
  ['an upgrade', 'Host: a\r\nConnection: upgrade\r\nUpgrade: x'],
  ['an expectation', 'Host: a\r\nExpect: 100-continue'],
  ['another expectation', 'Host: a\r\nExpect: more'],
])('reads each request line before repeated fields as if alone: %s', (_case, fields, allowConnect = true) => {
  const limits = { ...DEFAULT_LIMITS, allowConnect };
  const read = (parser: RequestParser, line: string): unknown => {
    try {
      return readAll(parser, `${line}\r\n${fields}\r\n\r\n`);
    } catch (error) {
      return error;
    }
  };
  for (const before of LINES) {
    for (const line of LINES) {
      const parser = new RequestParser(limits);
      // A refused head is the last of its connection.
      if (read(parser, before) instanceof Error) continue;
      read(parser, before);
      expect(read(parser, line), `${before}, ${line}`).toEqual(read(new RequestParser(limits), line));
    }
  }
});

it('does not remember a large head', () => {
  const parser = new RequestParser(DEFAULT_LIMITS);
  const large = HEAD.replace('Host: a', `X: ${'x'.repeat(2000)}\r\nHost: a`);
  const [first] = readAll(parser, large);
  const [second] = readAll(parser, large);
  expect(second).toEqual(first);
  expect(second?.rawHeaders).not.toBe(first?.rawHeaders);
});
