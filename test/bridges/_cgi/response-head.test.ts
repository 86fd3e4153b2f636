import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ProgramHead, ResponseHeadParser } from '../../../bridges/_cgi/response-head.ts';
import { UpstreamError } from '../../../src/index.ts';

/** Parses an output, cut into pieces of a size. */
function parse(output: string, size = output.length): { head: ProgramHead; rest: string } {
  const parser = new ResponseHeadParser('old.cgi', 1_000);
  const octets = Buffer.from(output, 'latin1');
  for (let start = 0; start < octets.length; start += size) {
    // Memory that is used again, as that of a socket may be.
    const piece = Buffer.from(octets.subarray(start, start + size));
    const parsed = parser.push(piece);
    if (parsed !== undefined) {
      const rest = Buffer.concat([parsed.rest, octets.subarray(start + size)]).toString('latin1');
      return { head: parsed.head, rest };
    }
    piece.fill(0x2a);
  }
  throw parser.incomplete('exited with code 0');
}

/** Gives the error of a malformed output. */
function faultOf(output: string, size?: number): UpstreamError {
  try {
    parse(output, size);
  } catch (error) {
    if (error instanceof UpstreamError) return error;
    throw error;
  }
  throw new Error('no error');
}

/** Parses an output whole and octet by octet, which must make no difference. */
function headOf(output: string): ProgramHead {
  const whole = parse(output);
  for (const size of [1, 2, 7]) expect(parse(output, size)).toEqual(whole);
  return whole.head;
}

describe('the head of a program', () => {
  it.each<[string, string, [string, string][]]>([
    ['Content-Type: text/plain\n\n', '200 OK', [['Content-Type', 'text/plain']]],
    ['Content-Type:text/plain \r\n\r\n', '200 OK', [['Content-Type', 'text/plain']]],
    ['Status: 404\n\n', '404 Not Found', []],
    ['Status: 404 \n\n', '404 Not Found', []],
    ['status: 404 Not here\n\n', '404 Not here', []],
    ['Status: 299\n\n', '299 ', []],
    [
      'Status: 200 OK\nSet-Cookie: a=1\nSet-Cookie: b=2\n\n',
      '200 OK',
      [
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
      ],
    ],
    ['Status: 200\nX-Octet: \xe9\n\n', '200 OK', [['X-Octet', '\xe9']]],
    ['Status: 200\r\nX-Mixed: 1\n\r\n', '200 OK', [['X-Mixed', '1']]],
    ['Status: 200\nX-Empty:\n\n', '200 OK', [['X-Empty', '']]],
  ])('%j is %s', (output, status, headers) => {
    expect(headOf(output)).toEqual({ kind: 'document', status, headers, contentLength: undefined });
  });

  it('gives the octets behind it back', () => {
    expect(parse('Content-Type: a/b\n\n\nfirst\nContent-Type: c/d\n\n').rest).toBe(
      '\nfirst\nContent-Type: c/d\n\n',
    );
  });

  it('tells the declared length', () => {
    expect(headOf('Content-Type: a/b\nContent-Length: 12\n\n')).toMatchObject({
      contentLength: 12,
      headers: [
        ['Content-Type', 'a/b'],
        ['Content-Length', '12'],
      ],
    });
  });

  it('leaves fields of the connection and of the server out', () => {
    const head = headOf(
      'Status: 200\nConnection: close\nKeep-Alive: 5\nUpgrade: x\nX-CGI-Own: 1\nX-Kept: 1\n\n',
    );
    expect(head).toMatchObject({ headers: [['X-Kept', '1']] });
  });
});

describe('Location of a program', () => {
  it.each([
    ['Location: /other?x=1\n\n', { kind: 'redirect', location: '/other?x=1' }],
    [
      'Location: https://other.test/\n\n',
      { status: '302 Found', headers: [['Location', 'https://other.test/']] },
    ],
    ['Location: //other.test/\n\n', { status: '302 Found', headers: [['Location', '//other.test/']] }],
    ['Location: other.cgi\n\n', { status: '302 Found', headers: [['Location', 'other.cgi']] }],
    ['Location: /other#part\n\n', { status: '302 Found', headers: [['Location', '/other#part']] }],
    ['Status: 303\nLocation: /other\n\n', { status: '303 See Other', headers: [['Location', '/other']] }],
    ['Status: 201 Created\nLocation: https://o.test/\n\n', { status: '201 Created' }],
    [
      'Set-Cookie: a=1\nLocation: /other\n\n',
      {
        status: '302 Found',
        headers: [
          ['Set-Cookie', 'a=1'],
          ['Location', '/other'],
        ],
      },
    ],
    ['Content-Type: text/html\nLocation: /other\n\n', { kind: 'document', status: '302 Found' }],
  ])('%j', (output, expected) => {
    expect(headOf(output)).toMatchObject(expected);
  });
});

describe('a malformed head', () => {
  it.each([
    ['HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n\r\n', /NPH.*write "Status: 200 OK" instead.*§5\)/],
    ['HTTP/1.0 404\n\n', /write "Status: 404"/],
    ['Hello, world\n', /begins with "Hello, world", which is no header field.*§6\.3\)/],
    ['Traceback (most recent call last):\n  File "x.py"\n', /begins with "Traceback|head contains/],
    ['Content-Type: a/b\nHello\n\n', /head contains "Hello"/],
    ['Content-Type: a/b\n folded\n\n', /head contains " folded"/],
    ['Content Type: a/b\n\n', /begins with "Content Type: a\/b"/],
    ['X-Own: a\rb\nStatus: 200\n\n', /value of X-Own contains a control character/],
    ['X-Own: a\0b\nStatus: 200\n\n', /control character/],
    ['Status: 200 OK\nStatus: 200 OK\n\n', /Status comes twice.*§6\.3\)/],
    ['Content-Type: a/b\ncontent-type: c/d\n\n', /content-type comes twice/],
    ['Content-Type: a/b\nContent-Length: 1\nContent-Length: 2\n\n', /Content-Length comes twice/],
    ['Status: OK\n\n', /Status is "OK", not a code.*§6\.3\.3\)/],
    ['Status: HTTP/1.1 200 OK\n\n', /without the version/],
    ['Status: 100 Continue\n\n', /Status is "100 Continue"/],
    ['Status: 1000\n\n', /Status is "1000"/],
    ['Status: 20\n\n', /Status is "20"/],
    ['Status:\n\n', /Status is ""/],
    ['Location:\n\n', /Location is empty/],
    ['Content-Type: a/b\nContent-Length: 1e3\n\n', /Content-Length is "1e3"/],
    ['Content-Type: a/b\nContent-Length: -1\n\n', /Content-Length is "-1"/],
    ['Content-Type: a/b\nTransfer-Encoding: chunked\n\n', /Transfer-Encoding.*§6\.3\.4\)/],
    ['X-Own: 1\n\ncontent', /none of Content-Type, Location and Status/],
    ['\nContent-Type: a/b\n\n', /none of/],
    [`X-Own: ${'a'.repeat(1_000)}\n\n`, /head exceeds 1000 octets/],
    ['a: b\n'.repeat(300), /head exceeds/],
    ['a'.repeat(1_001), /head exceeds/],
  ])('%j is refused', (output, message) => {
    for (const size of [output.length, 1]) {
      const error = faultOf(output, size);
      expect(error.message).toMatch(message);
      expect(error.message).toContain('old.cgi: ');
      expect([error.code, error.statusCode]).toEqual(['WSGI_ERR_UPSTREAM_MALFORMED', 502]);
    }
  });

  it.each([
    ['', /old\.cgi exited with code 0, it wrote nothing$/],
    ['Content-Type: a/b\n', /no empty line.*§6\.2\)/],
    ['Oops', /its output begins with "Oops"/],
  ])('%j is incomplete', (output, message) => {
    const error = faultOf(output);
    expect([error.message, error.code]).toEqual([expect.stringMatching(message), 'WSGI_ERR_UPSTREAM_ENDED']);
  });

  it('never makes anything but a head or an UpstreamError of any octets', () => {
    const line = fc.oneof(
      fc.constantFrom('Status: 200', 'Location: /x', 'Content-Type: a/b', 'HTTP/1.1 200', '', '\r'),
      fc.uint8Array({ maxLength: 20 }).map((octets) => Buffer.from(octets).toString('latin1')),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), fc.integer({ min: 1, max: 30 }), (lines, size) => {
        const output = lines.join('\n');
        const outcome = (cut: number): string => {
          try {
            return JSON.stringify(parse(output, cut));
          } catch (error) {
            if (error instanceof UpstreamError) return 'refused';
            throw error;
          }
        };
        return outcome(size) === outcome(Math.max(output.length, 1));
      }),
    );
  });
});
