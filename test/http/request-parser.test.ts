import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../src/errors.ts';
import { DEFAULT_LIMITS, RequestParser } from '../../src/http/index.ts';
import { octets } from './exchange.ts';

function parserOf(text: string): RequestParser {
  const parser = new RequestParser({ ...DEFAULT_LIMITS, maxBodySize: 1000 });
  parser.push(octets(text));
  return parser;
}

/** The state of the parser, without method and trailers. */
function stateOf(parser: RequestParser): unknown {
  const { state, hasPartialHead, bufferedLength, contentRead } = parser;
  return [state, hasPartialHead, bufferedLength, contentRead];
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n';
const CHUNKED = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';

describe('RequestParser', () => {
  it('begins between messages, and empty', () => {
    const parser = new RequestParser(DEFAULT_LIMITS);
    expect(stateOf(parser)).toEqual(['head', false, 0, 0]);
    expect(parser.readHead()).toBeUndefined();
    expect(parser.readContent()).toBeNull();
  });

  it('is between messages again after a head without content', () => {
    const parser = parserOf(GET);
    expect(stateOf(parser)).toEqual(['head', true, GET.length, 0]);
    expect(parser.readHead()?.method).toBe('GET');
    expect(stateOf(parser)).toEqual(['head', false, 0, 0]);
    expect(parser.readContent()).toBeNull();
  });

  it('gives content as views of the pushed octets', () => {
    const parser = parserOf(POST);
    parser.readHead();
    const piece = octets('heXX').subarray(0, 2);
    parser.push(piece);
    const view = parser.readContent();
    expect([view?.toString(), view?.buffer === piece.buffer]).toEqual(['he', true]);
    expect(parser.readContent()).toBeUndefined();
    expect(stateOf(parser)).toEqual(['content', false, 0, 2]);
    parser.push(octets('lloGET'));
    expect(parser.readContent()?.toString()).toBe('llo');
    expect(stateOf(parser)).toEqual(['head', true, 3, 5]);
    expect(parser.readContent()).toBeNull();
  });

  it('keeps pipelined requests until they are asked for', () => {
    const parser = parserOf(`${POST}hello${GET}${GET}`);
    expect(parser.readHead()?.method).toBe('POST');
    expect(parser.bufferedLength).toBe(5 + 2 * GET.length);
    expect(parser.readContent()?.toString()).toBe('hello');
    expect([parser.readHead()?.method, parser.readHead()?.method, parser.readHead()]).toEqual([
      'GET',
      'GET',
      undefined,
    ]);
    expect(parser.contentRead).toBe(0);
  });

  it('gives trailers after the content, and forgets them with the next head', () => {
    const parser = parserOf(`${CHUNKED}2\r\nhi\r\n0\r\nX-T: 1\r\n\r\n${GET}`);
    parser.readHead();
    expect(parser.readContent()?.toString()).toBe('hi');
    expect([parser.state, parser.trailers]).toEqual(['content', []]);
    expect(parser.readContent()).toBeNull();
    const { trailers } = parser;
    expect(stateOf(parser)).toEqual(['head', true, GET.length, 2]);
    parser.readHead();
    expect([trailers, parser.trailers]).toEqual([['X-T', '1'], []]);
  });

  it.each(['G', 'GET / HTTP/1.1\r\n', 'GET / HTTP/1.1\r\nHost', '\r'])(
    'has a partial head after %j',
    (text) => {
      const parser = parserOf(text);
      expect(parser.hasPartialHead).toBe(true);
      expect(parser.readHead()).toBeUndefined();
      expect(parser.hasPartialHead).toBe(true);
    },
  );

  it('has no partial head after empty lines', () => {
    const parser = parserOf('\r\n\r\n');
    expect(parser.readHead()).toBeUndefined();
    expect(parser.hasPartialHead).toBe(false);
  });

  it('gives the rest to another protocol', () => {
    const parser = parserOf(`${GET}\x81\x00`);
    parser.readHead();
    expect(parser.takeRest()).toEqual(Buffer.of(0x81, 0));
    expect([parser.bufferedLength, parser.takeRest().length]).toEqual([0, 0]);
  });

  it('reads nothing after an error, and repeats it', () => {
    const parser = parserOf(`GET / HTTP/1.1\r\n\r\n${GET}`);
    const errors = [1, 2, 3].map((time) => {
      try {
        return time < 3 ? parser.readHead() : parser.readContent();
      } catch (error) {
        return error;
      }
    });
    expect(errors[0]).toBeInstanceOf(ProtocolError);
    expect(errors.every((error) => error === errors[0])).toBe(true);
    parser.push(octets(GET));
    expect(stateOf(parser)).toEqual(['failed', false, 0, 0]);
  });

  it('fails in content as in a head', () => {
    const parser = parserOf(`${CHUNKED}2\r\nhiX`);
    parser.readHead();
    parser.readContent();
    expect(() => parser.readContent()).toThrow(expect.objectContaining({ code: 'WSGI_ERR_CHUNK_MALFORMED' }));
    expect(stateOf(parser)).toEqual(['failed', false, 0, 2]);
    expect(() => parser.readHead()).toThrow(ProtocolError);
  });

  it('throws a TypeError, and goes on, if the next head is read before the end of content', () => {
    const parser = parserOf(`${POST}hello`);
    parser.readHead();
    expect(() => parser.readHead()).toThrow(TypeError);
    expect(parser.readContent()?.toString()).toBe('hello');
  });

  it('refuses garbage at its first octet', () => {
    expect(() => parserOf('\x16\x03\x01').readHead()).toThrow(
      expect.objectContaining({ code: 'WSGI_ERR_OCTET_FORBIDDEN' }),
    );
  });

  it('reads heads larger than one decoded text, also behind others', () => {
    const large = `GET /${'x'.repeat(3000)} HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(5000)}\r\n\r\n`;
    const parser = parserOf(GET + large + large + GET);
    const sizes = [1, 2, 3, 4].map(() => parser.readHead()?.rawHeaders.at(-1)?.length);
    expect([sizes, parser.readHead()]).toEqual([[1, 5000, 5000, 1], undefined]);
  });

  it('limits the content of each message, also behind repeated heads', () => {
    const parser = new RequestParser({ ...DEFAULT_LIMITS, maxBodySize: 5 });
    for (let time = 0; time < 4; time += 1) {
      parser.push(octets(`${POST}hello`));
      expect([parser.readHead()?.contentLength, parser.readContent()?.toString()]).toEqual([5, 'hello']);
    }
    parser.push(octets(POST.replace('5', '6')));
    expect(() => parser.readHead()).toThrow(expect.objectContaining({ statusCode: 413 }));
  });
});
